//! `ROOT/passwd`, Dovecot's passwd-file: one line for each mailbox, `local@domain:{SCHEME}hash:::::`.
//!
//! Lines are only ever added. The file is replaced as a whole (temporary file, fsync, rename, fsync of the directory), so a
//! reader sees it before or after; its time always grows by a second, by which Dovecot notices the change. Lines that
//! somebody else wrote stay as they are, octet for octet.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use maildir::Owner;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::address::Address;
use crate::error::Error;

/// A line is below 400 octets: this is a hundred thousand mailboxes and more.
const LARGEST: u64 = 64 << 20;
const MODE: u32 = 0o640;
const LOCK_WAIT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The passwd-file of a tree. It need not exist yet.
#[derive(Debug)]
pub(super) struct PasswdFile {
    root: PathBuf,
    path: PathBuf,
    owner: Option<Owner>,
}

/// Held while the file is being changed. The kernel releases it when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _held: File,
}

/// The file as it was read.
struct Content {
    octets: Vec<u8>,
    /// `None`: there is no file yet.
    metadata: Option<std::fs::Metadata>,
}

impl PasswdFile {
    pub(super) fn new(root: &Path, owner: Option<Owner>) -> PasswdFile {
        PasswdFile { root: root.to_path_buf(), path: root.join("passwd"), owner }
    }

    /// Whether a line names this address.
    pub(super) fn contains(&self, address: &Address) -> Result<bool, Error> {
        Ok(self.read()?.names(address))
    }

    /// Whether it can be read, and its directory be written.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.read()?;
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::accessat(rustix::fs::CWD, &self.root, access, rustix::fs::AtFlags::EACCESS)
            .map_err(|e| Error::of("write to", &self.root, e.into()))
    }

    /// Waits until nobody else changes the file, in this process or another.
    pub(super) fn lock(&self) -> Result<Lock, Error> {
        // Its name is no domain's, and a file beside the passwd-file stays when that is replaced.
        let path = self.root.join(".passwd.lock");
        let error = |e: Errno| Error::of("lock", &path, e.into());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(error)?);
        self.give(&file, &path)?;
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    self.remove_litter()?;
                    return Ok(Lock { _held: file });
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(e) => return Err(error(e)),
            }
            if started.elapsed() >= LOCK_WAIT {
                return Err(Error::Locked { path: self.path.clone(), waited_s: started.elapsed().as_secs() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What writers left that died: with the lock held, no temporary file is anybody's.
    fn remove_litter(&self) -> Result<(), Error> {
        let error = |e: std::io::Error| Error::of("clean", &self.root, e);
        for entry in std::fs::read_dir(&self.root).map_err(error)? {
            let entry = entry.map_err(error)?;
            let is_litter = entry.file_name().to_str().is_some_and(is_temporary);
            if is_litter {
                std::fs::remove_file(entry.path()).map_err(error)?;
            }
        }
        Ok(())
    }

    /// Adds a line for an address that has none; durable when this returns.
    pub(super) fn add(&self, _lock: &Lock, address: &Address, hash: &str) -> Result<(), Error> {
        let field = |octets: &str| !octets.contains([':', '\r', '\n', '\0']);
        let name = address.to_string();
        if !field(&name) || !field(hash) {
            return Err(Error::Internal("a field of the passwd-file would end its line".to_owned()));
        }
        let line = format!("{name}:{hash}:::::\n");
        let started = Instant::now();
        loop {
            let mut content = self.read()?;
            if content.names(address) {
                return Ok(());
            }
            if content.octets.last().is_some_and(|last| *last != b'\n') {
                content.octets.push(b'\n');
            }
            content.octets.extend_from_slice(line.as_bytes());
            if self.replace(&content)? {
                return Ok(());
            }
            if started.elapsed() >= LOCK_WAIT {
                return Err(Error::Locked { path: self.path.clone(), waited_s: started.elapsed().as_secs() });
            }
        }
    }

    fn read(&self) -> Result<Content, Error> {
        let error = |e: std::io::Error| Error::of("read", &self.path, e);
        // A pipe in its place would block, a link could lead anywhere.
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();
        let file = match File::options().read(true).custom_flags(flags).open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Content { octets: Vec::new(), metadata: None });
            }
            Err(e) => return Err(error(e)),
        };
        let malformed = |reason| Err(Error::Malformed { path: self.path.clone(), reason });
        let metadata = file.metadata().map_err(error)?;
        if !metadata.is_file() {
            return malformed("not a regular file");
        }
        let mut octets = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut octets).map_err(error)?;
        if octets.len() as u64 > LARGEST {
            return malformed("larger than 64 MiB");
        }
        Ok(Content { octets, metadata: Some(metadata) })
    }

    /// Puts new content in the place of what was read; `false` when somebody without our lock changed it meanwhile.
    fn replace(&self, content: &Content) -> Result<bool, Error> {
        let error = |e: std::io::Error| Error::of("write", &self.path, e);
        let mut temporary = TemporaryFile::create(&self.root).map_err(error)?;
        let file = &mut temporary.file;
        match &content.metadata {
            Some(old) => {
                let own = file.metadata().map_err(error)?;
                if (old.uid(), old.gid()) != (own.uid(), own.gid()) {
                    fchown(&*file, Some(old.uid()), Some(old.gid())).map_err(error)?;
                }
            }
            None => self.give(file, &self.path)?,
        }
        let mode = content.metadata.as_ref().map_or(MODE, |old| old.mode() & 0o777);
        file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(error)?;
        file.write_all(&content.octets).map_err(error)?;
        let now = SystemTime::now();
        let later = content
            .metadata
            .as_ref()
            .and_then(|old| old.modified().ok())
            .map(|old| old + Duration::from_secs(1));
        file.set_modified(later.map_or(now, |later| later.max(now))).map_err(error)?;
        file.sync_all().map_err(error)?;
        if !self.is_still(content.metadata.as_ref())? {
            return Ok(false);
        }
        temporary.rename_to(&self.path).map_err(error)?;
        let root = File::open(&self.root).map_err(error)?;
        root.sync_all().map_err(error)?;
        Ok(true)
    }

    fn is_still(&self, known: Option<&std::fs::Metadata>) -> Result<bool, Error> {
        let of = |m: &std::fs::Metadata| (m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec());
        match std::fs::symlink_metadata(&self.path) {
            Ok(metadata) => Ok(known.map(of) == Some(of(&metadata))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(known.is_none()),
            Err(e) => Err(Error::of("look at", &self.path, e)),
        }
    }

    fn give(&self, file: &File, path: &Path) -> Result<(), Error> {
        let Some(owner) = self.owner else { return Ok(()) };
        fchown(file, Some(owner.uid), Some(owner.gid)).map_err(|e| Error::of("give away", path, e))
    }
}

