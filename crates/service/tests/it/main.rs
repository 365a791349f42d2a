//! The use cases on SQLite and on PostgreSQL, one list of tests for both.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

mod identity;
mod journey;
mod notices;
mod prepared_list;
mod rebinding;
mod recovery;
mod rig;
mod rotation;
mod workers;
