//! The program killed at random moments, interrupted, and given one enormous message.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use testkit::factory::{self, AccountSpec, Content, FolderSpec, MessageSpec};
use testkit::judge::{self, Mapping};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

const PASSWORD: &str = "pw";

fn server(account: &AccountSpec) -> Dovecot {
    let users = [User::new("alice", PASSWORD), User::new("bob", PASSWORD)];
    let server = Dovecot::start(&DovecotOptions::with_users(users)).unwrap();
    server.write_account("alice", account).unwrap();
    let home = server.mail_home("bob");
    if !home.exists() {
        std::fs::create_dir(&home).unwrap();
        let (uid, gid) = server.owner();
        std::os::unix::fs::chown(&home, Some(uid), Some(gid)).unwrap();
    }
    server
}

fn import(server: &Dovecot) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
    let (uid, gid) = server.owner();
    command
        .arg("import")
        .arg(format!("imap://alice@{}", server.plain()))
        .arg(format!("maildir:{}", server.maildir("bob").display()))
        .args(["--allow-plaintext", "--format", "json", "--mail-user", &format!("{uid}:{gid}")])
        .env("MAILIMPORT_SOURCE_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn report(child: Child) -> (Option<i32>, serde_json::Value) {
    let output = child.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
    (output.status.code(), report)
}

/// Message files below the Maildir, by base name, and what must not be there: files in `tmp`, locks.
fn state_of(root: &Path) -> (Vec<String>, Vec<PathBuf>) {
    let (mut bases, mut litter) = (Vec::new(), Vec::new());
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match directory.file_name().unwrap().to_str() {
                Some("cur" | "new") => bases.push(name.split([',', ':']).next().unwrap().to_owned()),
                Some("tmp") => litter.push(path),
                _ if name.ends_with(".lock") => litter.push(path),
                _ => {}
            }
        }
    }
    bases.sort();
    (bases, litter)
}

/// A small generator of numbers; the seed is printed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn killed_at_twenty_random_moments_it_completes_without_a_duplicate() {
    let mut account = factory::generated_2000();
    // The large ones only make the moments rarer in which something happens.
    for folder in &mut account.folders {
        folder.messages.retain(
            |message| !matches!(message.content, Content::Generated { size, .. } if size > 1_000_000),
        );
    }
    let seed = std::env::var("MAILIMPORT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 7_919 + 1);
    eprintln!("MAILIMPORT_SEED={seed}");
    let mut random = Random(seed);
    let server = server(&account);
    let root = server.maildir("bob");
    let (mut killed, mut present) = (0, 0);
    for round in 0..20 {
        let mut child = import(&server).spawn().unwrap();
        // The moment is the arrival of the n-th file, or so many milliseconds, whichever comes first.
        let enough = present + random.below(2 + account.messages() as u64 / 20);
        let deadline = std::time::Instant::now() + std::time::Duration::from_millis(50 + random.below(900));
        while child.try_wait().unwrap().is_none() && std::time::Instant::now() < deadline {
            if round % 2 == 0 && root.exists() && state_of_count(&root) > enough {
                break;
            }
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(status.signal() == Some(9) || status.success(), "{status}");
        if root.exists() {
            let (bases, _) = state_of(&root);
            present = bases.len() as u64;
            let mut once = bases.clone();
            once.dedup();
            assert_eq!(bases.len(), once.len(), "a duplicate after round {round}");
        }
    }
    assert!(killed > 0, "no round was killed before it ended");
    let (code, report) = report(import(&server).spawn().unwrap());
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("complete")), "{report:#}");
    let (bases, litter) = state_of(&root);
    assert_eq!(bases.len(), account.messages());
    assert!(litter.is_empty(), "{litter:?}");
    let account = |user| judge::Account::new(server.plain(), user, PASSWORD);
    let mapping = Mapping::identity().rename("Gesendete Objekte", "Sent");
    judge::compare(&account("alice"), &account("bob"), &mapping).unwrap().assert_equal();
    let (_, report) = self::report(import(&server).spawn().unwrap());
    assert_eq!(report["totals"]["imported"], 0);
}

fn state_of_count(root: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(root.join("cur")) else { return 0 };
    entries.count() as u64
}

#[test]
fn interrupted_it_ends_with_5_and_a_true_report_and_goes_on() {
    let account = factory::generated_2000();
    let server = server(&account);
    let root = server.maildir("bob");
    let mut child = import(&server).spawn().unwrap();
    while state_of_count(&root) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
    }
    let pid = i32::try_from(child.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::INT)
        .unwrap();
    let (code, first) = report(child);
    let there = state_of(&root).0.len() as u64;
    assert_eq!(first["totals"]["imported"].as_u64(), Some(there), "{first:#}");
    assert_eq!(code, Some(5), "{first:#}");
    assert_eq!(first["error"]["class"], "interrupted");
    let (code, second) = report(import(&server).spawn().unwrap());
    assert_eq!(code, Some(0), "{second:#}");
    let brought = second["totals"]["imported"].as_u64().unwrap();
    assert_eq!(brought + there, account.messages() as u64);
    assert!(state_of(&root).1.is_empty());
}

/// Peak resident memory of a run, in KiB.
fn peak_of(size: usize) -> u64 {
    let content = Content::Generated { seed: 1, size };
    let message =
        MessageSpec { content, flags: Vec::new(), keywords: Vec::new(), internal_date: 1_500_000_000 };
    let server = server(&AccountSpec { folders: vec![FolderSpec::new(&["INBOX"], vec![message])] });
    // `time` is not everywhere: the kernel's own figure is read until the process is gone.
    let mut child = import(&server).spawn().unwrap();
    let mut peak = 0;
    let path = format!("/proc/{}/status", child.id());
    while child.try_wait().unwrap().is_none() {
        let Ok(file) = std::fs::File::open(&path) else { break };
        for line in BufReader::new(file).lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix("VmHWM:") {
                peak = peak.max(rest.trim().trim_end_matches(" kB").trim().parse().unwrap());
            }
        }
    }
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["verdict"], "complete", "{report:#}");
    assert!(report["totals"]["bytes"].as_u64().unwrap() >= size as u64);
    peak
}

#[test]
fn a_message_of_500_mb_costs_no_more_memory_than_a_small_one() {
    let (small, large) = (peak_of(5_000), peak_of(500_000_000));
    eprintln!("peak resident memory: {small} KiB for 5 kB, {large} KiB for 500 MB");
    // The buffers between network and disk hold 4 MiB a connection; a body held whole would show as 488,000.
    assert!(large < small + 32 * 1024, "{small} KiB and {large} KiB");
}
