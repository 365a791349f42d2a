//! The mailbox: its root directory, its folders, and who may import into it.
//!
//! Opening never changes a directory that is not a Maildir, and creating adds only what is missing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::dir::Dir;
use crate::durable::Pace;
use crate::error::Error;
use crate::folder::{Folder, FolderInner};
use crate::name::FolderName;

/// The user and group that everything made in the mailbox belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Numeric user id.
    pub uid: u32,
    /// Numeric group id.
    pub gid: u32,
}

/// A Maildir++ mailbox, open. Clones share one.
#[derive(Debug, Clone)]
pub struct Maildir {
    root: Arc<Root>,
}

#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) dir: Dir,
    pub(crate) owner: Option<Owner>,
    /// How fast this file system makes batches durable, as measured.
    pub(crate) pace: Mutex<Pace>,
    /// Folders in use, so that one folder has one state however often it is opened.
    folders: Mutex<BTreeMap<FolderName, Weak<FolderInner>>>,
}

/// Held while one process imports into a mailbox; dropping it lets the next one in. The kernel releases it when the
/// process dies, and it leaves nothing on disk.
#[derive(Debug)]
pub struct ImportLock {
    _held: Dir,
}

impl Maildir {
    /// Opens the mailbox at `path`, making it and what is missing of `cur`, `new`, `tmp` (0700). With an owner,
    /// everything that is made now or later is given to that user and group.
    ///
    /// # Errors
    ///
    /// [`Error::NotADirectory`], [`Error::NotAMaildir`] when `path` holds other things than a Maildir,
    /// [`Error::NotWritable`], [`Error::NoSpace`].
    pub fn create(path: &Path, owner: Option<Owner>) -> Result<Maildir, Error> {
        let dir = match Dir::open_root(path) {
            Ok(dir) => dir,
            Err(Error::Missing { .. }) => make_with_parents(path, owner)?,
            Err(other) => return Err(other),
        };
        Maildir::prepared(dir, owner)
    }

    /// A mailbox in a directory that is there, with what is missing in it added.
    fn prepared(dir: Dir, owner: Option<Owner>) -> Result<Maildir, Error> {
        refuse_other_directories(&dir)?;
        make_folder_directories(&dir, owner)?;
        // Also when nothing was missing: a mailbox that cannot be written is to be known now, not at the first message.
        rustix::fs::accessat(
            dir.fd(),
            "tmp",
            rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
            rustix::fs::AtFlags::EACCESS,
        )
        .map_err(|e| Error::from_errno("write to", dir.path(), e))?;
        Ok(Maildir::of(dir, owner))
    }

    /// Opens the mailbox at `path`, which must be there, to read it.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::NotADirectory`], [`Error::NotAMaildir`].
    pub fn open(path: &Path) -> Result<Maildir, Error> {
        Maildir::existing(Dir::open_root(path)?)
    }

    fn existing(dir: Dir) -> Result<Maildir, Error> {
        if dir.open_dir("cur")?.is_none() {
            return Err(Error::NotAMaildir { path: dir.path().to_path_buf() });
        }
        Ok(Maildir::of(dir, None))
    }

    /// The same as [`Maildir::create`] for a mailbox of a tree: `names` lead from `root` to it, and none of them may be
    /// a link. `root` itself is the operator's: it must be there, and links in it are followed. A name is one component;
    /// keeping `/` and `..` out of it is the caller's part.
    ///
    /// # Errors
    ///
    /// Those of [`Maildir::create`]; [`Error::LeavesRoot`] where a link stands in the way; [`Error::Missing`] when there
    /// is no `root`.
    pub fn create_below(root: &Path, names: &[&str], owner: Option<Owner>) -> Result<Maildir, Error> {
        let mut dir = Dir::open_root(root)?;
        for name in names {
            dir = dir.make_and_enter(name, owner)?;
        }
        Maildir::prepared(dir, owner)
    }

