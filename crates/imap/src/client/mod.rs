//! The client: a connection and one file for each command.
//!
//! It must never send anything before the answer that decides about it has come (STARTTLS, AUTHENTICATE, COMPRESS,
//! EXAMINE, SELECT). What changes the server's mail is in `append`, `folders` and `store`, and nowhere else.

mod append;
mod authenticate;
mod capability;
mod compress;
mod connect;
mod connection;
mod enable;
mod examine;
mod fetch;
mod folders;
mod guard;
mod id;
mod list;
mod logout;
mod namespace;
mod noop;
mod oauth;
mod options;
mod quota;
mod scram;
mod search;
mod starttls;
mod status;
mod store;
mod tls;
mod transport;

pub use append::{AppendBody, AppendMessage, Appended, AppendedUids};
pub use authenticate::{AttemptBudget, Credentials};
pub use connection::Connection;
pub use examine::{ExamineMode, Examined};
pub use fetch::{FetchEvent, FetchId, FetchItem, FetchModifier, Outcome, Pipeline};
pub use guard::{AddressGuard, Allowed};
pub use list::{ListCommand, ListRequest, ListReturn};
pub use options::{Endpoint, Options, Security, Timeouts};
pub use search::SearchQuery;
pub use status::StatusItem;
pub use store::StoreAction;
pub use tls::{Tls, TlsTrust};
