//! Answers without an end: each meets a bound, ends its connection, and costs at most the message or folder it is about.

use engine::account::Compression;
use engine::report::Verdict;
use testkit::scripted::{Answer, Command, Flood, Script, Scripted};

use super::{Refusals, account, serve};
use crate::rig::assert_balanced;
use crate::servers::{asks_for_bodies, assert_holds, folder, is_about, lists_everything, missed};

/// Everything that may come again and again.
const AGAIN: [(&str, &str); 9] = [
    ("words", "* OK still here\r\n"),
    ("numbers", "* {n} EXISTS\r\n"),
    ("tags", "m999999 OK who?\r\n"),
    ("nonsense", "nonsense\r\n"),
    ("empty lines", "\r\n"),
    ("requests for more", "+ \r\n"),
    ("one line", "x"),
    ("a line that has begun", "* OK x"),
    ("open lists", "* XYZZY ("),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_comes_to_the_point_is_left() {
    let mut refusals = Refusals::begin();
    let limits = &mut refusals.rig.settings.client.limits;
    (limits.unasked, limits.skip, limits.folders) = (2_000, 1 << 20, 1_000);
    for command in ["CAPABILITY", "LOGIN", "ID", "NAMESPACE", "LIST", "LSUB", "STATUS"] {
        for (what, again) in AGAIN.into_iter().chain([
            ("folders", "* LIST () \"/\" \"folder {n}\"\r\n"),
            ("numbers of folders", "* STATUS \"folder {n}\" (MESSAGES 1)\r\n"),
        ]) {
            let script = Script::default().on(command, move |_| Answer::Flood(Flood::endless("", again)));
            let mut account = account();
            account.capability = "IMAP4rev1 ID NAMESPACE".to_owned();
            let server = Scripted::start(account, script).unwrap();
            let what = format!("{what} in answer to {command}");
            // Many STATUS are on the wire together: none of them is the one that is asked on.
            let class = if again.starts_with('+') && command != "STATUS" { "protocol" } else { "limit" };
            refusals.assert_ends(&what, &server, class).await;
            server.finish();
        }
    }
    refusals.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_brings_no_end_is_left_behind_alone() {
    for (what, first, again) in [
        ("words", "", "* OK still here\r\n"),
        ("messages that nobody asked for", "", "* {n} FETCH (UID 999999 BODY[] {2}\r\nhi)\r\n"),
        ("its flags", "", "* 3 FETCH (UID 3 FLAGS (\\Seen))\r\n"),
        ("expunged messages", "", "* 1 EXPUNGE\r\n"),
        ("one line", "* 3 FETCH (UID 3 FLAGS (", "flag "),
        ("a literal in its flags", "* 3 FETCH (UID 3 FLAGS ({9000000000}\r\n", "flag "),
        ("requests for more", "", "+ \r\n"),
    ] {
        let flood = Flood::endless(first, again);
        let script = Script::default().on("UID FETCH", move |command: &Command| {
            match asks_for_bodies(command) && is_about(command, 3) {
                true => Answer::Flood(flood.clone()),
                false => Answer::Usual,
            }
        });
        let (server, mut rig) = serve(vec![folder("INBOX", 3), folder("Work", 2)], script);
        rig.settings.connections = 1;
        let limits = &mut rig.settings.client.limits;
        (limits.unasked, limits.skip) = (2_000, 1 << 20);
        let report = rig.import().await;
        assert_balanced(&report);
        assert_eq!(missed(&report), [("INBOX", Some(3), "unreadable")], "{what}: {report:#?}");
        assert_holds(&rig, "INBOX", "INBOX", 1..=2);
        assert_holds(&rig, "Work", "Work", 1..=2);
        rig.assert_clean();
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_brings_no_end_is_reported_and_the_others_arrive() {
    let keyword = "k".repeat(900);
    let many = format!("* {{n}} FETCH (UID 1 FLAGS ({{n}}{keyword}))\r\n");
    for (command, what, again) in [
        ("EXAMINE", "words", "* OK still here\r\n"),
        ("EXAMINE", "messages", "* {n} FETCH (FLAGS ())\r\n"),
        ("UID FETCH", "the same message", "* 1 FETCH (UID 1 FLAGS ())\r\n"),
        ("UID FETCH", "messages without a number", "* 1 FETCH (FLAGS ())\r\n"),
        ("UID FETCH", "ever more messages", "* 1 FETCH (UID 1{n} FLAGS ())\r\n"),
        ("UID FETCH", "ever other flags", many.as_str()),
    ] {
        let flood = Flood::endless("", again);
        let script = Script::default().on(command, move |command: &Command| {
            let opens = command.arguments.contains("Endless");
            match opens || (command.folder.as_deref() == Some("Endless") && lists_everything(command)) {
                true => Answer::Flood(flood.clone()),
                false => Answer::Usual,
            }
        });
        let (server, mut rig) =
            serve(vec![folder("INBOX", 3), folder("Endless", 2), folder("Work", 2)], script);
        rig.settings.client.limits.unasked = if what == "ever other flags" { 20_000 } else { 2_000 };
        let report = rig.import().await;
        assert_eq!((report.verdict, &report.error), (Verdict::Incomplete, &None), "{what}: {report:#?}");
        assert_balanced(&report);
        assert_eq!(missed(&report), [("Endless", None, "folder_unavailable")], "{what}: {report:#?}");
        assert!(report.exceptions[0].message.contains("exceeded the limit"), "{what}: {report:#?}");
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&rig, "Work", "Work", 1..=2);
        rig.assert_clean();
        server.finish();
    }
}

/// A block of DEFLATE that stands for itself and can be repeated: some 1,000 times as much when it is unpacked.
fn bomb() -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    // Long lines: few to look at.
    let line = format!("* OK {}\r\n", "x".repeat(20_000));
    encoder.write_all(line.repeat(100).as_bytes()).unwrap();
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decompression_bomb_ends_the_import_and_not_the_memory() {
    let mut refusals = Refusals::begin();
    refusals.rig.settings.compression = Compression::On;
    let first = b"{tag} OK go on\r\n".to_vec();
    let flood = Flood { first, again: bomb(), times: u64::MAX, last: Vec::new() };
    let script = Script::default().on("COMPRESS", move |_| Answer::Flood(flood.clone()));
    let mut account = account();
    account.capability = "IMAP4rev1 ID COMPRESS=DEFLATE".to_owned();
    let server = Scripted::start(account, script).unwrap();
    let report = refusals.assert_ends("a bomb", &server, "limit").await;
    assert!(report.error.unwrap().message.contains("compression ratio"));
    server.finish();
    refusals.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_that_is_offered_and_refused_is_done_without() {
    for answer in ["{tag} NO [COMPRESSIONACTIVE] TLS does it\r\n", "{tag} BAD what?\r\n"] {
        let script = Script::default().on("COMPRESS", move |_| Answer::text(answer));
        let mut account = account();
        account.capability = "IMAP4rev1 COMPRESS=DEFLATE".to_owned();
        let (server, mut rig) = crate::servers::serve_account(account, script);
        rig.settings.compression = Compression::On;
        rig.import_all().await;
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&rig, "Work", "Work", 1..=2);
        super::twice_is_once(&rig).await;
        server.finish();
    }
}
