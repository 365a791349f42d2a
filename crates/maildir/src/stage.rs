//! Messages being written to `tmp`.
//!
//! A message is in `tmp` under its base name until it is delivered; dropped before that, its file goes. Octets are
//! written exactly as they come, and counted while they are written: a wrong `W=` makes Dovecot truncate a message.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError};

use rustix::fs::{Timespec, Timestamps};
use rustix::io::Errno;

use crate::dir::rename_to_free;
use crate::error::Error;
use crate::folder::{Folder, FolderInner};
use crate::message::Base;

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
        for at in memchr::memchr_iter(b'\n', octets) {
            let before = at.checked_sub(1).and_then(|before| octets.get(before));
            let after_cr = before.map_or(self.ends_in_cr, |octet| *octet == b'\r');
            self.bare_lf += u64::from(!after_cr);
        }
        self.ends_in_cr = octets.last().map_or(self.ends_in_cr, |octet| *octet == b'\r');
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

    /// How many syncs in its folder had failed when it was begun.
    pub(crate) fn failures_before(&self) -> u64 {
        self.failures_before
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deliver::{Delivery, Durability};

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
