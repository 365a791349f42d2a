//! Who may work in a data directory at the same time. The kernel releases a claim when its process dies.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

/// Processes on one directory that have a name of their own; more than anybody starts on one machine.
const PLACES: u32 = 64;

/// How much of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Beside others of this kind: processes on one PostgreSQL.
    Shared,
    /// Alone: the one process on an SQLite file, or who changes the key.
    Alone,
}

/// Held while the process works there.
#[derive(Debug)]
pub(crate) struct Claim {
    _held: File,
    place: Option<Place>,
}

/// A name that no other process has at the same time: the next one that finds its file free gets the same again.
#[derive(Debug)]
struct Place {
    _held: File,
    name: String,
}

/// Why it cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    /// Somebody works there.
    #[error("mailimport is running on {0} already; stop it first")]
    Taken(String),
    /// The lock's file cannot be used.
    #[error("{0} cannot be locked: {1}")]
    File(String, std::io::Error),
}

impl Claim {
    /// The name that this claim keeps for its process, where there was one left.
    pub(crate) fn name(&self) -> Option<String> {
        self.place.as_ref().map(|place| place.name.clone())
    }
}

/// Claims the data directory, which must be there.
pub(crate) fn claim(data: &Path, extent: Extent) -> Result<Claim, ClaimError> {
    let operation = match extent {
        Extent::Shared => FlockOperation::NonBlockingLockShared,
        Extent::Alone => FlockOperation::NonBlockingLockExclusive,
    };
    let held = lock(&data.join("lock"), operation)?;
    let held = held.ok_or_else(|| ClaimError::Taken(data.display().to_string()))?;
    let mut place = None;
    for number in 0..PLACES {
        if let Some(held) =
            lock(&data.join(format!("lock.{number}")), FlockOperation::NonBlockingLockExclusive)?
        {
            place = Some(Place { _held: held, name: name(data, number)? });
            break;
        }
    }
    Ok(Claim { _held: held, place })
}

/// The machine, the data directory, and which of the processes there: a copy of the directory on another machine, or
/// another directory on this one, has another name.
fn name(data: &Path, number: u32) -> Result<String, ClaimError> {
    let metadata =
        std::fs::metadata(data).map_err(|error| ClaimError::File(data.display().to_string(), error))?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Ok(format!("{host}:{:x}.{:x}:{number}", metadata.dev(), metadata.ino()))
}

/// The lock, if nobody else has it.
fn lock(path: &Path, operation: FlockOperation) -> Result<Option<File>, ClaimError> {
    let failed = |error: std::io::Error| ClaimError::File(path.display().to_string(), error);
    let file =
        File::options().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    match rustix::fs::flock(&file, operation) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_claims_go_together_and_a_lone_one_with_none() {
        let data = tempfile::tempdir().unwrap();
        let first = claim(data.path(), Extent::Shared).unwrap();
        let second = claim(data.path(), Extent::Shared).unwrap();
        assert!(matches!(claim(data.path(), Extent::Alone), Err(ClaimError::Taken(_))));
        assert_ne!(first.name(), second.name());
        let name = first.name();
        drop(first);
        let third = claim(data.path(), Extent::Shared).unwrap();
        assert_eq!(third.name(), name, "who starts again is who it was");
        drop((second, third));
        let alone = claim(data.path(), Extent::Alone).unwrap();
        assert!(matches!(claim(data.path(), Extent::Shared), Err(ClaimError::Taken(_))));
        drop(alone);
        claim(data.path(), Extent::Shared).unwrap();
    }
}