impl Content {
    /// Dovecot looks names up in lower case; a line in other case must not be doubled either.
    fn names(&self, address: &Address) -> bool {
        let address = address.to_string();
        self.octets.split(|b| *b == b'\n').any(|line| {
            line.len() > address.len()
                && line[address.len()] == b':'
                && line[..address.len()].eq_ignore_ascii_case(address.as_bytes())
        })
    }
}

const TEMPORARY: &str = ".passwd.";

fn is_temporary(name: &str) -> bool {
    let random = name.strip_prefix(TEMPORARY);
    random.is_some_and(|random| random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A file beside the passwd-file; it goes when it is dropped before its rename.
struct TemporaryFile {
    file: File,
    path: Option<PathBuf>,
}

impl TemporaryFile {
    fn create(root: &Path) -> std::io::Result<TemporaryFile> {
        // A process id may come again after a crash; a random name does not.
        let path = root.join(format!("{TEMPORARY}{:032x}", rand::random::<u128>()));
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(TemporaryFile { file, path: Some(path) })
    }

    fn rename_to(&mut self, target: &Path) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        std::fs::rename(path, target)?;
        self.path = None;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // The failure that came before is the one to report.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Makes ROOT where it is missing (0750: a mail server's login process reads the passwd-file in it), and answers whose
/// everything in it shall be.
pub(super) fn make_root(root: &Path, owner: Option<Owner>) -> Result<Option<Owner>, Error> {
    let error = |e: std::io::Error| Error::of("make", root, e);
    let owner = match owner {
        None if rustix::process::geteuid().is_root() => owner_above(root),
        given => given,
    };
    match std::fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => return Ok(owner),
        Ok(_) => return Err(maildir::Error::NotADirectory { path: root.to_path_buf() }.into()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(error(e)),
    }
    std::fs::create_dir_all(root).map_err(error)?;
    std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o750)).map_err(error)?;
    if let Some(owner) = owner {
        std::os::unix::fs::chown(root, Some(owner.uid), Some(owner.gid)).map_err(error)?;
    }
    Ok(owner)
}

/// The owner of ROOT, or of the nearest directory above it that is there.
fn owner_above(root: &Path) -> Option<Owner> {
    let metadata = root.ancestors().find_map(|path| std::fs::metadata(path).ok())?;
    Some(Owner { uid: metadata.uid(), gid: metadata.gid() })
}
