//! Who may work in a data directory at the same time. The kernel releases a claim when its process dies.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

/// How much of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Beside others of this kind: processes on one PostgreSQL.
    #[cfg_attr(not(test), expect(dead_code, reason = "the worker will claim so"))]
    Shared,
    /// Alone: the one process on an SQLite file, or who changes the key.
    Alone,
}

/// Held while the process works there.
#[derive(Debug)]
pub(crate) struct Claim {
    _held: File,
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

/// Claims the data directory, which must be there.
pub(crate) fn claim(data: &Path, extent: Extent) -> Result<Claim, ClaimError> {
    let path = data.join("lock");
    let failed = |error: std::io::Error| ClaimError::File(path.display().to_string(), error);
    let file =
        File::options().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    let operation = match extent {
        Extent::Shared => FlockOperation::NonBlockingLockShared,
        Extent::Alone => FlockOperation::NonBlockingLockExclusive,
    };
    match rustix::fs::flock(&file, operation) {
        Ok(()) => Ok(Claim { _held: file }),
        Err(Errno::WOULDBLOCK) => Err(ClaimError::Taken(data.display().to_string())),
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
        drop((first, second));
        let alone = claim(data.path(), Extent::Alone).unwrap();
        assert!(matches!(claim(data.path(), Extent::Shared), Err(ClaimError::Taken(_))));
        drop(alone);
        claim(data.path(), Extent::Shared).unwrap();
    }
}
