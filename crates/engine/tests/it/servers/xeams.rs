//! Xeams closes the list of a FETCH right after the body and tells the rest outside of it.

use testkit::scripted::Script;

use super::{assert_holds, assert_nothing_more_comes, folder, serve, stored};

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_outside_the_list_belongs_to_the_message() {
    let mut inbox = folder("INBOX", 6);
    for message in &mut inbox.messages {
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        let (uid, size) = (message.uid, text.len());
        let rest = "FLAGS (\\Seen) INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
        let (inside, outside) = match uid % 3 {
            0 => (format!("UID {uid} RFC822.SIZE {size}"), format!(") {rest})")),
            1 => (format!("RFC822.SIZE {size}"), format!(") UID {uid} {rest})")),
            // The rest on a line of its own, which belongs to nothing.
            _ => (format!("UID {uid} {rest} RFC822.SIZE {size}"), ")\r\n FLAGS (\\Seen))".to_owned()),
        };
        let line = format!("{uid} FETCH ({inside} BODY[] {{{size}}}\r\n{text}{outside}");
        message.response = Some(line.into_bytes());
    }
    let (server, rig) = serve(vec![inbox, folder("Work", 2)], Script::default());
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=6);
    assert_holds(&rig, "Work", "Work", 1..=2);
    for file in stored(&rig, "INBOX") {
        assert_eq!((file.flags.as_str(), file.date), ("S", 1_577_836_800));
    }
    assert_eq!(server.connections(), 1);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
