//! What can go wrong below a mailbox's root, sorted by what a person can do about it.
//!
//! Every path in an error is for reading only; nothing is opened by it again.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::deliver::Delivered;

/// A failure of the mailbox.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing at this path.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The path that was looked for.
        path: PathBuf,
    },
    /// This process may not read or write here.
    #[error("this user may not read or write {}", path.display())]
    NotWritable {
        /// The path that refused.
        path: PathBuf,
    },
    /// The file system takes no writes: mounted so, or made so by the kernel when its disk failed.
    #[error("the file system of {} is read-only; the system's log says whether its disk has failed", path.display())]
    ReadOnly {
        /// The path that refused.
        path: PathBuf,
    },
    /// A file or something else stands where a directory is needed.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// What stands there.
        path: PathBuf,
    },
    /// The directory holds something, but it is not a Maildir; nothing was written.
    #[error("{} holds other files and is not a Maildir", path.display())]
    NotAMaildir {
        /// The directory.
        path: PathBuf,
    },
    /// The file system or the quota of the mailbox's owner is full.
    #[error("no space left for {}", path.display())]
    NoSpace {
        /// What was being written.
        path: PathBuf,
    },
    /// A symbolic link leads out of the mailbox; it is not followed.
    #[error("{} is a link that leads out of the mailbox", path.display())]
    LeavesRoot {
        /// The link.
        path: PathBuf,
    },
    /// Another import holds this mailbox.
    #[error("another import is writing to {}", path.display())]
    Busy {
        /// The mailbox.
        path: PathBuf,
    },
    /// A lock file of the mail server was not released within the wait.
    #[error("{} has been locked for {waited_s} seconds by {holder}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// What the lock file says about its holder (`pid:hostname`).
        holder: String,
        /// How long was waited, in seconds.
        waited_s: u64,
    },
    /// A control file of the mail server is larger or other than what Dovecot writes; it was left alone.
    #[error("{} cannot be understood: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The disk reported a write error for data staged so far: it must be staged again.
    #[error("data staged in {} may not have reached the disk", path.display())]
    Unsynced {
        /// The folder.
        path: PathBuf,
    },
    /// A delivery stopped part-way. The messages of the batch that are not in `delivered` are to be staged and
    /// delivered again; one of them that was renamed but not proven durable is then found as
    /// [`Arrival::AlreadyThere`](crate::Arrival::AlreadyThere).
    #[error("delivery stopped after {} messages: {cause}", delivered.len())]
    PartlyDelivered {
        /// Messages that are in the folder, durably.
        delivered: Vec<Delivered>,
        /// Why it stopped.
        cause: Box<Error>,
    },
    /// Any other failure of a system call.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    /// Sorts a system call's failure.
    pub(crate) fn from_errno(action: &'static str, path: &Path, errno: Errno) -> Error {
        let path = path.to_path_buf();
        match errno {
            Errno::NOENT => Error::Missing { path },
            Errno::ACCESS | Errno::PERM => Error::NotWritable { path },
            Errno::ROFS => Error::ReadOnly { path },
            Errno::NOTDIR => Error::NotADirectory { path },
            Errno::NOSPC | Errno::DQUOT => Error::NoSpace { path },
            Errno::XDEV | Errno::LOOP => Error::LeavesRoot { path },
            other => Error::Io { action, path, source: other.into() },
        }
    }

    /// The same for an error of the standard library.
    pub(crate) fn from_io(action: &'static str, path: &Path, source: io::Error) -> Error {
        match Errno::from_io_error(&source) {
            Some(errno) => Error::from_errno(action, path, errno),
            None => Error::Io { action, path: path.to_path_buf(), source },
        }
    }
}
