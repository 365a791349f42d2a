//! What tests need around `mailimport`: real IMAP servers on free loopback ports, a database, a scripted server
//! for odd answers, a proxy that harms connections, a factory of mailboxes and an independent judge.
//!
//! It depends on no other crate of the workspace and has its own small IMAP client, so that a fault in
//! the product cannot hide itself by being made twice. Everything blocks; nothing here runs in production.

pub mod browser;
pub mod certificate;
pub mod factory;
pub mod imap_client;
pub mod judge;
pub mod mutf7;
pub mod process;
pub mod proxy;
pub mod random;
pub mod schemathesis;
pub mod scripted;
pub mod server;
pub mod smtp;
pub mod web;

/// Why something of the test kit could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, a socket or a process failed; the text says at what.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A server did not greet in time, or ended; its log is in the text.
    #[error("{server} did not start: {log}")]
    NotReady {
        /// Which server.
        server: &'static str,
        /// The end of what it logged.
        log: String,
    },
    /// A program or file that has to be installed is not there; the text says how to get it.
    #[error("not installed: {what}. {remedy}")]
    NotInstalled {
        /// What is missing.
        what: String,
        /// The command that brings it.
        remedy: String,
    },
    /// A program ended with an error.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The command line.
        command: String,
        /// What it printed.
        output: String,
    },
    /// An IMAP server refused a command or closed the connection.
    #[error("IMAP: `{command}` was answered: {answer}")]
    Refused {
        /// The command, without secrets.
        command: String,
        /// The tagged answer.
        answer: String,
    },
    /// An answer, a certificate or a key that cannot be read.
    #[error("cannot read: {0}")]
    Unreadable(String),
    /// A mailbox specification that the target cannot hold.
    #[error("cannot be stored there: {0}")]
    Unstorable(String),
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// The result of everything in the test kit.
pub type Result<T> = std::result::Result<T, Error>;

/// Gives an I/O error the sentence that says what was being done.
pub(crate) trait Doing<T> {
    /// Adds what was being done.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io { what: what(), source })
    }
}
