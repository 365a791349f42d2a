//! The mailbox judged from outside: by a real Dovecot, and by the file system.
#![allow(clippy::unwrap_used, reason = "in a test it states an expectation")]

mod disk;
mod dovecot;
mod server;
