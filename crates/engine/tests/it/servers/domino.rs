//! Domino separates levels by `\`, writes Message-IDs of its own into what it hands over, and cannot search by date.

use testkit::scripted::{Answer, Message, Script, VirtualAccount};

use super::{Folder, letter};
use super::{assert_nothing_more_comes, files, octets, serve_account};

#[tokio::test(flavor = "multi_thread")]
async fn backslashes_separate_message_ids_mean_nothing_and_dates_are_compared_here() {
    // Twins but for one word: what Domino makes of two messages with one Message-ID.
    let twin =
        |word: &str| format!("Message-ID: <OF1@notes>\r\nSubject: minutes\r\n\r\n{word}\r\n").into_bytes();
    let mut old = Message::new(1, &letter("INBOX", 1));
    old.internal_date = 1_200_000_000;
    let inbox = vec![old, Message::new(2, &twin("first")), Message::new(3, &twin("second"))];
    let archive = vec![Message::new(1, &twin("first"))];
    let mut account = VirtualAccount::new(vec![
        Folder::new("INBOX", inbox),
        Folder::new("Projekte", Vec::new()),
        Folder::new("Projekte\\2017\\Ein/Aus", archive),
    ]);
    account.delimiter = '\\';
    let script = Script::default().on("UID SEARCH", |_| Answer::text("* SEARCH\r\n{tag} OK done\r\n"));
    let (server, mut rig) = serve_account(account, script);
    rig.selection.since = Some("2010-01-01".parse().unwrap());
    let report = rig.import_all().await;
    assert_eq!((files(&rig), report.totals.imported, report.totals.skipped), (3, 3, 1));
    assert_eq!(octets(&rig, "INBOX"), [twin("first"), twin("second")]);
    // A file system has no `/` in a name.
    assert_eq!(octets(&rig, "Projekte/2017/Ein_Aus"), [twin("first")]);

    for folder in &mut server.account().folders {
        for message in &mut folder.messages {
            let text = String::from_utf8(message.bytes.clone()).unwrap();
            message.bytes = text.replace("<OF1@notes>", "<OF2@notes>").into_bytes();
        }
    }
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
