//! What can go wrong with a mail host, sorted by what its operator can do about it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// A mail host's failure. No variant holds a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mailbox's directory refuses: permissions, space, something else in its place, a link.
    #[error(transparent)]
    Storage(#[from] maildir::Error),
    /// The passwd-file is not as Dovecot reads it; it was left alone.
    #[error("{} cannot be understood: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Somebody else keeps changing the passwd-file, or holds its lock.
    #[error("{} has been in use by another program for {waited_s} seconds", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// The password cannot be kept.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A fault of this program.
    #[error("an internal fault: {0}")]
    Internal(String),
}

impl Error {
    /// Class as in the product's table: `not_writable`, `disk_full`, `busy`, `locked`, `destination`, `internal`.
    pub fn class(&self) -> &'static str {
        match self {
            Error::Storage(error) => match error {
                maildir::Error::NotWritable { .. }
                | maildir::Error::ReadOnly { .. }
                | maildir::Error::NotADirectory { .. }
                | maildir::Error::NotAMaildir { .. }
                | maildir::Error::Missing { .. }
                | maildir::Error::LeavesRoot { .. } => "not_writable",
                maildir::Error::NoSpace { .. } => "disk_full",
                maildir::Error::Busy { .. } => "busy",
                maildir::Error::Locked { .. } => "locked",
                _ => "destination",
            },
            Error::Locked { .. } => "locked",
            Error::Malformed { .. } | Error::Password(_) => "destination",
            Error::Internal(_) => "internal",
        }
    }

    /// Sorts a system call's failure.
    pub(crate) fn of(action: &'static str, path: &Path, source: io::Error) -> Error {
        let path = path.to_path_buf();
        let sorted = match Errno::from_io_error(&source) {
            Some(Errno::NOENT) => maildir::Error::Missing { path },
            Some(Errno::ACCESS | Errno::PERM) => maildir::Error::NotWritable { path },
            Some(Errno::ROFS) => maildir::Error::ReadOnly { path },
            Some(Errno::NOTDIR) => maildir::Error::NotADirectory { path },
            Some(Errno::NOSPC | Errno::DQUOT) => maildir::Error::NoSpace { path },
            Some(Errno::LOOP) => maildir::Error::LeavesRoot { path },
            _ => maildir::Error::Io { action, path, source },
        };
        Error::Storage(sorted)
    }
}

/// Why a password cannot be kept. Whether it is a good one is not asked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// There is none.
    #[error("a password is missing")]
    Empty,
    /// A character that IMAP cannot carry (RFC 9051, 9: `CHAR` is without NUL; a line ends at CR LF).
    #[error("a password may not hold line breaks or the character NUL")]
    Character,
    /// Longer than the hash takes in; the rest would not count.
    #[error("a password may have {0} octets at most")]
    TooLong(usize),
}
