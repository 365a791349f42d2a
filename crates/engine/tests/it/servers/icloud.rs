//! iCloud refuses LIST with RETURN although it knows what each folder is for, and lists messages that it does not have.

use testkit::scripted::{Answer, Script, VirtualAccount};

use super::{
    assert_holds, assert_nothing_more_comes, files, folder, lists_everything, serve_account, with_attributes,
};

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_listed_and_not_there_are_told_and_cost_nothing() {
    let script = Script::default()
        .on("LIST", |command| match command.arguments.contains("RETURN") {
            true => Answer::text("{tag} BAD Parse Error\r\n"),
            false => Answer::Usual,
        })
        .on("UID FETCH", |command| {
            match lists_everything(command) && command.folder.as_deref() == Some("INBOX") {
                true => Answer::SendThenUsual(
                    b"* 6 FETCH (UID 17 FLAGS (\\Seen))\r\n* 7 FETCH (FLAGS () UID 23)\r\n".to_vec(),
                ),
                false => Answer::Usual,
            }
        });
    let mut account = VirtualAccount::new(vec![
        folder("INBOX", 5),
        with_attributes(folder("Deleted Messages", 1), &["\\Trash"]),
        with_attributes(folder("Sent Messages", 2), &["\\Sent"]),
    ]);
    account.capability = "IMAP4rev1 SPECIAL-USE ID UIDPLUS NAMESPACE AUTH=PLAIN XAPPLEPUSHSERVICE".to_owned();
    let (server, rig) = serve_account(account, script);
    let report = rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=5);
    assert_holds(&rig, "Trash", "Deleted Messages", 1..=1);
    assert_holds(&rig, "Sent", "Sent Messages", 1..=2);
    assert_eq!((files(&rig), report.totals.phantom), (8, 2));
    let notes: Vec<_> = report.notes.iter().map(|note| (note.class.as_str(), note.uids.as_str())).collect();
    assert_eq!(notes, [("phantom", "17,23")]);
    assert_nothing_more_comes(&rig).await;
    server.finish();
}
