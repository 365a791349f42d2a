//! A directory held open. Everything below it is reached through its descriptor, one name at a time.
//!
//! No path is ever built from a name that came from outside, and no symbolic link is followed out of the directory:
//! `openat2` with `RESOLVE_BENEATH`, and where the kernel or a sandbox refuses that call, `O_NOFOLLOW`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::error::Error;
use crate::root::Owner;

const DIR_MODE: Mode = Mode::RWXU;
/// What the temporary name of a directory says of its purpose.
const TEMPORARY_DIR: &str = "directory";
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// An open directory and, for messages to people only, its path.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether files made here belong to the mailbox's owner without being given away, as the first one showed.
    born_owned: OnceLock<bool>,
}

impl Dir {
    fn at(fd: OwnedFd, path: PathBuf) -> Dir {
        Dir { fd, path, born_owned: OnceLock::new() }
    }

    /// Opens the mailbox's root. Its own path is the operator's: links in it are followed.
    pub(crate) fn open_root(path: &Path) -> Result<Dir, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|e| Error::from_errno("open", path, e))?;
        Ok(Dir::at(fd, path.to_path_buf()))
    }

    /// Opens this directory once more, with a lock and a read position of its own.
    pub(crate) fn reopen(&self) -> Result<Dir, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, ".", flags, Mode::empty())
            .map_err(|e| Error::from_errno("open", &self.path, e))?;
        Ok(Dir::at(fd, self.path.clone()))
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn path_of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    /// Opens a directory in this one; `None` where there is nothing of that name.
    pub(crate) fn open_dir(&self, name: &str) -> Result<Option<Dir>, Error> {
        match open_beneath(&self.fd, OsStr::new(name), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Some(Dir::at(fd, self.path_of(name)))),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::from_errno("open", &self.path_of(name), e)),
        }
    }

    /// Opens a directory in this one that must be there.
    pub(crate) fn need_dir(&self, name: &str) -> Result<Dir, Error> {
        self.open_dir(name)?.ok_or_else(|| Error::Missing { path: self.path_of(name) })
    }

    /// Opens a directory in this one, making it where it is missing. It belongs to its owner from the moment it has its
    /// name: one that this process had no time to give away would shut the mail server out for ever.
    pub(crate) fn make_dir(&self, name: &str, owner: Option<Owner>) -> Result<Dir, Error> {
        if let Some(dir) = self.open_dir(name)? {
            return Ok(dir);
        }
        let temporary = crate::lock::own_temporary(TEMPORARY_DIR);
        let error = |e| Error::from_errno("make", &self.path_of(name), e);
        rustix::fs::mkdirat(&self.fd, temporary.as_str(), DIR_MODE).map_err(error)?;
        let named = self.need_dir(&temporary).and_then(|dir| {
            give_to(&dir.fd, owner).map_err(|e| Error::from_errno("give away", &self.path_of(name), e))?;
            rename_dir(&self.fd, &temporary, name).map_err(error)
        });
        if !matches!(named, Ok(Named::Ours)) {
            // Somebody else made it, or the first failure is the one to report.
            let _ = rustix::fs::unlinkat(&self.fd, temporary.as_str(), AtFlags::REMOVEDIR);
        }
        named?;
        self.need_dir(name)
    }

    /// Removes directories that [`Dir::make_dir`] had no time to name. Says how many.
    pub(crate) fn remove_unnamed(&self) -> Result<u32, Error> {
        let mut unnamed = Vec::new();
        self.each_name(&mut |name| {
            let own = name.to_str().filter(|name| is_unnamed(name) && crate::lock::is_left_over(name));
            unnamed.extend(own.map(str::to_owned));
            Ok(())
        })?;
        // They are empty; what is not is no such directory, and stays.
        let removed =
            |name: &String| rustix::fs::unlinkat(&self.fd, name.as_str(), AtFlags::REMOVEDIR).is_ok();
        Ok(unnamed.iter().filter(|name| removed(name)).count() as u32)
    }

    /// Opens a directory in this one that must be no link at all, not even to another place within.
    pub(crate) fn enter(&self, name: &str) -> Result<Dir, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Dir::at(fd, self.path_of(name))),
            // With O_DIRECTORY a link answers ENOTDIR.
            Err(Errno::NOTDIR) if self.is_link(name)? => Err(Error::LeavesRoot { path: self.path_of(name) }),
            Err(e) => Err(Error::from_errno("open", &self.path_of(name), e)),
        }
    }

    /// The same, making it where it is missing; durable when this returns.
    pub(crate) fn make_and_enter(&self, name: &str, owner: Option<Owner>) -> Result<Dir, Error> {
        match self.enter(name) {
            Err(Error::Missing { .. }) => {
                self.make_dir(name, owner)?;
                self.sync()?;
                self.enter(name)
            }
            other => other,
        }
    }

    fn is_link(&self, name: &str) -> Result<bool, Error> {
        let stat = self.stat_of(name)?;
        Ok(stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink))
    }

    /// Makes a new file for writing; [`Errno::EXIST`] when the name is taken.
    pub(crate) fn create_file(&self, name: &str, owner: Option<Owner>) -> Result<File, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let fd = open_beneath(&self.fd, OsStr::new(name), flags, FILE_MODE)?;
        if let Err(e) = self.give_file_to(&fd, owner) {
            // A file that cannot be given to its owner must not stay; that failure is the one to report.
            let _ = rustix::fs::unlinkat(&self.fd, name, AtFlags::empty());
            return Err(e);
        }
        Ok(File::from(fd))
    }

    /// What the first file got (our own user and group, a group by the directory's set-group-ID bit or a mount option), all
    /// get: one call saved for each message.
    fn give_file_to(&self, fd: &OwnedFd, owner: Option<Owner>) -> Result<(), Errno> {
        let Some(wanted) = owner else { return Ok(()) };
        let is_owned = match self.born_owned.get() {
            Some(is_owned) => *is_owned,
            None => {
                let stat = rustix::fs::fstat(fd)?;
                *self.born_owned.get_or_init(|| (stat.st_uid, stat.st_gid) == (wanted.uid, wanted.gid))
            }
        };
        if is_owned { Ok(()) } else { give_to(fd, owner) }
    }

    /// Opens a regular file for reading; anything else (a pipe would block) is refused.
    pub(crate) fn open_file(&self, name: impl AsRef<OsStr>) -> Result<Option<File>, Error> {
        let name = name.as_ref();
        let error = |e| Error::from_errno("open", &self.path_of(name), e);
        let fd = match open_beneath(&self.fd, name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(error(e)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(error)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::Malformed { path: self.path_of(name), reason: "not a regular file" });
        }
        Ok(Some(File::from(fd)))
    }

    /// Reads a small control file whole; `None` where there is none.
    pub(crate) fn read_small(&self, name: &str, limit: u64) -> Result<Option<(Vec<u8>, Stat)>, Error> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let stat = rustix::fs::fstat(&file).map_err(|e| Error::from_errno("read", &self.path_of(name), e))?;
        let mut octets = Vec::new();
        (&file)
            .take(limit + 1)
            .read_to_end(&mut octets)
            .map_err(|e| Error::from_io("read", &self.path_of(name), e))?;
        if octets.len() as u64 > limit {
            return Err(Error::Malformed { path: self.path_of(name), reason: "far too large" });
        }
        Ok(Some((octets, stat)))
    }

    /// Removes a file; says whether it was there.
    pub(crate) fn unlink(&self, name: impl AsRef<OsStr>) -> Result<bool, Error> {
        match rustix::fs::unlinkat(&self.fd, name.as_ref(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(Error::from_errno("remove", &self.path_of(name), e)),
        }
    }

    /// Makes this directory's entries durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&self.fd).map_err(|e| Error::from_errno("sync", &self.path, e))
    }

    pub(crate) fn stat(&self) -> Result<Stat, Error> {
        rustix::fs::fstat(&self.fd).map_err(|e| Error::from_errno("look at", &self.path, e))
    }

    /// Whether both are one directory.
    pub(crate) fn is_same_as(&self, other: &Dir) -> Result<bool, Error> {
        let (one, two) = (self.stat()?, other.stat()?);
        Ok((one.st_dev, one.st_ino) == (two.st_dev, two.st_ino))
    }

    /// The state of one name, links not followed.
    pub(crate) fn stat_of(&self, name: &str) -> Result<Option<Stat>, Error> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::from_errno("look at", &self.path_of(name), e)),
        }
    }

    /// Calls `each` with every name but `.` and `..`; stops at its first error.
    pub(crate) fn each_name(&self, each: &mut dyn FnMut(&OsStr) -> Result<(), Error>) -> Result<(), Error> {
        use std::os::unix::ffi::OsStrExt as _;
        let error = |e| Error::from_errno("list", &self.path, e);
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                each(name)?;
            }
        }
        Ok(())
    }
}

