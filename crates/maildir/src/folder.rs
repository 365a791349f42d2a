//! One folder, open: its directories, its lock, and cleaning up after a crash.
//!
//! Nothing in `cur` or `new` is ever removed here, and in `tmp` only what this program put there.

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, Mutex};

use crate::dir::Dir;
use crate::error::Error;
use crate::lock;
use crate::name::FolderName;
use crate::root::Root;
use crate::scan::{Entry, Fingerprint, Place};

/// A folder of a mailbox, open. Clones share one.
#[derive(Debug, Clone)]
pub struct Folder {
    pub(crate) inner: Arc<FolderInner>,
}

#[derive(Debug)]
pub(crate) struct FolderInner {
    pub(crate) name: FolderName,
    pub(crate) dir: Dir,
    pub(crate) cur: Dir,
    pub(crate) new: Dir,
    pub(crate) tmp: Dir,
    pub(crate) root: Arc<Root>,
    /// Held by the thread of this process that holds `dovecot-uidlist.lock` or waits for it.
    pub(crate) serial: Mutex<()>,
    /// Base names seen in `cur` and `new` or delivered; read at the first delivery.
    pub(crate) known: Mutex<Option<HashSet<Fingerprint>>>,
    /// How often syncing this folder's staged data failed.
    pub(crate) sync_failures: Mutex<u64>,
}

impl FolderInner {
    pub(crate) fn open(name: FolderName, dir: Dir, root: Arc<Root>) -> Result<FolderInner, Error> {
        let (cur, new, tmp) = (dir.need_dir("cur")?, dir.need_dir("new")?, dir.need_dir("tmp")?);
        let (serial, known, sync_failures) = Default::default();
        Ok(FolderInner { name, dir, cur, new, tmp, root, serial, known, sync_failures })
    }

    pub(crate) fn place(&self, place: Place) -> &Dir {
        match place {
            Place::Cur => &self.cur,
            Place::New => &self.new,
        }
    }
}

impl Folder {
    /// The folder's name.
    pub fn name(&self) -> &FolderName {
        &self.inner.name
    }

    /// Removes what an import that died left behind: files in `tmp` whose name `ours` claims, this crate's own
    /// temporary files, and a `dovecot-uidlist.lock` that it held. Everything else stays. Says how many files went.
    ///
    /// To be called before anything is staged in this folder, while holding [`ImportLock`](crate::ImportLock):
    /// that lock is the proof that the one who left these is gone.
    pub fn remove_stale(&self, ours: &dyn Fn(&str) -> bool) -> Result<u32, Error> {
        let inner = &*self.inner;
        let mut removed = lock::remove_abandoned(inner)? + inner.dir.remove_unnamed()?;
        let mut stale = Vec::new();
        inner.tmp.each_name(&mut |name| {
            if let Some(name) = name.to_str()
                && (lock::is_left_over(name) || ours(name))
            {
                stale.push(name.to_owned());
            }
            Ok(())
        })?;
        for name in stale {
            removed += u32::from(inner.tmp.unlink(&name)?);
        }
        Ok(removed)
    }

    /// Brings everything that is in the folder to the disk, whoever put it there: names and octets.
    pub fn persist(&self) -> Result<(), Error> {
        let cur = &self.inner.cur;
        rustix::fs::syncfs(cur.fd()).map_err(|e| Error::from_errno("sync", cur.path(), e))
    }

    /// Opens a message for reading. When its file has been renamed since the scan it is looked for once by its base.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when it is gone.
    pub fn open_message(&self, entry: &Entry) -> Result<File, Error> {
        let inner = &*self.inner;
        if let Some(file) = inner.place(entry.place).open_file(entry.file_name())? {
            return Ok(file);
        }
        let missing = || Error::Missing { path: inner.place(entry.place).path_of(entry.file_name()) };
        let now = self.find(&entry.base)?.ok_or_else(missing)?;
        inner.place(now.place).open_file(now.file_name())?.ok_or_else(missing)
    }
}