    /// Opens a mailbox of a tree, as [`Maildir::open`] does; none of `names` may be a link.
    ///
    /// # Errors
    ///
    /// Those of [`Maildir::open`]; [`Error::LeavesRoot`] where a link stands in the way.
    pub fn open_below(root: &Path, names: &[&str]) -> Result<Maildir, Error> {
        let mut dir = Dir::open_root(root)?;
        for name in names {
            dir = dir.enter(name)?;
        }
        Maildir::existing(dir)
    }

    /// Whether nothing was ever kept in it: no message, no folder, nothing that a mail server leaves behind.
    pub fn is_untouched(&self) -> Result<bool, Error> {
        let mut untouched = true;
        self.root.dir.each_name(&mut |name| {
            match name.to_str().filter(|name| matches!(*name, "cur" | "new" | "tmp")) {
                Some(own) => self.root.dir.enter(own)?.each_name(&mut |_| {
                    untouched = false;
                    Ok(())
                })?,
                None => untouched = false,
            }
            Ok(())
        })?;
        Ok(untouched)
    }

    fn of(dir: Dir, owner: Option<Owner>) -> Maildir {
        let root = Root { dir, owner, pace: Mutex::default(), folders: Mutex::default() };
        Maildir { root: Arc::new(root) }
    }

    /// The folders that are there, INBOX first. Directories whose name is no Maildir++ folder are passed over, as
    /// are links that lead out of the mailbox.
    pub fn folders(&self) -> Result<Vec<FolderName>, Error> {
        let mut folders = vec![FolderName::inbox()];
        self.root.dir.each_name(&mut |name| {
            if let Some(folder) = name.to_str().and_then(FolderName::from_directory)
                && self.is_folder(name)?
            {
                folders.push(folder);
            }
            Ok(())
        })?;
        folders.sort();
        Ok(folders)
    }

