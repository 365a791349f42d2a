//! hMailServer has no NAMESPACE, keeps everything below INBOX, and tells sizes that are not so.

use testkit::scripted::{Answer, Script, VirtualAccount};

use super::{assert_holds, assert_nothing_more_comes, files, folder, letter, serve_account};

#[tokio::test(flavor = "multi_thread")]
async fn the_prefix_is_seen_in_the_list_and_the_sizes_are_counted() {
    let mut inbox = folder("INBOX", 4);
    for (message, size) in inbox.messages.iter_mut().zip([0, 1, 999_999, u64::from(u32::MAX)]) {
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        let (uid, length) = (message.uid, text.len());
        let line = format!(
            "{uid} FETCH (UID {uid} FLAGS (\\Seen) INTERNALDATE \"01-Jan-2020 00:00:00 +0000\" \
             RFC822.SIZE {size} BODY[] {{{length}}}\r\n{text})"
        );
        message.response = Some(line.into_bytes());
    }
    let folders =
        vec![inbox, folder("INBOX.Sent Items", 1), folder("INBOX.Kunden", 2), folder("INBOX.Kunden.A", 1)];
    let mut account = VirtualAccount::new(folders);
    account.delimiter = '.';
    account.capability = "IMAP4 IMAP4rev1 CHILDREN IDLE QUOTA SORT ACL".to_owned();
    let script = Script::default().on("NAMESPACE", |_| Answer::text("{tag} BAD Unknown or NULL command\r\n"));
    let (server, rig) = serve_account(account, script);
    let report = rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=4);
    assert_holds(&rig, "Sent", "INBOX.Sent Items", 1..=1);
    assert_holds(&rig, "Kunden", "INBOX.Kunden", 1..=2);
    assert_holds(&rig, "Kunden/A", "INBOX.Kunden.A", 1..=1);
    assert_eq!((files(&rig), report.totals.imported), (8, 8));
    assert_eq!(report.folders[0].counts.bytes, 4 * letter("INBOX", 1).len() as u64);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
