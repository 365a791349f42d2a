//! Messages being written to `tmp`, and making them durable.
//!
//! A message is in `tmp` under its base name until it is delivered; dropped before that, its file goes. Octets are
//! written exactly as they come, and counted while they are written: a wrong `W=` makes Dovecot truncate a message.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Timespec, Timestamps};
use rustix::io::Errno;

use crate::deliver::{Delivery, Durability};
use crate::dir::rename_to_free;
use crate::error::Error;
use crate::folder::{Folder, FolderInner};
use crate::message::Base;

/// Batches up to this size are synced file by file when the choice is ours: one or two journal commits cost less than
/// writing out all that is dirty on the file system.
const FEW: usize = 2;
/// After so many batches the way that was slower is tried once more.
const TRY_AGAIN: u32 = 128;

/// A file in `tmp`, removed when dropped.
#[derive(Debug)]
struct TmpFile {
    folder: Arc<FolderInner>,
    base: Base,
    /// The name in `tmp` is no longer ours: renamed to `cur`.
    gone: bool,
}

impl Drop for TmpFile {
    fn drop(&mut self) {
        if !self.gone
            && let Err(error) = self.folder.tmp.unlink(self.base.as_str())
        {
            tracing::warn!(%error, "a staged message could not be removed");
        }
    }
}

/// Counts a message's octets however it is cut into writes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    size: u64,
    bare_lf: u64,
    ends_in_cr: bool,
}

impl Count {
    fn add(&mut self, octets: &[u8]) {
        let mut before = self.ends_in_cr;
        for &octet in octets {
            self.bare_lf += u64::from(octet == b'\n' && !before);
            before = octet == b'\r';
        }
        self.ends_in_cr = before;
        self.size += octets.len() as u64;
    }

    fn vsize(self) -> u64 {
        self.size + self.bare_lf
    }
}

/// A message being written. Dropped before [`StagedFile::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct StagedFile {
    file: File,
    tmp: TmpFile,
    count: Count,
    failures_before: u64,
}

/// A message that is complete in `tmp`, to be delivered. Dropped instead, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    tmp: TmpFile,
    count: Count,
    date_adjusted: bool,
    failures_before: u64,
}

impl Folder {
    /// Starts writing a message to `tmp/<base>` (0600). A leftover of the same name, from an import that died, is
    /// replaced: two messages with one base must never be staged at the same time.
    pub fn stage(&self, base: &Base) -> Result<StagedFile, Error> {
        let inner = &self.inner;
        let failures_before = *inner.sync_failures.lock().unwrap_or_else(PoisonError::into_inner);
        let create = || inner.tmp.create_file(base.as_str(), inner.root.owner);
        let file = match create() {
            Err(Errno::EXIST) => {
                inner.tmp.unlink(base.as_str())?;
                create()
            }
            other => other,
        };
        let file = file.map_err(|e| Error::from_errno("make", &inner.tmp.path_of(base.as_str()), e))?;
        let tmp = TmpFile { folder: Arc::clone(inner), base: base.clone(), gone: false };
        Ok(StagedFile { file, tmp, count: Count::default(), failures_before })
    }
}

/// Each call is a system call: give it whole pieces.
impl Write for StagedFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.file.write(octets)?;
        self.count.add(octets.get(..written).unwrap_or(octets));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StagedFile {
    /// Octets written so far.
    pub fn size(&self) -> u64 {
        self.count.size
    }

    /// Ends the message. `received` is IMAP's INTERNALDATE in unix seconds, which Dovecot reads from the file's time;
    /// it is brought into 0 ..= 2^32-1, outside which Dovecot caches a wrong date.
    pub fn finish(self, received: i64) -> Result<Staged, Error> {
        let StagedFile { file, tmp, count, failures_before } = self;
        let date = received.clamp(0, i64::from(u32::MAX));
        set_mtime(&file, date)
            .map_err(|e| Error::from_errno("date", &tmp.folder.tmp.path_of(tmp.base.as_str()), e))?;
        Ok(Staged { tmp, count, date_adjusted: date != received, failures_before })
    }

    /// [`finish`](StagedFile::finish) under another base name than the one it was begun with: for a message that told
    /// who it is only at its end.
    ///
    /// # Errors
    ///
    /// As for [`stage`](Folder::stage); the message is gone from `tmp` then.
    pub fn finish_as(mut self, base: &Base, received: i64) -> Result<Staged, Error> {
        if *base != self.tmp.base {
            let tmp = &self.tmp.folder.tmp;
            tmp.unlink(base.as_str())?;
            rename_to_free(tmp, OsStr::new(self.tmp.base.as_str()), tmp, base.as_str())
                .map_err(|e| Error::from_errno("rename", &tmp.path_of(base.as_str()), e))?;
            self.tmp.base = base.clone();
        }
        self.finish(received)
    }

    /// Gives the message up; the same as dropping it.
    pub fn abandon(self) {}

    /// A failed write, sorted: [`Error::NoSpace`] and the like.
    pub fn error(&self, source: io::Error) -> Error {
        Error::from_io("write", &self.tmp.folder.tmp.path_of(self.tmp.base.as_str()), source)
    }
}

impl Staged {
    /// Octets, as they will stand in `S=`.
    pub fn size(&self) -> u64 {
        self.count.size
    }

    /// Octets with every line end counted as CRLF, as they will stand in `W=`.
    pub fn vsize(&self) -> u64 {
        self.count.vsize()
    }

    /// The message's base name.
    pub fn base(&self) -> &Base {
        &self.tmp.base
    }

    /// Whether the date of receipt could not be kept.
    pub fn date_adjusted(&self) -> bool {
        self.date_adjusted
    }

