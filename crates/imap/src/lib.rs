//! An IMAP client (RFC 9051 and RFC 3501) made for reading whole accounts and filling others: thin, tolerant, pipelining.
//!
//! [`protocol`] knows the wire and no socket; [`Connection`] drives it. Bodies of messages flow from
//! the read buffer to the caller without being collected, so that a message of any size costs the
//! same memory. What a server says wrongly costs at most the message it says it about.
//!
//! Reading never changes anything: a folder is opened with EXAMINE and fetched from with PEEK. Only the commands that
//! are made to write do so: [`Connection::append`], [`Connection::create`], [`Connection::subscribe`],
//! [`Connection::select`] and [`Connection::store_flags`]. Nothing here expunges, deletes or renames.

mod client;
mod error;
pub mod protocol;

pub use client::{
    AddressGuard, Allowed, AppendBody, AppendMessage, Appended, AppendedUids, AttemptBudget, Connection,
    Credentials, Endpoint, ExamineMode, Examined, FetchEvent, FetchId, FetchItem, FetchModifier, ListCommand,
    ListRequest, ListReturn, Options, Outcome, Pipeline, SearchQuery, Security, StatusItem, StoreAction,
    Timeouts, Tls, TlsTrust,
};
pub use error::{CertificateFault, CertificateProblem, Error, FramingFault, Stage};
pub use protocol::{
    Attribute, Body, Capabilities, Condition, DateItem, DecodedName, Fetched, Flag, InternalDate,
    InvalidUidSet, Limits, ListEntry, ModSeq, NameEncoding, Namespace, Namespaces, Quota, QuotaResource,
    ResponseCode, SearchDate, Status, StatusText, Suspicion, Uid, UidSet, UidValidity, WireName, utf7,
};
