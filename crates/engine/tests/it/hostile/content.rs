//! What stands in a message, and what is told of it: content that breaks every rule arrives as it is, and dates, flags and
//! sizes without sense do not cost the message.

use engine::report::Verdict;
use testkit::scripted::{Folder, Message, Script};

use super::{MESSAGES, ODD, fetches, messages, serve, text, twice};

#[tokio::test(flavor = "multi_thread")]
async fn content_that_breaks_the_rules_arrives_as_it_is() {
    let long = format!("Subject: {}\r\n\r\nbody\r\n", "x".repeat(1 << 20));
    let contents: [&[u8]; 9] = [
        b"Subject: a NUL\r\n\r\nbefore\0after\r\n",
        b"Subject: a bare CR\r\n\r\nbefore\rafter\r\n",
        b"Subject: bare LFs\n\nbody\n",
        b"Subject: mixed\r\n\r\none\ntwo\r\nthree\rfour\n\r\n",
        b"Subject: 8 bit \xe4\xf6\xfc\xff\r\n\r\n\xde\xad\xbe\xef",
        b"no header at all",
        b"\r\n",
        b"",
        long.as_bytes(),
    ];
    let messages = (1..).zip(contents).map(|(uid, content)| Message::new(uid, content)).collect();
    let (server, rig) = serve(vec![Folder::new("INBOX", messages)], Script::default());
    let report = twice(&rig).await;
    assert_eq!((report.totals.listed, report.totals.imported), (9, 9), "{report:#?}");
    let mut arrived: Vec<Vec<u8>> = rig.files().keys().map(|path| std::fs::read(path).unwrap()).collect();
    let mut sent: Vec<Vec<u8>> = contents.iter().map(|content| content.to_vec()).collect();
    arrived.sort();
    sent.sort();
    assert_eq!(arrived, sent);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_makes_no_sense_does_not_cost_the_message() {
    let keywords = (0..500).map(|number| format!("Keyword{number}")).collect::<Vec<_>>().join(" ");
    let long = "k".repeat(10_000);
    let size = text(ODD).len();
    for (what, flags, date, told) in [
        ("year 0", "", "\"01-Jan-0000 00:00:00 +0000\"", size.to_string()),
        ("year 9999", "", "\"31-Dec-9999 23:59:59 +0000\"", size.to_string()),
        ("a zone that is none", "", "\"01-Jan-2020 00:00:00 +9999\"", size.to_string()),
        ("a date that is none", "", "\"32-Foo-2020 25:61:00 +0000\"", size.to_string()),
        ("no date", "", "NIL", size.to_string()),
        ("500 keywords", keywords.as_str(), "\"01-Jan-2020 00:00:00 +0000\"", size.to_string()),
        ("a long keyword", long.as_str(), "\"01-Jan-2020 00:00:00 +0000\"", size.to_string()),
        (
            "a flag that breaks the line",
            "{9}\r\n$A\r\n:2,ST \"$B\\r:2,\"",
            "\"01-Jan-2020 00:00:00 +0000\"",
            size.to_string(),
        ),
        ("flags that are none", "\\ \\* $ a/b ../c :2,S", "\"01-Jan-2020 00:00:00 +0000\"", size.to_string()),
        ("a size of one", "", "\"01-Jan-2020 00:00:00 +0000\"", "1".to_owned()),
        ("a size beyond everything", "", "\"01-Jan-2020 00:00:00 +0000\"", u64::MAX.to_string()),
        ("no size", "", "\"01-Jan-2020 00:00:00 +0000\"", "NIL".to_owned()),
    ] {
        let head = format!("* 3 FETCH (UID 3 FLAGS ({flags}) INTERNALDATE {date} RFC822.SIZE {told}");
        let odd = move |body| match body {
            true => format!("{head} BODY[] {{{size}}}\r\n{})\r\n", text(ODD)),
            false => format!("{head})\r\n"),
        };
        let (server, rig) = serve(vec![Folder::new("INBOX", messages(MESSAGES))], fetches(odd));
        let report = twice(&rig).await;
        assert_eq!(report.totals.imported, u64::from(MESSAGES), "{what}: {report:#?}");
        assert_ne!(report.verdict, Verdict::Incomplete, "{what}: {report:#?}");
        let arrived = rig.bob().fetch_all("INBOX").unwrap();
        assert!(
            arrived.iter().any(|message| message.bytes.as_deref() == Some(text(ODD).as_bytes())),
            "{what}"
        );
        server.finish();
    }
}
