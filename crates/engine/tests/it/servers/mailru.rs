//! mail.ru and others: spaces where none may be and none where one must be, NIL where it is forbidden, octets above 127 in
//! quoted strings, and responses and codes that no document knows.

use engine::report::Verdict;
use testkit::scripted::{Answer, Folder, Script};

use super::{assert_holds, assert_nothing_more_comes, files, folder, missed, serve, stored, with_attributes};
use crate::rig::assert_balanced;

/// INBOX with eight odd responses; the last one of them cannot be made sense of.
fn inbox() -> Folder {
    let mut inbox = folder("INBOX", 8);
    for message in &mut inbox.messages {
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        let (uid, size) = (message.uid, text.len());
        let date = "INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
        let body = format!("BODY[] {{{size}}}\r\n{text}");
        let line = match uid {
            1 => format!("{uid}  FETCH  (  UID  {uid}  FLAGS  (\\Seen  )  {date}   {body}  )  "),
            2 => format!("{uid} FETCH (UID {uid} FLAGS(\\Seen){date} {body})"),
            3 => format!("{uid} FETCH (UID {uid} FLAGS NIL {date} RFC822.SIZE NIL {body})"),
            4 => format!(
                "{uid} FETCH (UID {uid} X-MAILRU (NIL (\"пи\" {{2}}\r\nab)) FLAGS (\\Seen) {date} {body})"
            ),
            5 => format!("{uid} FETCH (UID {uid} ENVELOPE (\"тема\" NIL) FLAGS () {date} {body})"),
            6 => format!(
                "{uid} fetch (uid {uid} flags (\\SEEN) internaldate \"1-jan-2020 00:00:00 +0000\" {})",
                body.replacen("BODY", "body", 1)
            ),
            7 => format!("{uid} FETCH (UID {uid} FLAGS (\\Seen) {date} BODY[]  {{{size}}}\r\n{text})"),
            _ => format!("{uid} FETCH (UID {uid} FLAGS (\\Seen {date} {body}"),
        };
        message.response = Some(line.into_bytes());
    }
    inbox
}

#[tokio::test(flavor = "multi_thread")]
async fn every_oddity_is_read_and_the_one_broken_response_costs_one_message() {
    let script = Script::default()
        .on("LIST", |_| Answer::SendThenUsual(b"* XSTATE (\"/\" {3}\r\nabc NIL)\r\n".to_vec()))
        .on("EXAMINE", |_| {
            Answer::SendThenUsual(
                b"* OK [XUNREAD 3 (NIL] \xd0\xbf\xd0\xb8\xd1\x81\xd1\x8c\xd0\xbc\xd0\xbe\r\n* 4 RECENTISH\r\n*  OK  [X-Y]\r\n".to_vec(),
            )
        })
        .on("UID FETCH", |_| Answer::SendThenUsual(b"* OK [KEEPALIVE] wait\r\n* XPROGRESS 50\r\n".to_vec()));
    let raw = with_attributes(folder("Проект", 2), &["\\HasNoChildren"]);
    let sent = with_attributes(folder("&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", 1), &["\\Sent"]);
    let (server, rig) = serve(vec![inbox(), raw, sent], script);
    let report = rig.import().await;
    assert_balanced(&report);
    assert_eq!(missed(&report), [("INBOX", Some(8), "unreadable")], "{report:#?}");
    assert_eq!(report.verdict, Verdict::CompleteWithExceptions);
    assert_holds(&rig, "INBOX", "INBOX", 1..=7);
    assert_holds(&rig, "Проект", "Проект", 1..=2);
    assert_holds(&rig, "Sent", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", 1..=1);
    let facts: Vec<_> = stored(&rig, "INBOX").into_iter().map(|file| (file.flags, file.date)).collect();
    let flags: Vec<_> = facts.iter().map(|(flags, _)| flags.as_str()).collect();
    assert_eq!(flags, ["S", "S", "", "S", "", "S", "S"]);
    assert!(facts.iter().all(|(_, date)| *date == 1_577_836_800), "{facts:?}");
    assert_eq!((files(&rig), server.connections()), (10, 1));
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
