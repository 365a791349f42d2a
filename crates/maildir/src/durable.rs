//! The data of a batch, brought to the disk before any of its messages appears.
//!
//! Two ways: one `syncfs`, which writes out all that is dirty on the file system, or `fsync` for each message. Which one is
//! faster depends on the file system and on what else it has to do, so it is measured. A failure that the kernel
//! reported to anybody must never be taken for success by another.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::deliver::{Delivery, Durability};
use crate::error::Error;
use crate::folder::FolderInner;
use crate::stage::Staged;

/// Batches up to this size are synced file by file when the choice is ours: one or two journal commits cost less than
/// writing out all that is dirty on the file system.
const FEW: usize = 2;
/// So many messages of a batch are synced one by one to learn what that costs. A whole batch of a few hundred has been
/// measured to take longer than the rest of the import.
const SAMPLE: usize = 16;
/// After so many batches the way that was slower is tried once more.
const TRY_AGAIN: u32 = 128;
/// Threads that call `fsync` at a time: a journal commits what waits together.
const THREADS: usize = 4;

/// How one batch is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    SyncFs,
    FsyncEach,
    /// A sample by `fsync`, then everything by `syncfs`.
    Compare,
}

/// What both ways took for a message lately.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    syncfs: Option<Duration>,
    fsync: Option<Duration>,
    batches: u32,
}

impl Pace {
    fn choose(&mut self, messages: usize) -> Way {
        if messages <= FEW {
            return Way::FsyncEach;
        }
        self.batches = self.batches.wrapping_add(1);
        let compare = if messages > SAMPLE { Way::Compare } else { Way::SyncFs };
        let (Some(syncfs), Some(fsync)) = (self.syncfs, self.fsync) else { return compare };
        // The other one's turn, once in a while: what else the disk has to do changes.
        match (syncfs <= fsync, self.batches.is_multiple_of(TRY_AGAIN)) {
            (true, false) | (false, true) => Way::SyncFs,
            (true, true) => compare,
            (false, false) => Way::FsyncEach,
        }
    }
}

fn each(took: Duration, messages: usize) -> Option<Duration> {
    (messages > FEW).then(|| took / u32::try_from(messages).unwrap_or(u32::MAX))
}

/// Brings the data of a whole batch to the disk.
pub(crate) fn make_durable(
    folder: &FolderInner,
    batch: &[Delivery],
    durability: Durability,
) -> Result<(), Error> {
    let way = match durability {
        Durability::Automatic => pace(folder).choose(batch.len()),
        Durability::SyncFs => Way::SyncFs,
        Durability::FsyncEach => Way::FsyncEach,
    };
    // The kernel reports a write error once per descriptor. Whoever gets it says so to all who staged before: hence one
    // at a time, and a count that each staged message compares with its own.
    let mut failures = folder.sync_failures.lock().unwrap_or_else(PoisonError::into_inner);
    let synced = match way {
        Way::SyncFs => sync_all(folder, batch.len()),
        Way::FsyncEach => sync_each(folder, batch),
        Way::Compare => {
            let sample = batch.get(..SAMPLE).unwrap_or(batch);
            sync_each(folder, sample).and_then(|()| sync_all(folder, batch.len()))
        }
    };
    if synced.is_err() {
        *failures += 1;
    }
    synced?;
    if batch.iter().any(|delivery| delivery.staged.failures_before() != *failures) {
        return Err(Error::Unsynced { path: folder.dir.path().to_path_buf() });
    }
    Ok(())
}

fn pace(folder: &FolderInner) -> MutexGuard<'_, Pace> {
    folder.root.pace.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sync_all(folder: &FolderInner, messages: usize) -> Result<(), Error> {
    let started = Instant::now();
    rustix::fs::syncfs(folder.tmp.fd()).map_err(|e| Error::from_errno("sync", folder.tmp.path(), e))?;
    if let Some(took) = each(started.elapsed(), messages) {
        pace(folder).syncfs = Some(took);
    }
    Ok(())
}

fn sync_each(folder: &FolderInner, batch: &[Delivery]) -> Result<(), Error> {
    let started = Instant::now();
    let one_by_one =
        |part: &[Delivery]| part.iter().try_for_each(|delivery| sync_one(folder, &delivery.staged));
    if batch.len() <= THREADS {
        one_by_one(batch)?;
    } else {
        std::thread::scope(|scope| {
            let parts = batch.chunks(batch.len().div_ceil(THREADS));
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || one_by_one(part))).collect();
            let ended = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            ended.fold(Ok(()), Result::and)
        })?;
    }
    if let Some(took) = each(started.elapsed(), batch.len()) {
        pace(folder).fsync = Some(took);
    }
    Ok(())
}

fn sync_one(folder: &FolderInner, staged: &Staged) -> Result<(), Error> {
    let base = staged.base().as_str();
    let path = || folder.tmp.path_of(base);
    let file = folder.tmp.open_file(base)?.ok_or_else(|| Error::Missing { path: path() })?;
    rustix::fs::fsync(&file).map_err(|e| Error::from_errno("sync", &path(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Option<Duration> = |milliseconds| Some(Duration::from_millis(milliseconds));

    #[test]
    fn the_faster_way_is_chosen_and_the_other_tried_again() {
        let rows = [
            // what was measured for syncfs and fsync; most of the time; when it is the other one's turn
            (MS(5), MS(1), Way::FsyncEach, Way::SyncFs),
            (MS(1), MS(5), Way::SyncFs, Way::Compare),
            (None, None, Way::Compare, Way::Compare),
        ];
        for (syncfs, fsync, mostly, once) in rows {
            let mut pace = Pace { syncfs, fsync, batches: 0 };
            let ways: Vec<Way> = (0..TRY_AGAIN).map(|_| pace.choose(100)).collect();
            let (last, others) = ways.split_last().unwrap();
            assert!(others.iter().all(|way| *way == mostly), "{syncfs:?} {fsync:?} {ways:?}");
            assert_eq!(*last, once, "{syncfs:?} {fsync:?}");
        }
    }

    #[test]
    fn small_batches_are_never_a_sample() {
        let mut pace = Pace::default();
        assert_eq!(pace.choose(FEW), Way::FsyncEach);
        assert_eq!(pace.choose(SAMPLE), Way::SyncFs);
        assert_eq!(pace.choose(SAMPLE + 1), Way::Compare);
    }
}
