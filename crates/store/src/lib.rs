//! The database: the ledger, the service's tables and the jobs, on SQLite and PostgreSQL.
//!
//! One set of migrations and one set of queries serve both. A [`Store`] is the only way in: it opens or creates the
//! database, brings its tables up to date and implements [`engine::ledger::Ledger`]. What it has acknowledged is on
//! disk. It must never acknowledge part of a call, put a password into an error, or follow a symbolic link when it
//! opens a ledger file.

mod brought;
mod entity;
mod fault;
mod file;
pub mod jobs;
mod ledger;
mod migration;
mod row;
mod store;
pub mod tables;
mod wake;

pub use fault::sentence;
pub use file::Owner;
pub use store::{Store, Writing};
pub use wake::{Wake, Wakes};
