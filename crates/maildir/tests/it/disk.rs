//! The mailbox as the file system has it: what is refused, what survives a crash, what a full disk does.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::server::{base, deliver, flags, name, staged};
use maildir::{Durability, Error, FlagChange, Flags, FolderName, Maildir, SystemFlags};

fn inbox(path: &Path) -> maildir::Folder {
    Maildir::create(path, None).unwrap().folder(&FolderName::inbox()).unwrap().unwrap()
}

#[test]
fn other_things_than_a_maildir_are_refused_and_left_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(Maildir::create(&file, None), Err(Error::NotADirectory { .. })));
    assert!(matches!(Maildir::create(root.path(), None), Err(Error::NotAMaildir { .. })));
    assert!(matches!(Maildir::open(root.path()), Err(Error::NotAMaildir { .. })));
    assert!(matches!(Maildir::open(&root.path().join("nothing")), Err(Error::Missing { .. })));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    let new = root.path().join("a/b/Maildir");
    Maildir::create(&new, None).unwrap();
    assert_eq!(Maildir::open(&new).unwrap().folders().unwrap(), [FolderName::inbox()]);
}

#[test]
fn one_import_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) =
        (Maildir::create(root.path(), None).unwrap(), Maildir::create(root.path(), None).unwrap());
    let lock = one.lock_exclusively().unwrap();
    assert!(matches!(two.lock_exclusively(), Err(Error::Busy { .. })));
    drop(lock);
    two.lock_exclusively().unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 3);
}

#[test]
fn links_that_leave_the_mailbox_are_not_followed() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mailbox = Maildir::create(root.path(), None).unwrap();
    Maildir::create(outside.path(), None).unwrap();
    std::fs::write(outside.path().join("secret"), "1 secret\n").unwrap();
    symlink(outside.path(), root.path().join(".Out")).unwrap();
    assert!(matches!(mailbox.folder(&name("Out")), Err(Error::LeavesRoot { .. })));
    assert!(matches!(mailbox.create_folder(&name("Out")), Err(Error::LeavesRoot { .. })));
    assert_eq!(mailbox.folders().unwrap(), [FolderName::inbox()]);
    symlink(outside.path().join("secret"), root.path().join("dovecot-keywords")).unwrap();
    symlink(outside.path().join("secret"), root.path().join("cur/1.x:2,")).unwrap();
    let inbox = mailbox.folder(&FolderName::inbox()).unwrap().unwrap();
    assert!(matches!(inbox.keywords(), Err(Error::LeavesRoot { .. })));
    let mut entries = Vec::new();
    inbox.scan(&mut |entry| entries.push(entry)).unwrap();
    assert!(matches!(inbox.open_message(&entries[0]), Err(Error::LeavesRoot { .. })));
    // A link in the place of a staged message is replaced, never written through.
    let target = outside.path().join("target");
    symlink(&target, root.path().join("tmp").join(base(1).as_str())).unwrap();
    deliver(&inbox, 1, Flags::default());
    assert!(!target.exists());
}

#[test]
fn folders_are_found_by_their_directories() {
    let root = tempfile::tempdir().unwrap();
    let mailbox = Maildir::create(root.path(), None).unwrap();
    for folder in ["B", "A.B.C"] {
        mailbox.create_folder(&name(folder)).unwrap();
        mailbox.create_folder(&name(folder)).unwrap();
    }
    std::fs::create_dir(root.path().join(".no-maildir")).unwrap();
    std::fs::write(root.path().join(".file"), "").unwrap();
    assert_eq!(mailbox.folders().unwrap(), [FolderName::inbox(), name("A.B.C"), name("B")]);
    assert!(mailbox.folder(&name("A")).unwrap().is_none());
    assert!(root.path().join(".A.B.C/maildirfolder").exists());
    assert!(mailbox.free_space().unwrap() > 0);
}

#[test]
fn a_message_that_is_given_up_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let inbox = inbox(root.path());
    let mut file = inbox.stage(&base(1)).unwrap();
    file.write_all(b"half").unwrap();
    file.abandon();
    drop(inbox.stage(&base(2)).unwrap());
    drop(staged(&inbox, 3, b"x", Flags::default(), 0));
    assert_eq!(std::fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_scan_reports_each_message_once_while_others_rename_them() {
    let root = tempfile::tempdir().unwrap();
    let inbox = inbox(root.path());
    let count = 1500;
    let (new, cur) = (root.path().join("new"), root.path().join("cur"));
    for n in 0..count {
        std::fs::write(new.join(format!("{n}.host")), "x").unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..count {
                std::fs::rename(new.join(format!("{n}.host")), cur.join(format!("{n}.host:2,"))).unwrap();
            }
            let mut flags = ["", "S"];
            while !done.load(Ordering::Relaxed) {
                for n in 0..count {
                    let name = |flags| cur.join(format!("{n}.host:2,{flags}"));
                    std::fs::rename(name(flags[0]), name(flags[1])).unwrap();
                }
                flags.reverse();
            }
        });
        // Set also by an assertion that fails: the scope waits for its thread.
        let _stop = StopOnDrop(&done);
        for _ in 0..5 {
            let mut seen = BTreeMap::new();
            inbox.scan(&mut |entry| *seen.entry(entry.base).or_insert(0) += 1).unwrap();
            assert!(seen.values().all(|times| *times == 1));
            assert_eq!(seen.len(), count);
        }
    });
}

