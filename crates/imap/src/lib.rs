//! An IMAP client (RFC 9051 and RFC 3501) made for reading whole accounts: thin, tolerant, pipelining.
//!
//! [`protocol`] knows the wire and no socket; [`Connection`] drives it. Bodies of messages flow from
//! the read buffer to the caller without being collected, so that a message of any size costs the
//! same memory. What a server says wrongly costs at most the message it says it about.
//!
//! This crate only ever reads: it opens folders with EXAMINE and fetches with PEEK, so it must never
//! change anything at the server.

mod client;
mod error;
pub mod protocol;

pub use client::{
    AddressGuard, Allowed, AttemptBudget, Connection, Credentials, Endpoint, ExamineMode, Examined,
    FetchEvent, FetchId, FetchItem, FetchModifier, ListCommand, ListRequest, ListReturn, Options, Outcome,
    Pipeline, SearchQuery, Security, StatusItem, Timeouts, Tls, TlsTrust,
};
pub use error::{CertificateFault, CertificateProblem, Error, FramingFault, Stage};
pub use protocol::{
    Attribute, Body, Capabilities, Condition, DateItem, DecodedName, Fetched, Flag, InternalDate,
    InvalidUidSet, Limits, ListEntry, ModSeq, NameEncoding, Namespace, Namespaces, Quota, QuotaResource,
    ResponseCode, SearchDate, Status, StatusText, Suspicion, Uid, UidSet, UidValidity, WireName, utf7,
};
