//! Servers that aim at the memory: the program's peak, read from the kernel, stays below that of an ordinary import and
//! 64 MiB more, whatever they send. The figures are printed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use testkit::scripted::{self, Answer, Flood, Folder, Message, Script, Scripted, VirtualAccount};

/// What a server may cost above an ordinary import, in KiB.
const BOUND: u64 = 64 * 1024;

fn account() -> VirtualAccount {
    let message = |uid| Message::new(uid, format!("Subject: {uid}\r\n\r\nbody\r\n").as_bytes());
    let folder = |name| Folder::new(name, (1..=5).map(message).collect());
    let mut account = VirtualAccount::new(vec![folder("INBOX"), folder("Work")]);
    account.capability = "IMAP4rev1 LITERAL+ ID NAMESPACE COMPRESS=DEFLATE".to_owned();
    account
}

/// The largest resident set of a process until its end, in KiB: the kernel's own figure is read until the process is gone.
fn peak_of(child: &mut Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let figure = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let figure = figure.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok());
        peak = peak.max(figure.unwrap_or(0));
    }
    peak
}

/// What an import costs and how it ends: exit status, class of the error, how many messages arrived.
#[derive(Debug)]
struct Run {
    peak: u64,
    code: Option<i32>,
    class: Option<String>,
    imported: u64,
}

fn import(server: &Scripted, maildir: &Path, patience: u32) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailimport"))
        .arg("import")
        .arg(format!("imap://alice@{}", server.addr()))
        .arg(format!("maildir:{}", maildir.join("Maildir").display()))
        .args(["--allow-plaintext", "--compress", "--connections", "1", "--format", "json"])
        .args(["--patience", &patience.to_string()])
        .env("MAILIMPORT_SOURCE_PASSWORD", "pw")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let peak = peak_of(&mut child);
    let code = child.wait().unwrap().code();
    let report: serde_json::Value = serde_json::from_str(&reading.join().unwrap()).unwrap();
    Run {
        peak,
        code,
        class: report["error"]["class"].as_str().map(str::to_owned),
        imported: report["totals"]["imported"].as_u64().unwrap(),
    }
}

fn flood(first: &str, again: &str, times: u64, last: &str) -> Answer {
    let octets = |text: &str| text.as_bytes().to_vec();
    Answer::Flood(Flood { first: octets(first), again: octets(again), times, last: octets(last) })
}

fn endless(first: &str, again: &str) -> Answer {
    flood(first, again, u64::MAX, "")
}

/// Says this to each command of that name.
fn on(command: &str, answer: Answer) -> Script {
    Script::default().on(command, move |_| answer.clone())
}

/// Says this when bodies are asked for, if the third message is among them.
fn on_third(answer: Answer) -> Script {
    Script::default().on("UID FETCH", move |command: &scripted::Command| {
        let set: &str = command.arguments.split(' ').next().unwrap();
        let asked =
            ["1:5", "1:3", "2:3", "3", "3:4", "3:5"].contains(&set) && !command.arguments.contains("HEADER");
        match asked && command.arguments.contains("BODY") && command.folder.as_deref() == Some("INBOX") {
            true => answer.clone(),
            false => Answer::Usual,
        }
    })
}

/// A block of DEFLATE that stands for itself: some 1,000 times as much when it is unpacked.
fn bomb() -> Answer {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(" ".repeat(1 << 20).as_bytes()).unwrap();
    encoder.flush().unwrap();
    let again = encoder.get_ref().clone();
    Answer::Flood(Flood { first: b"{tag} OK go on\r\n".to_vec(), again, times: u64::MAX, last: Vec::new() })
}

const BLOCK: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Longer than it takes to find out what a server does.
const LONG: u32 = 600;

/// What comes of it: the class of the error that ends the import, or how many of the ten messages arrive.
type Expected = Result<u64, &'static str>;

/// No scenario takes more than the bound above an ordinary import, which waits so many seconds for what may heal.
fn assert_bounded(patience: u32, scenarios: Vec<(&str, Script, Expected)>) {
    let ordinary = measure("an ordinary import", Script::default(), patience);
    assert_eq!((ordinary.code, ordinary.imported), (Some(0), 10), "{ordinary:?}");
    for (what, script, expected) in scenarios {
        let run = measure(what, script, patience);
        assert_ne!(run.code, None, "{what}: it was killed");
        let ended = match &run.class {
            Some(class) => Err(class.as_str()),
            None => Ok(run.imported),
        };
        assert_eq!(ended, expected, "{what}: {run:?}");
        let more = run.peak.saturating_sub(ordinary.peak);
        assert!(more < BOUND, "{what}: {more} KiB above an ordinary import");
    }
}