    fn is_folder(&self, name: &OsStr) -> Result<bool, Error> {
        let Some(name) = name.to_str() else { return Ok(false) };
        let cur = self.root.dir.open_dir(name).and_then(|dir| match dir {
            Some(dir) => dir.open_dir("cur"),
            None => Ok(None),
        });
        match cur {
            Ok(cur) => Ok(cur.is_some()),
            Err(Error::NotADirectory { .. } | Error::LeavesRoot { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Opens a folder; `None` when there is no directory of that name.
    ///
    /// # Errors
    ///
    /// [`Error::LeavesRoot`] when the folder is a link out of the mailbox; [`Error::Missing`] when `cur`, `new` or
    /// `tmp` is missing in it ([`Maildir::create_folder`] adds them).
    pub fn folder(&self, name: &FolderName) -> Result<Option<Folder>, Error> {
        let dir = if name.is_inbox() {
            Some(self.root.dir.reopen()?)
        } else {
            self.root.dir.open_dir(&name.directory())?
        };
        dir.map(|dir| self.hold(name, dir)).transpose()
    }

    /// Opens a folder, making what is missing of it: the directory with `cur`, `new`, `tmp` and `maildirfolder`, all
    /// durable when this returns. Parents are not needed in Maildir++.
    pub fn create_folder(&self, name: &FolderName) -> Result<Folder, Error> {
        if let Some(folder) = self.folder(name).or_else(|e| match e {
            Error::Missing { .. } => Ok(None),
            other => Err(other),
        })? {
            return Ok(folder);
        }
        let owner = self.root.owner;
        let dir = self.root.dir.make_dir(&name.directory(), owner)?;
        match dir.create_file("maildirfolder", owner) {
            Ok(_) | Err(Errno::EXIST) => {}
            Err(e) => return Err(Error::from_errno("make", &dir.path_of("maildirfolder"), e)),
        }
        make_folder_directories(&dir, owner)?;
        self.root.dir.sync()?;
        self.hold(name, dir)
    }

    /// One state for one folder, as long as somebody uses it and the directory has not been made anew.
    fn hold(&self, name: &FolderName, dir: Dir) -> Result<Folder, Error> {
        let mut held = self.root.folders.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, folder| folder.strong_count() > 0);
        if let Some(folder) = held.get(name).and_then(Weak::upgrade)
            && folder.dir.is_same_as(&dir)?
        {
            return Ok(Folder { inner: folder });
        }
        let folder = Arc::new(FolderInner::open(name.clone(), dir, Arc::clone(&self.root))?);
        held.insert(name.clone(), Arc::downgrade(&folder));
        Ok(Folder { inner: folder })
    }

    /// Takes the mailbox for one import. Opened folders and deliveries do not need it, but only its holder may call
    /// [`Folder::remove_stale`].
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] when another import holds it.
    pub fn lock_exclusively(&self) -> Result<ImportLock, Error> {
        let held = self.root.dir.reopen()?;
        match rustix::fs::flock(held.fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(ImportLock { _held: held }),
            Err(Errno::WOULDBLOCK) => Err(Error::Busy { path: held.path().to_path_buf() }),
            Err(e) => Err(Error::from_errno("lock", held.path(), e)),
        }
    }

    /// Octets that this process may still write on the mailbox's file system.
    pub fn free_space(&self) -> Result<u64, Error> {
        let dir = &self.root.dir;
        let stat = rustix::fs::fstatvfs(dir.fd()).map_err(|e| Error::from_errno("look at", dir.path(), e))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }
}

/// Makes the root and what is missing above it.
fn make_with_parents(path: &Path, owner: Option<Owner>) -> Result<Dir, Error> {
    let error = |e| Error::from_errno("make", path, e);
    let name = path.file_name().and_then(OsStr::to_str).ok_or_else(|| error(Errno::INVAL))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let parent = match Dir::open_root(parent) {
        Ok(dir) => dir,
        Err(Error::Missing { .. }) => make_with_parents(parent, owner)?,
        Err(other) => return Err(other),
    };
    let made = parent.make_dir(name, owner)?;
    parent.sync()?;
    Ok(made)
}

/// A directory without `cur` is taken only when nothing in it contradicts a Maildir.
fn refuse_other_directories(dir: &Dir) -> Result<(), Error> {
    if dir.stat_of("cur")?.is_some() {
        return Ok(());
    }
    dir.each_name(&mut |name| {
        let known = name.to_str().is_some_and(|n| {
            matches!(n, "new" | "tmp" | "subscriptions" | "maildirfolder" | "maildirsize")
                || n.starts_with("dovecot")
                // What an import that died while it made the first of these had no time to name.
                || crate::dir::is_unnamed(n)
        });
        if known { Ok(()) } else { Err(Error::NotAMaildir { path: dir.path().to_path_buf() }) }
    })
}

fn make_folder_directories(dir: &Dir, owner: Option<Owner>) -> Result<(), Error> {
    for name in ["cur", "new", "tmp"] {
        if dir.open_dir(name)?.is_none() {
            dir.make_dir(name, owner)?;
        }
    }
    dir.sync()
}

/// Replaces or makes a control file: written in `tmp`, given to the owner, durable, then renamed. `mtime` in unix
/// seconds, where the file must carry a certain one.
pub(crate) fn replace_control_file(
    (tmp, dir): (&Dir, &Dir),
    name: &str,
    octets: &[u8],
    mtime: Option<i64>,
    owner: Option<Owner>,
) -> Result<(), Error> {
    let temporary = crate::lock::own_temporary(name);
    let error = |e: std::io::Error| Error::from_io("write", &dir.path_of(name), e);
    let written = (|| {
        let mut file = tmp.create_file(&temporary, owner).map_err(|e| error(e.into()))?;
        file.write_all(octets).map_err(error)?;
        if let Some(mtime) = mtime {
            crate::stage::set_mtime(&file, mtime).map_err(|e| error(e.into()))?;
        }
        file.sync_all().map_err(error)?;
        rustix::fs::renameat(tmp.fd(), temporary.as_str(), dir.fd(), name).map_err(|e| error(e.into()))
    })();
    if written.is_err() {
        // The first failure is the one to report; what stays is removed at the next start.
        let _ = tmp.unlink(&temporary);
    }
    written?;
    dir.sync()
}
