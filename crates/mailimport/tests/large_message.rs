//! One enormous message costs no memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use testkit::factory::{AccountSpec, Content, FolderSpec, MessageSpec};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

/// Peak resident memory of a run, in KiB.
fn peak_of(size: usize) -> u64 {
    let content = Content::Generated { seed: 1, size };
    let message =
        MessageSpec { content, flags: Vec::new(), keywords: Vec::new(), internal_date: 1_500_000_000 };
    let server = Dovecot::start(&DovecotOptions::with_users([User::new("alice", "pw")])).unwrap();
    let account = AccountSpec { folders: vec![FolderSpec::new(&["INBOX"], vec![message])] };
    server.write_account("alice", &account).unwrap();
    let (uid, gid) = server.owner();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailimport"))
        .arg("import")
        .arg(format!("imap://alice@{}", server.plain()))
        .arg(format!("maildir:{}", server.mail_home("new").display()))
        .args(["--allow-plaintext", "--format", "json", "--mail-user", &format!("{uid}:{gid}")])
        .env("MAILIMPORT_SOURCE_PASSWORD", "pw")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // `time` is not everywhere: the kernel's own figure is read until the process is gone.
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
