//! Dovecot's lock files: `dovecot-uidlist.lock` and `subscriptions.lock`.
//!
//! A lock is a file holding `pid:hostname`, made elsewhere and linked into place, so that it is never seen empty: a
//! Dovecot that meets it can tell at once whether its holder lives. The link it was made from stays in `tmp` while the
//! lock is held: so a lock that we left behind can be told from Dovecot's own. A lock is broken only when its holder was
//! on this host and is dead.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::dir::{Dir, rename_to_free};
use crate::error::Error;
use crate::folder::FolderInner;
use crate::root::Owner;

/// The lock around everything that makes Dovecot number messages.
pub(crate) const UIDLIST_LOCK: &str = "dovecot-uidlist.lock";
/// The lock around changes of `subscriptions`.
pub(crate) const SUBSCRIPTIONS_LOCK: &str = "subscriptions.lock";

/// How long somebody else's lock is waited for. Dovecot itself gives up after two minutes.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(30);

/// How long a lock whose holder is dead is watched before it is broken. Dovecot breaks it at once; the pause keeps us
/// from breaking one that belongs to a process of another PID namespace that shares our host name.
const DEAD_FOR: Duration = Duration::from_secs(2);

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Every temporary file of this crate, other than staged messages, starts so.
const TEMPORARY: &str = "mailimport-";

/// A name for a temporary file in `tmp`. Process ids come again (in a container after every start), so they are not
/// enough to tell it from a leftover.
pub(crate) fn own_temporary(purpose: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{TEMPORARY}{purpose}{}{count}", *RUN)
}

/// What every name of this process has in its middle, and no other one's.
static RUN: LazyLock<String> = LazyLock::new(|| {
    let (process, random) = (std::process::id(), RandomState::new().hash_one(std::process::id()));
    format!(".{process}.{random:016x}.")
});

/// Whether a name in `tmp` was made by [`own_temporary`], in this process or another.
pub(crate) fn is_own_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Whether it was made by a process that has died: what this one makes is in use, perhaps by another thread.
pub(crate) fn is_left_over(name: &str) -> bool {
    is_own_temporary(name) && !name.contains(RUN.as_str())
}

/// Whether it was made for this purpose.
pub(crate) fn is_own_temporary_for(purpose: &str, name: &str) -> bool {
    let rest = name.strip_prefix(TEMPORARY).and_then(|rest| rest.strip_prefix(purpose));
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// A lock file that we hold; dropping it releases it.
#[derive(Debug)]
pub(crate) struct DotLock<'a> {
    dir: &'a Dir,
    tmp: &'a Dir,
    name: &'static str,
    temporary: String,
    identity: (u64, u64),
}