#[test]
fn a_message_is_opened_under_the_name_it_has_now() {
    let root = tempfile::tempdir().unwrap();
    let inbox = inbox(root.path());
    deliver(&inbox, 1, Flags::default());
    let mut entry = None;
    inbox.scan(&mut |found| entry = Some(found)).unwrap();
    let entry = entry.unwrap();
    let change = FlagChange { base: entry.base.clone(), add: SystemFlags::SEEN, ..FlagChange::default() };
    inbox.set_flags(&[change]).unwrap();
    let mut text = String::new();
    inbox.open_message(&entry).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.ends_with("body 1\r\n"));
    std::fs::remove_dir_all(root.path().join("cur")).unwrap();
    assert!(inbox.open_message(&entry).is_err());
}

/// Runs one of the ignored tests below in a process of its own, with a directory.
fn child(test: &str, directory: &Path, shell: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", shell]).arg(directory).arg(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env("MAILDIR_TEST_DIRECTORY", directory);
    command
}

fn directory() -> PathBuf {
    std::env::var_os("MAILDIR_TEST_DIRECTORY").expect("run by another test").into()
}

#[test]
#[ignore = "the part of another test that is killed"]
fn child_that_imports_until_it_is_killed() {
    let mailbox = Maildir::create(&directory(), None).unwrap();
    let _lock = mailbox.lock_exclusively().unwrap();
    let inbox = mailbox.folder(&FolderName::inbox()).unwrap().unwrap();
    inbox.remove_stale(&|name| name.ends_with(".mailimport")).unwrap();
    let mut there = Vec::new();
    inbox.scan(&mut |entry| there.push(entry.base)).unwrap();
    println!("started");
    for batch in 0..100 {
        let missing = (batch * 5..batch * 5 + 5).filter(|n| !there.contains(&base(*n).as_str().to_owned()));
        let keyword = format!("kw{}", batch % 20);
        let message = |n| staged(&inbox, n, &b"a: b\n\n".repeat(1000), flags("S", &[&keyword]), 1);
        inbox.deliver(missing.map(message).collect(), Durability::Automatic).unwrap();
    }
}

#[test]
fn an_import_that_is_killed_goes_on_without_loss_double_or_litter() {
    let root = tempfile::tempdir().unwrap();
    let foreign = root.path().join("tmp/1.foreign");
    let mut killed = 0;
    for round in 0..12u64 {
        let mut import =
            child("disk::child_that_imports_until_it_is_killed", root.path(), "shift 0; exec \"$@\"")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
        let mut line = String::new();
        let mut output = std::io::BufReader::new(import.stdout.take().unwrap());
        while !line.contains("started") {
            line.clear();
            assert!(
                std::io::BufRead::read_line(&mut output, &mut line).unwrap() > 0,
                "the import did not start"
            );
        }
        // Where this strikes does not matter to what must hold.
        std::thread::sleep(std::time::Duration::from_micros(700 * round * round));
        import.kill().unwrap();
        killed += usize::from(!import.wait().unwrap().success());
        if round == 0 {
            std::fs::write(&foreign, "x").unwrap();
        }
        let mut seen = BTreeMap::new();
        for entry in std::fs::read_dir(root.path().join("cur")).unwrap() {
            let entry = entry.unwrap();
            let name = maildir::MessageName::parse(entry.file_name().to_str().unwrap());
            assert_eq!(entry.metadata().unwrap().len(), 6000);
            assert_eq!((name.size, name.vsize), (Some(6000), Some(8000)));
            assert_eq!(seen.insert(name.base, ()), None);
        }
    }
    assert!(killed > 0);
    let last = child("disk::child_that_imports_until_it_is_killed", root.path(), "shift 0; exec \"$@\"")
        .output()
        .unwrap();
    assert!(last.status.success(), "{last:?}");
    assert_eq!(std::fs::read_dir(root.path().join("cur")).unwrap().count(), 500);
    let left: Vec<_> =
        std::fs::read_dir(root.path().join("tmp")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [foreign]);
    assert!(!root.path().join("dovecot-uidlist.lock").exists());
    assert_eq!(inbox(root.path()).keywords().unwrap().iter().count(), 20);
}

#[test]
#[ignore = "the part of another test that needs a small file system"]
fn child_on_a_full_disk() {
    let mailbox = Maildir::create(&directory(), None).unwrap();
    let inbox = mailbox.folder(&FolderName::inbox()).unwrap().unwrap();
    deliver(&inbox, 1, Flags::default());
    let mut file = inbox.stage(&base(2)).unwrap();
    let failed = (0..1000).find_map(|_| file.write_all(&[b'x'; 4096]).err()).expect("the disk is small");
    assert!(matches!(file.error(failed), Error::NoSpace { .. }));
    drop(file);
    deliver(&inbox, 3, Flags::default());
    let mut bases = Vec::new();
    inbox.scan(&mut |entry| bases.push(entry.base)).unwrap();
    bases.sort();
    assert_eq!(bases, [base(1), base(3)].map(|b| b.as_str().to_owned()));
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_there() {
    let root = tempfile::tempdir().unwrap();
    let shell = "mount -t tmpfs -o size=256k none \"$0\" && exec \"$@\"";
    let output = child("disk::child_on_a_full_disk", root.path(), shell).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
