//! The IMAP protocol without any input or output: bytes in, responses out, commands to bytes.
//!
//! Everything here is a pure function of the octets it was given and is fuzzed on its own. Nothing
//! here may panic, recurse without a bound, or keep more memory than [`Limits`] allows.

mod capability;
mod code;
mod command;
mod date;
mod flag;
mod framing;
mod limits;
mod name;
mod response;
mod tokenizer;
mod uid_set;
pub mod utf7;

pub use capability::Capabilities;
pub use code::ResponseCode;
pub use date::{DateItem, InternalDate, SearchDate};
pub use flag::Flag;
pub use framing::{Decoder, Frame};
pub use limits::Limits;
pub use name::{DecodedName, NameEncoding, WireName};
pub use response::{
    Attribute, Body, Condition, ESearch, Fetched, ListEntry, Namespace, Namespaces, Quota, QuotaResource,
    Response, Status, StatusText, Suspicion,
};
pub use tokenizer::{Token, Tokenizer};
pub use uid_set::{InvalidUidSet, ModSeq, Uid, UidSet, UidValidity};

pub(crate) use command::{Command, Literals};
