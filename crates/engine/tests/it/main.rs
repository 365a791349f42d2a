//! The engine against real servers: what arrives is read back by a real Dovecot and judged by the test kit, which
//! shares no code with the engine.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

mod again;
mod arrival;
mod changing;
mod epochs;
mod hostile;
mod imap_destination;
mod lease;
mod ledger;
mod limits;
mod line;
mod live;
mod progress;
mod review;
mod rig;
mod route;
mod selection;
mod servers;
mod source_odd;
