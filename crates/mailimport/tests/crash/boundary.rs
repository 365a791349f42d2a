//! `kill -9` before each system call of a delivery, and calls that fail: `strace` counts them and strikes.
//!
//! The mailbox already holds an import; the one that is struck brings two messages more into INBOX and a folder that is
//! new. `strace` counts for each thread by itself, so a number is tried until no thread has so many calls.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use testkit::factory::{AccountSpec, FolderSpec, MessageSpec};
use testkit::imap_client::Client;
use testkit::server::ImapServer;

use crate::client::Busy;
use crate::invariants::{at_any_moment, at_the_end};
use crate::scene::{Ended, OLD, PASSWORD, Scene, copy, open_directory};

/// No call of a delivery comes more often in a thread; only `write` does, which also wakes the runtime's threads.
const MOST: u32 = 40;

/// The mailbox before the delivery that is struck.
enum Before {
    /// There is none, nor the directory around it.
    Nothing(tempfile::TempDir),
    /// It holds mail of others and an earlier import; kept here.
    Import(PathBuf),
}

/// An import that can be struck as often as one likes.
struct Prepared {
    scene: Scene,
    before: Before,
}

fn message(number: i64) -> MessageSpec {
    let text = format!("Subject: {number}\r\n\r\nbody of {number}\r\n");
    let mut message = MessageSpec::exact(text.into_bytes(), 1_400_000_000 + number);
    message.flags = vec!["\\Seen".into()];
    message.keywords = if number % 2 == 0 { vec!["$Label1".into()] } else { Vec::new() };
    message
}

fn account() -> AccountSpec {
    AccountSpec {
        folders: vec![
            FolderSpec::new(&["INBOX"], (0..2).map(message).collect()),
            FolderSpec::new(&["Projekte", "Größe"], (10..13).map(message).collect()),
        ],
    }
}

impl Prepared {
    fn with_an_import() -> Prepared {
        let mut scene = Scene::new(&account());
        scene.arguments = vec!["--include".into(), "INBOX".into()];
        scene.complete();
        scene.arguments.clear();
        let mut old = Client::login(scene.server.plain(), OLD, PASSWORD).unwrap();
        for number in 2..4 {
            let text = format!("Subject: {number}\r\n\r\nbody of {number}\r\n");
            old.append("INBOX", &["\\Flagged", "$Forwarded"], 1_400_000_000 + number, text.as_bytes())
                .unwrap();
        }
        let kept = scene.server.mail_home("kept");
        copy(&scene.root, &kept);
        Prepared { scene, before: Before::Import(kept) }
    }

    fn with_nothing() -> Prepared {
        let directory = open_directory();
        let scene = Scene::to_be_founded_at(&account(), &directory.path().join("bob/Maildir"));
        Prepared { scene, before: Before::Nothing(directory) }
    }

    /// The mailbox as it was before the delivery.
    fn put_back(&mut self) {
        match &self.before {
            Before::Nothing(directory) => {
                for entry in std::fs::read_dir(directory.path()).unwrap() {
                    std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
                }
            }
            Before::Import(kept) => {
                std::fs::remove_dir_all(&self.scene.root).unwrap();
                copy(kept, &self.scene.root);
            }
        }
    }

    /// Runs the import with an injection into the `number`th call of this name.
    fn strike(&mut self, call: &str, what: &str, number: u32) -> std::process::Child {
        let inject = format!("inject={call}:{what}:when={number}");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e"];
        self.scene.around = words.map(str::to_owned).to_vec();
        self.scene.around.extend([format!("trace={call}"), "-e".into(), inject]);
        let child = self.scene.spawn();
        self.scene.around.clear();
        child
    }
}