/// Whether [`Dir::make_dir`] made a directory of this name and had no time to give it its own.
pub(crate) fn is_unnamed(name: &str) -> bool {
    crate::lock::is_own_temporary_for(TEMPORARY_DIR, name)
}

/// Whose directory has the name now.
enum Named {
    Ours,
    AnOther,
}

/// Gives a directory its name, unless something has it.
fn rename_dir(parent: &OwnedFd, temporary: &str, name: &str) -> Result<Named, Errno> {
    let renamed = match rustix::fs::renameat_with(parent, temporary, parent, name, RenameFlags::NOREPLACE) {
        // NFS and some others know no flags to rename. Without one, nothing but an empty directory is replaced.
        Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::renameat(parent, temporary, parent, name),
        other => other,
    };
    match renamed {
        Ok(()) => Ok(Named::Ours),
        Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(Named::AnOther),
        Err(e) => Err(e),
    }
}

/// Moves a file to a name that must be free: [`Errno::EXIST`] when it is not, and then nothing has happened.
pub(crate) fn rename_to_free(from: &Dir, name: &OsStr, to: &Dir, new: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from.fd(), name, to.fd(), new, RenameFlags::NOREPLACE) {
        // NFS and some others know no flags to rename.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(from.fd(), name, to.fd(), new, AtFlags::empty())?;
            rustix::fs::unlinkat(from.fd(), name, AtFlags::empty())
        }
        other => other,
    }
}

/// `openat2` that never leaves the directory; without that call, `openat` that follows no link at all. Either way a
/// last component that is made (`O_CREAT`) is never a link.
fn open_beneath(dir: impl AsFd, name: &OsStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..8 {
        match rustix::fs::openat2(&dir, name, flags, mode, resolve) {
            // openat2(2): a rename or mount elsewhere raced with the walk; try again.
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS | Errno::PERM) => {
                return rustix::fs::openat(&dir, name, flags | OFlags::NOFOLLOW, mode);
            }
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

fn give_to(fd: &OwnedFd, owner: Option<Owner>) -> Result<(), Errno> {
    let Some(owner) = owner else { return Ok(()) };
    rustix::fs::fchown(
        fd,
        Some(rustix::fs::Uid::from_raw(owner.uid)),
        Some(rustix::fs::Gid::from_raw(owner.gid)),
    )
}
