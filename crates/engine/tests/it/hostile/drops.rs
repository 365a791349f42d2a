//! Connections that end, or fall silent, in the middle of an answer: another one brings the rest, and what was half is
//! neither kept nor left lying about.

use std::time::Duration;

use testkit::scripted::{Answer, Command, Script};

use super::{serve, twice_is_once};
use crate::rig::assert_balanced;
use crate::servers::{asks_for_bodies, assert_holds, folder, is_about, letter};

const WHOLE: &str = "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"01-Jan-2020 00:00:00 +0000\" BODY[] ";

/// How much of an answer to a FETCH of the first messages comes.
fn beginnings() -> Vec<(&'static str, String)> {
    let first = String::from_utf8(letter("INBOX", 1)).unwrap();
    let size = first.len();
    let whole = format!("{WHOLE}{{{size}}}\r\n{first})\r\n");
    let cut = |before_end: usize| whole[..whole.len() - before_end].to_owned();
    vec![
        ("nothing", String::new()),
        ("half a word", "* 1 FET".to_owned()),
        ("half a list", "* 1 FETCH (UID 1 FLAGS (".to_owned()),
        ("the announcement of a body", format!("{WHOLE}{{{size}}}\r\n")),
        ("half a body", cut(20)),
        ("all but the end of the list", cut(3)),
        ("all but the line's end", cut(2)),
        ("all but the line feed", cut(1)),
        ("one message", whole.clone()),
        ("one message and half of another", format!("{whole}* 2 FETCH (UID 2 BODY[] {{400}}\r\nhalf")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_in_an_answer_is_replaced_and_nothing_is_lost_or_doubled() {
    type Ending = fn(&str) -> Answer;
    let endings: [(&str, Ending); 3] = [
        ("the end", |said| Answer::SendAndClose(said.as_bytes().to_vec())),
        ("a goodbye", |said| {
            Answer::SendAndClose(format!("{said}\r\n* BYE server is going down\r\n").into_bytes())
        }),
        ("silence", |said| Answer::SendAndFallSilent(said.as_bytes().to_vec())),
    ];
    for (how, ending) in endings {
        for (after, said) in beginnings() {
            let script = Script::default().on("UID FETCH", move |command: &Command| {
                match command.connection == 1 && asks_for_bodies(command) {
                    true => ending(&said),
                    false => Answer::Usual,
                }
            });
            let (server, mut rig) = serve(vec![folder("INBOX", 5), folder("Work", 2)], script);
            rig.settings.connections = 1;
            rig.settings.client.timeouts.reply = Duration::from_millis(200);
            let report = rig.import_all().await;
            assert_eq!(report.totals.imported, 7, "{how} after {after}: {report:#?}");
            assert_holds(&rig, "INBOX", "INBOX", 1..=5);
            assert_holds(&rig, "Work", "Work", 1..=2);
            assert_eq!(server.connections(), 2, "{how} after {after}");
            twice_is_once(&rig).await;
            server.finish();
        }
    }
}

/// The message that makes a server fall over is found by halves, on as many connections as it takes.
#[tokio::test(flavor = "multi_thread")]
async fn the_one_message_that_ends_each_connection_is_left_behind_alone() {
    for (how, answer) in [
        ("the end", Answer::SendAndClose(Vec::new())),
        (
            "silence in its body",
            Answer::SendAndFallSilent(b"* 7 FETCH (UID 7 BODY[] {9000}\r\nhalf".to_vec()),
        ),
    ] {
        let script = Script::default().on("UID FETCH", move |command: &Command| {
            match asks_for_bodies(command) && is_about(command, 7) {
                true => answer.clone(),
                false => Answer::Usual,
            }
        });
        let (server, mut rig) = serve(vec![folder("INBOX", 9), folder("Work", 2)], script);
        rig.settings.connections = 1;
        rig.settings.patience = Duration::from_secs(120);
        rig.settings.client.timeouts.reply = Duration::from_millis(200);
        let report = rig.import().await;
        assert_balanced(&report);
        assert_eq!(crate::servers::missed(&report), [("INBOX", Some(7), "unreadable")], "{how}: {report:#?}");
        assert_holds(&rig, "INBOX", "INBOX", [1, 2, 3, 4, 5, 6, 8, 9]);
        assert_holds(&rig, "Work", "Work", 1..=2);
        rig.assert_clean();
        server.finish();
    }
}