impl<'a> DotLock<'a> {
    /// Takes the lock, waiting for at most `wait`.
    pub(crate) fn take(
        dir: &'a Dir,
        tmp: &'a Dir,
        name: &'static str,
        owner: Option<Owner>,
        wait: Duration,
    ) -> Result<DotLock<'a>, Error> {
        let temporary = own_temporary("lock");
        let identity = match write_holder(tmp, &temporary, owner) {
            Ok(stat) => inode(&stat),
            Err(e) => {
                let _ = tmp.unlink(&temporary);
                return Err(e);
            }
        };
        // From here on its Drop removes the temporary file, whatever happens.
        let lock = DotLock { dir, tmp, name, temporary, identity };
        let started = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut dead: Option<((u64, u64), Instant)> = None;
        loop {
            match rustix::fs::linkat(tmp.fd(), lock.temporary.as_str(), dir.fd(), name, AtFlags::empty()) {
                Ok(()) => return Ok(lock),
                Err(Errno::EXIST) => {}
                Err(e) => return Err(Error::from_errno("make", &dir.path_of(name), e)),
            }
            let Some((holder, stat)) = read_holder(dir, name)? else { continue };
            if holder.is_dead_here() {
                match dead {
                    Some((same, since)) if same == inode(&stat) => {
                        if since.elapsed() >= DEAD_FOR {
                            break_lock(dir, tmp, name, inode(&stat))?;
                            dead = None;
                            continue;
                        }
                    }
                    _ => dead = Some((inode(&stat), Instant::now())),
                }
            } else {
                dead = None;
            }
            if started.elapsed() >= wait {
                let (path, waited_s) = (dir.path_of(name), started.elapsed().as_secs());
                return Err(Error::Locked { path, holder: holder.text, waited_s });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Drop for DotLock<'_> {
    fn drop(&mut self) {
        // A lock that somebody broke and took meanwhile is theirs.
        if let Ok(Some(stat)) = self.dir.stat_of(self.name)
            && inode(&stat) == self.identity
            && let Err(error) = self.dir.unlink(self.name)
        {
            tracing::warn!(%error, "a lock file could not be removed");
        }
        if let Err(error) = self.tmp.unlink(&self.temporary) {
            tracing::warn!(%error, "a temporary file could not be removed");
        }
    }
}

/// `dovecot-uidlist.lock` of one folder, held against Dovecot and against other threads of this process.
#[derive(Debug)]
pub(crate) struct UidlistLock<'a> {
    // Dropped in this order: the file first.
    _file: DotLock<'a>,
    _serial: MutexGuard<'a, ()>,
}

impl<'a> UidlistLock<'a> {
    pub(crate) fn take(folder: &'a FolderInner) -> Result<UidlistLock<'a>, Error> {
        let serial = folder.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = folder.root.owner;
        let file = DotLock::take(&folder.dir, &folder.tmp, UIDLIST_LOCK, owner, LOCK_WAIT)?;
        Ok(UidlistLock { _file: file, _serial: serial })
    }
}

/// Removes locks that an import which is gone left in the folder: those whose other link lies in `tmp` under one of our
/// names. The process id says nothing here, it may have been given out again.
pub(crate) fn remove_abandoned(folder: &FolderInner) -> Result<u32, Error> {
    let _serial = folder.serial.lock().unwrap_or_else(PoisonError::into_inner);
    let mut removed = 0;
    for name in [UIDLIST_LOCK, SUBSCRIPTIONS_LOCK] {
        let Some(lock) = folder.dir.stat_of(name)? else { continue };
        let mut ours = false;
        folder.tmp.each_name(&mut |candidate| {
            if let Some(candidate) = candidate.to_str().filter(|n| is_left_over(n)) {
                let other = folder.tmp.stat_of(candidate)?;
                ours |= other.is_some_and(|stat| inode(&stat) == inode(&lock));
            }
            Ok(())
        })?;
        if ours && folder.dir.unlink(name)? {
            tracing::info!(lock = %folder.dir.path_of(name).display(), "removed the lock of an import that died");
            removed += 1;
        }
    }
    Ok(removed)
}

/// Who holds a lock, as its file says.
#[derive(Debug)]
struct Holder {
    text: String,
}

impl Holder {
    /// Whether the holder was a process of this host that is no more.
    fn is_dead_here(&self) -> bool {
        let Some((pid, host)) = self.text.split_once(':') else { return false };
        let pid = pid.parse().ok().filter(|pid| *pid > 0).and_then(Pid::from_raw);
        let Some(pid) = pid else { return false };
        host == host_name() && rustix::process::test_kill_process(pid) == Err(Errno::SRCH)
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn write_holder(tmp: &Dir, temporary: &str, owner: Option<Owner>) -> Result<Stat, Error> {
    let path = tmp.path_of(temporary);
    let mut file = tmp.create_file(temporary, owner).map_err(|e| Error::from_errno("make", &path, e))?;
    let holder = format!("{}:{}", std::process::id(), host_name());
    file.write_all(holder.as_bytes()).map_err(|e| Error::from_io("write", &path, e))?;
    rustix::fs::fstat(&file).map_err(|e| Error::from_errno("look at", &path, e))
}

fn read_holder(dir: &Dir, name: &str) -> Result<Option<(Holder, Stat)>, Error> {
    let Some((octets, stat)) = dir.read_small(name, 1024)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&octets).trim_end_matches(['\0', '\n']).to_owned();
    Ok(Some((Holder { text }, stat)))
}

/// Takes a dead holder's lock away, and no other: it is moved aside first and put back when it turns out to be
/// somebody's who took it meanwhile.
fn break_lock(dir: &Dir, tmp: &Dir, name: &str, dead: (u64, u64)) -> Result<(), Error> {
    let aside = own_temporary("dead");
    match rustix::fs::renameat(dir.fd(), name, tmp.fd(), aside.as_str()) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(Error::from_errno("break", &dir.path_of(name), e)),
    }
    let moved = tmp.stat_of(&aside)?;
    if moved.is_some_and(|stat| inode(&stat) != dead)
        && rename_to_free(tmp, std::ffi::OsStr::new(&aside), dir, name).is_ok()
    {
        return Ok(());
    }
    tracing::info!(lock = %dir.path_of(name).display(), "broke the lock of a process that is dead");
    tmp.unlink(&aside)?;
    Ok(())
}

fn inode(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::root::Maildir;

    /// A process that lives until it is dropped.
    struct Living(Child);

    impl Living {
        fn new() -> Living {
            Living(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
        }
    }

    impl Drop for Living {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn dead_pid() -> u32 {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    fn take(root: &std::path::Path, wait: Duration) -> Result<(), Error> {
        let dir = Dir::open_root(root).unwrap();
        let tmp = dir.need_dir("tmp").unwrap();
        DotLock::take(&dir, &tmp, UIDLIST_LOCK, None, wait).map(drop)
    }

    #[test]
    fn a_lock_whose_holder_lives_is_waited_for_and_not_broken() {
        let root = tempfile::tempdir().unwrap();
        Maildir::create(root.path(), None).unwrap();
        let living = Living::new();
        let lock = root.path().join(UIDLIST_LOCK);
        for holder in
            [format!("{}:{}", living.0.id(), host_name()), format!("{}:elsewhere", dead_pid()), "?".into()]
        {
            std::fs::write(&lock, &holder).unwrap();
            let error = take(root.path(), Duration::from_millis(30)).unwrap_err();
            assert!(matches!(&error, Error::Locked { holder: h, .. } if *h == holder), "{error}");
            assert_eq!(std::fs::read_to_string(&lock).unwrap(), holder);
            assert_eq!(std::fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_lock_whose_holder_is_dead_is_broken_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        Maildir::create(root.path(), None).unwrap();
        let lock = root.path().join(UIDLIST_LOCK);
        std::fs::write(&lock, format!("{}:{}", dead_pid(), host_name())).unwrap();
        take(root.path(), LOCK_WAIT).unwrap();
        assert!(!lock.exists());
        assert_eq!(std::fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_held_lock_names_this_process_as_dovecot_reads_it() {
        let root = tempfile::tempdir().unwrap();
        Maildir::create(root.path(), None).unwrap();
        let dir = Dir::open_root(root.path()).unwrap();
        let tmp = dir.need_dir("tmp").unwrap();
        let held = DotLock::take(&dir, &tmp, UIDLIST_LOCK, None, LOCK_WAIT).unwrap();
        let text = std::fs::read_to_string(root.path().join(UIDLIST_LOCK)).unwrap();
        assert_eq!(text, format!("{}:{}", std::process::id(), host_name()));
        drop(held);
        assert!(!root.path().join(UIDLIST_LOCK).exists());
    }

    #[test]
    fn a_lock_that_our_dead_import_left_goes_at_the_start_even_when_its_pid_lives_again() {
        let root = tempfile::tempdir().unwrap();
        let mailbox = Maildir::create(root.path(), None).unwrap();
        let living = Living::new();
        let name = own_temporary("lock").replace(RUN.as_str(), ".4711.0123456789abcdef.");
        let (temporary, lock) = (root.path().join("tmp").join(name), root.path().join(UIDLIST_LOCK));
        std::fs::write(&temporary, format!("{}:{}", living.0.id(), host_name())).unwrap();
        std::fs::hard_link(&temporary, &lock).unwrap();
        let foreign = root.path().join("tmp/1.foreign");
        std::fs::write(&foreign, "x").unwrap();
        let inbox = mailbox.folder(&crate::FolderName::inbox()).unwrap().unwrap();
        assert_eq!(inbox.remove_stale(&|_| false).unwrap(), 2);
        assert!(!lock.exists() && !temporary.exists() && foreign.exists());
    }

    #[test]
    fn what_another_thread_of_this_import_is_making_stays_at_the_start() {
        let root = tempfile::tempdir().unwrap();
        let mailbox = Maildir::create(root.path(), None).unwrap();
        let (temporary, lock) =
            (root.path().join("tmp").join(own_temporary("lock")), root.path().join(UIDLIST_LOCK));
        std::fs::write(&temporary, "x").unwrap();
        std::fs::hard_link(&temporary, &lock).unwrap();
        let directory = root.path().join(own_temporary("directory"));
        std::fs::create_dir(&directory).unwrap();
        let inbox = mailbox.folder(&crate::FolderName::inbox()).unwrap().unwrap();
        assert_eq!(inbox.remove_stale(&|_| false).unwrap(), 0);
        assert!(lock.exists() && temporary.exists() && directory.exists());
    }

    #[test]
    fn a_lock_of_dovecot_stays_at_the_start() {
        let root = tempfile::tempdir().unwrap();
        let mailbox = Maildir::create(root.path(), None).unwrap();
        let lock = root.path().join(UIDLIST_LOCK);
        std::fs::write(&lock, format!("{}:{}", dead_pid(), host_name())).unwrap();
        let inbox = mailbox.folder(&crate::FolderName::inbox()).unwrap().unwrap();
        assert_eq!(inbox.remove_stale(&|_| true).unwrap(), 0);
        assert!(lock.exists());
    }
}
