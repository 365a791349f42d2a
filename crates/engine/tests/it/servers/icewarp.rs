//! IceWarp and Kopano: no size, and the date that their software counts days from, for messages that have no other.

use testkit::scripted::{Folder, Message, Script};

use super::{assert_nothing_more_comes, serve, stored};

#[tokio::test(flavor = "multi_thread")]
async fn a_date_of_1899_is_replaced_by_received_then_date_then_the_day_it_was_first_seen() {
    let texts = [
        "Received: from a by b;\r\n\tSat, 29 Feb 2020 12:00:00 +0100\r\nDate: Fri, 28 Feb 2020 12:00:00 +0100\r\n\r\n1\r\n",
        "Subject: two\r\nDate: Fri, 28 Feb 2020 12:00:00 +0100\r\n\r\n2\r\n",
        "Subject: three\r\n\r\n3\r\n",
        "Subject: four\r\nDate: Fri, 28 Feb 2020 12:00:00 +0100\r\n\r\n4\r\n",
    ];
    let message = |(uid, text): (u32, &str)| {
        let date = if uid == 4 { "17-Jul-1996 02:44:25 -0700" } else { "30-Dec-1899 00:00:00 +0000" };
        let mut message = Message::new(uid, text.as_bytes());
        let line = format!(
            "{uid} FETCH (UID {uid} FLAGS () INTERNALDATE \"{date}\" RFC822.SIZE NIL BODY[] {{{}}}\r\n{text})",
            text.len()
        );
        message.response = Some(line.into_bytes());
        message
    };
    let inbox = (1..).zip(texts).map(message).collect();
    let (server, rig) = serve(vec![Folder::new("INBOX", inbox)], Script::default());
    let before = jiff::Timestamp::now().as_second();
    let report = rig.import_all().await;
    let after = jiff::Timestamp::now().as_second();
    let files = stored(&rig, "INBOX");
    assert!(files.iter().map(|file| file.octets.as_slice()).eq(texts.iter().map(|text| text.as_bytes())));
    let dates: Vec<_> = files.iter().map(|file| file.date).collect();
    assert_eq!([dates[0], dates[1], dates[3]], [1_582_974_000, 1_582_887_600, 837_596_665]);
    assert!((before..=after).contains(&dates[2]), "{}", dates[2]);
    let notes: Vec<_> = report.notes.iter().map(|note| (note.class.as_str(), note.uids.as_str())).collect();
    assert_eq!(notes, [("date_adjusted", "1:3")]);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
