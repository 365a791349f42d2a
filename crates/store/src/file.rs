//! The ledger's file, before SQLite sees it: there, plain, private, and its owner's.
//!
//! The file lies by default in a mailbox, which its user may write to, while the import may run as root. So the file
//! is never opened through a symbolic link and its mode and owner are changed through a descriptor. An existing file
//! is looked at through `O_PATH` only: closing an ordinary descriptor would drop the locks that SQLite holds on the
//! same file elsewhere in this process (sqlite.org/howtocorrupt.html, section 2.2).

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

/// The user and group that a ledger's file belongs to when root runs the import for somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}

/// Read and write for the owner, nothing for others: the ledger holds names and subjects.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Makes sure that the file is there, is a plain file, is private and belongs to `owner`. SQLite gives the files that
/// it adds (`-wal`, `-shm`) the same mode and, run by root, the same owner. The error is a plain sentence.
pub(crate) fn prepare(path: &Path, owner: Option<Owner>) -> Result<(), String> {
    for suffix in ["-wal", "-shm", "-journal"] {
        refuse_link(&beside(path, suffix))?;
    }
    match create(path, owner) {
        Err(Errno::EXIST) => adopt(path, owner),
        Err(error) => Err(reason(path, error)),
        Ok(()) => Ok(()),
    }
}

/// The path of a file that SQLite keeps beside its database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn create(path: &Path, owner: Option<Owner>) -> Result<(), Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, MODE)?;
    rustix::fs::fchmod(&file, MODE)?;
    if let Some(owner) = owner {
        rustix::fs::fchown(&file, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
    }
    // The name itself must survive a power loss, or the ledger would be gone with all that was acknowledged.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory =
        rustix::fs::open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::fs::fsync(&directory)
}

fn adopt(path: &Path, owner: Option<Owner>) -> Result<(), String> {
    let file = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| reason(path, error))?;
    let status = rustix::fs::fstat(&file).map_err(|error| reason(path, error))?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err("it is a symbolic link".to_owned()),
        FileType::Directory => return Err("it is a directory".to_owned()),
        _ => return Err("it is not a plain file".to_owned()),
    }
    let Some(owner) = owner else { return narrow(&file, status.st_mode) };
    // A name in a user's directory may be a second name of somebody else's file.
    if status.st_nlink != 1 || (status.st_uid != owner.uid && status.st_uid != 0) {
        return Err("the file belongs to another user".to_owned());
    }
    if (status.st_uid, status.st_gid) != (owner.uid, owner.gid) {
        let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        rustix::fs::chownat(&file, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
            .map_err(|error| format!("its owner cannot be set: {error}"))?;
    }
    narrow(&file, status.st_mode)
}

/// Takes from others what they may do with the file. An `O_PATH` descriptor has no `fchmod`, its name in `/proc` has.
fn narrow(file: &OwnedFd, mode: u32) -> Result<(), String> {
    if Mode::from_raw_mode(mode).contains(MODE) && mode & 0o077 == 0 {
        return Ok(());
    }
    rustix::fs::chmodat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), MODE, AtFlags::empty())
        .map_err(|error| format!("its permissions cannot be set: {error}"))
}

fn refuse_link(path: &Path) -> Result<(), String> {
    match std::fs::symlink_metadata(path) {
        Ok(status) if status.file_type().is_symlink() => {
            Err(format!("{} beside it is a symbolic link", path.display()))
        }
        _ => Ok(()),
    }
}

fn reason(path: &Path, error: Errno) -> String {
    let directory = path.parent().unwrap_or(path);
    match error {
        Errno::NOENT | Errno::NOTDIR => format!("the directory {} does not exist", directory.display()),
        Errno::ACCESS | Errno::PERM => format!("the directory {} may not be written to", directory.display()),
        Errno::ROFS => "it lies on a read-only file system".to_owned(),
        Errno::NOSPC | Errno::DQUOT => "the disk is full".to_owned(),
        other => other.to_string(),
    }
}