    pub(crate) fn belongs_to(&self, folder: &Arc<FolderInner>) -> bool {
        Arc::ptr_eq(&self.tmp.folder, folder)
    }

    /// The file is in `cur` now.
    pub(crate) fn moved(mut self) -> Base {
        self.tmp.gone = true;
        self.tmp.base.clone()
    }
}

/// Sets a file's times, unix seconds.
pub(crate) fn set_mtime(file: &File, seconds: i64) -> Result<(), Errno> {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    rustix::fs::futimens(file, &Timestamps { last_access: time, last_modification: time })
}

/// Which way of syncing a batch is the faster one here, by measurement.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    syncfs: Option<Duration>,
    fsync: Option<Duration>,
    batches: u32,
}

impl Pace {
    fn choose(&mut self) -> Durability {
        self.batches = self.batches.wrapping_add(1);
        let syncfs_is_faster = match (self.syncfs, self.fsync) {
            (None, _) => return Durability::SyncFs,
            (_, None) => return Durability::FsyncEach,
            (Some(syncfs), Some(fsync)) => syncfs <= fsync,
        };
        // The other one's turn, once in a while: what else the disk has to do changes.
        let other = self.batches.is_multiple_of(TRY_AGAIN);
        if syncfs_is_faster != other { Durability::SyncFs } else { Durability::FsyncEach }
    }

    fn note(&mut self, way: Durability, took: Duration, messages: usize) {
        let each = took / u32::try_from(messages.max(1)).unwrap_or(u32::MAX);
        match way {
            Durability::SyncFs => self.syncfs = Some(each),
            Durability::FsyncEach => self.fsync = Some(each),
            Durability::Automatic => {}
        }
    }
}

/// Brings the data of a whole batch to the disk.
pub(crate) fn make_durable(
    folder: &FolderInner,
    batch: &[Delivery],
    durability: Durability,
) -> Result<(), Error> {
    let lock = |pace| std::sync::Mutex::lock(pace).unwrap_or_else(PoisonError::into_inner);
    let way = match durability {
        Durability::Automatic if batch.len() <= FEW => Durability::FsyncEach,
        Durability::Automatic => lock(&folder.root.pace).choose(),
        asked => asked,
    };
    let started = Instant::now();
    let error = |e| Error::from_errno("sync", folder.tmp.path(), e);
    // The kernel reports a write error once per descriptor. Whoever gets it says so to all who staged before: hence one
    // at a time, and a count that each staged message compares with its own.
    let mut failures = folder.sync_failures.lock().unwrap_or_else(PoisonError::into_inner);
    let synced = match way {
        Durability::FsyncEach => batch.iter().try_for_each(|delivery| sync_one(folder, &delivery.staged)),
        Durability::SyncFs | Durability::Automatic => rustix::fs::syncfs(folder.tmp.fd()).map_err(error),
    };
    if synced.is_err() {
        *failures += 1;
    }
    synced?;
    if batch.iter().any(|delivery| delivery.staged.failures_before != *failures) {
        return Err(Error::Unsynced { path: folder.dir.path().to_path_buf() });
    }
    drop(failures);
    if batch.len() > FEW {
        lock(&folder.root.pace).note(way, started.elapsed(), batch.len());
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
    use proptest::prelude::*;

    use super::*;

    fn naive_vsize(octets: &[u8]) -> u64 {
        let bare =
            (0..octets.len()).filter(|&i| octets[i] == b'\n' && (i == 0 || octets[i - 1] != b'\r')).count();
        (octets.len() + bare) as u64
    }

    proptest! {
        #[test]
        fn sizes_do_not_depend_on_how_a_message_is_cut(
            octets in prop::collection::vec(prop::sample::select(&b"\r\n\0x\xff"[..]), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..10),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(octets.len())).collect();
            cuts.push(octets.len());
            cuts.sort_unstable();
            let mut count = Count::default();
            let mut from = 0;
            for cut in cuts {
                count.add(&octets[from..cut]);
                from = cut;
            }
            prop_assert_eq!(count.size, octets.len() as u64);
            prop_assert_eq!(count.vsize(), naive_vsize(&octets));
        }
    }

    #[test]
    fn the_faster_way_is_chosen_and_the_other_tried_again() {
        let mut pace = Pace::default();
        assert_eq!(pace.choose(), Durability::SyncFs);
        pace.note(Durability::SyncFs, Duration::from_millis(50), 10);
        assert_eq!(pace.choose(), Durability::FsyncEach);
        pace.note(Durability::FsyncEach, Duration::from_millis(10), 10);
        let later: Vec<Durability> = (2..TRY_AGAIN).map(|_| pace.choose()).collect();
        assert_eq!(later.iter().filter(|way| **way == Durability::SyncFs).count(), 1);
        assert_eq!(later.last(), Some(&Durability::SyncFs));
    }

    #[test]
    fn what_was_staged_before_a_sync_failed_is_not_delivered() {
        let root = tempfile::tempdir().unwrap();
        let mailbox = crate::Maildir::create(root.path(), None).unwrap();
        let inbox = mailbox.folder(&crate::FolderName::inbox()).unwrap().unwrap();
        let stage = || {
            let mut file = inbox.stage(&Base::new("1.M1.mailimport").unwrap()).unwrap();
            file.write_all(b"x").unwrap();
            vec![Delivery { staged: file.finish(0).unwrap(), flags: crate::Flags::default() }]
        };
        let before = stage();
        *inbox.inner.sync_failures.lock().unwrap() += 1;
        assert!(matches!(inbox.deliver(before, Durability::SyncFs), Err(Error::Unsynced { .. })));
        assert_eq!(std::fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
        assert_eq!(inbox.deliver(stage(), Durability::SyncFs).unwrap().len(), 1);
    }
}