#[test]
fn answers_without_an_end_cost_no_memory() {
    assert_bounded(
        LONG,
        vec![
            ("an endless greeting", Script::default().greets(endless("* OK ", BLOCK)), Err("limit")),
            ("an endless line in answer to a login", on("LOGIN", endless("* OK ", BLOCK)), Err("limit")),
            ("endless open lists", on("LIST", endless("* LIST (", "(((((((( ")), Err("limit")),
            ("endless + in a login", on("LOGIN", endless("", "+ \r\n")), Err("protocol")),
            ("endless untagged responses", on("LOGIN", endless("", "* OK still here\r\n")), Err("limit")),
            ("endless empty lines", on("LIST", endless("", "\r\n")), Err("limit")),
            ("a COMPRESS bomb", on("COMPRESS", bomb()), Err("limit")),
        ],
    );
}

#[test]
fn folders_and_names_without_number_cost_no_memory() {
    let long = format!("* LIST () \"/\" \"{{n}} {}\"\r\n", "x".repeat(60_000));
    let folders = flood("", "* LIST () \"/\" \"f {n}\"\r\n", 1_000_000, "");
    let quoted = flood("* LIST () \"/\" \"", BLOCK, 160_000, "\"\r\n* LIST () \"/\" INBOX\r\n{tag} OK\r\n");
    let literal = flood("* LIST () \"/\" {10240000}\r\n", BLOCK, 160_000, "\r\n{tag} OK\r\n");
    assert_bounded(
        LONG,
        vec![
            ("a million folders", on("LIST", folders), Err("limit")),
            ("names of 60 kB without an end", on("LIST", endless("", &long)), Err("limit")),
            ("a name of 10 MB", on("LIST", quoted), Ok(5)),
            ("a name of 10 MB as a literal", on("LIST", literal), Ok(5)),
            ("a name of 4 GB", on("LIST", endless("* LIST () \"/\" {4294967296}\r\n", BLOCK)), Err("limit")),
        ],
    );
}

#[test]
fn messages_of_any_size_cost_no_memory() {
    const DATE: &str = "INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
    const HEADER: u64 = 500_000_000;
    let body = |octets: u64| format!("* 3 FETCH (UID 3 FLAGS () {DATE} BODY[] {{{octets}}}\r\n");
    let header = format!("{}Subject: ", body(9 + HEADER));
    let rest: String = [1, 2, 4, 5]
        .map(|uid| format!("* {uid} FETCH (UID {uid} FLAGS () {DATE} BODY[] {{2}}\r\nhi)\r\n"))
        .concat();
    let header =
        flood(&header, BLOCK, HEADER / BLOCK.len() as u64, &format!(")\r\n{rest}{{tag}} OK done\r\n"));
    let flags = format!("* 3 FETCH (UID 3 {DATE} FLAGS (");
    assert_bounded(
        LONG,
        vec![
            ("a header line of 500 MB", on_third(header), Ok(10)),
            (
                "flags of 4 GB in a literal",
                on_third(endless(&format!("{flags}{{4294967296}}\r\n"), BLOCK)),
                Ok(9),
            ),
            ("flags without an end", on_third(endless(&flags, "keyword ")), Ok(9)),
        ],
    );
}

#[test]
fn a_body_of_4_gb_that_does_not_come_costs_no_memory() {
    let head = "* 3 FETCH (UID 3 FLAGS () BODY[] {4294967296}\r\n";
    let part = flood(head, BLOCK, 300_000_000 / BLOCK.len() as u64, "");
    // The same happens on each connection, until the patience is over.
    assert_bounded(3, vec![("a body of 4 GB of which 300 MB come", on_third(part), Err("timeout"))]);
}

#[test]
fn listings_without_an_end_cost_no_memory() {
    let many = format!("* {{n}} FETCH (UID 9{{n}} FLAGS ({{n}}{BLOCK}{BLOCK}))\r\n");
    assert_bounded(
        LONG,
        vec![
            ("endless messages", on_listing(endless("", "* 1 FETCH (UID 9{n} FLAGS ())\r\n")), Ok(5)),
            ("ever other flags", on_listing(endless("", &many)), Ok(5)),
        ],
    );
}

/// Says this when INBOX is listed.
fn on_listing(answer: Answer) -> Script {
    Script::default().on("UID FETCH", move |command: &scripted::Command| {
        match command.arguments.starts_with("1:*") && command.folder.as_deref() == Some("INBOX") {
            true => answer.clone(),
            false => Answer::Usual,
        }
    })
}

fn measure(what: &str, script: Script, patience: u32) -> Run {
    let server = Scripted::start(account(), script).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let run = import(&server, directory.path(), patience);
    eprintln!("{:>8} KiB, {:>6} ms: {what} ({run:?})", run.peak, begun.elapsed().as_millis());
    server.finish();
    run
}

/// The control: a process that does take memory is seen to.
#[test]
fn the_measurement_sees_what_a_process_takes() {
    // awk's string is doubled until it is 128 MiB long; awk itself is small.
    let program = "BEGIN { s = \"x\"; for (i = 0; i < 27; i++) s = s s; print length(s) }";
    let mut child = Command::new("awk").arg(program).stdout(Stdio::null()).spawn().unwrap();
    let peak = peak_of(&mut child);
    eprintln!("{peak} KiB for a string of 128 MiB");
    assert!(peak > BOUND, "{peak} KiB");
}