/// Kills before each call of these names, one after the other. Beside each name stands how many there are at least in one
/// thread, however the work is spread over threads: that nobody is killed shows nothing.
fn killed_before_each(mut prepared: Prepared, calls: &[(&str, u32)], busy: bool) {
    for (call, at_least) in calls {
        let mut struck = 0;
        for number in 1..=MOST {
            prepared.put_back();
            let client = busy.then(|| Busy::start(prepared.scene.server.plain()));
            let status = prepared.strike(call, "signal=KILL", number).wait().unwrap();
            let killed = status.signal() == Some(9);
            assert!(killed || status.success(), "{call} {number}: {status}");
            let when = format!("killed before {call} number {number}");
            client.into_iter().for_each(Busy::finish);
            at_any_moment(&prepared.scene).assert_none(&when);
            prepared.scene.complete();
            at_the_end(&mut prepared.scene).assert_none(&when);
            if !killed {
                break;
            }
            struck += 1;
        }
        eprintln!("{struck} times killed before {call}");
        assert!(struck >= *at_least, "only {struck} times killed before {call}");
    }
}

#[test]
fn killed_before_each_call_that_names_files() {
    let calls = [("mkdirat", 3), ("linkat", 1), ("renameat", 1), ("renameat2", 2), ("unlinkat", 2)];
    killed_before_each(Prepared::with_an_import(), &calls, false);
}

#[test]
fn killed_before_each_call_that_makes_things_durable() {
    killed_before_each(Prepared::with_an_import(), &[("fsync", 4), ("syncfs", 1)], false);
}

#[test]
fn killed_before_each_call_that_opens_files() {
    killed_before_each(Prepared::with_an_import(), &[("openat2", 8)], false);
}

#[test]
fn killed_before_each_call_that_dresses_files() {
    let calls = [("fchown", 3), ("utimensat", 2), ("ftruncate", 1)];
    killed_before_each(Prepared::with_an_import(), &calls, false);
}

#[test]
fn killed_before_each_call_that_writes() {
    killed_before_each(Prepared::with_an_import(), &[("write", 10)], false);
}

#[test]
fn killed_before_each_call_that_writes_the_ledger() {
    killed_before_each(Prepared::with_an_import(), &[("pwrite64", 6)], false);
}

#[test]
fn killed_before_each_call_that_names_files_while_a_client_is_busy() {
    let calls = [("linkat", 1), ("renameat", 1), ("renameat2", 2), ("unlinkat", 2), ("fsync", 3)];
    killed_before_each(Prepared::with_an_import(), &calls, true);
}

#[test]
fn killed_before_each_call_that_founds_the_mailbox() {
    let calls = [("mkdirat", 4), ("fchown", 4), ("renameat2", 4), ("fsync", 4)];
    killed_before_each(Prepared::with_nothing(), &calls, false);
}

/// Makes each call of these names fail, one after the other: a sentence, and the same command goes on.
fn each_fails(calls: &[&str], error: &str) {
    let mut prepared = Prepared::with_an_import();
    for call in calls {
        let mut told = 0;
        for number in 1..=MOST {
            prepared.put_back();
            let child = prepared.strike(call, &format!("error={error}"), number);
            let ended = Ended::of(child);
            let when = format!("{error} for {call} number {number}: {:?} {:?}", ended.code, ended.class());
            assert!(matches!(ended.code, Some(0 | 1 | 4)), "{when}\n{:#}", ended.report);
            if ended.code == Some(4) {
                let sentence = ended.report["error"]["message"].as_str().unwrap_or_default();
                assert!(sentence.len() > 20, "{when}: {:#}", ended.report);
                told += 1;
            }
            at_any_moment(&prepared.scene).assert_none(&when);
            prepared.scene.complete();
            at_the_end(&mut prepared.scene).assert_none(&when);
        }
        eprintln!("{error} for {call}: told {told} times");
        assert!(told > 0, "{error} for {call} was never told");
    }
}

#[test]
fn a_disk_that_does_not_answer_to_sync_is_told() {
    each_fails(&["fsync"], "EIO");
}
