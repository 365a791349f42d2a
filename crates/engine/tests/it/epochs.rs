//! UIDVALIDITY changes at the source: no duplicate, no loss, and what the customer deleted stays deleted.

use testkit::judge::Mapping;
use testkit::scripted::{Folder, Message, Script, Scripted, VirtualAccount};

use crate::rig::{Rig, assert_balanced};

fn bodies() -> Vec<Message> {
    // Two of them are identical: they are two messages.
    (1..=9)
        .map(|uid| {
            Message::new(
                uid,
                format!("Subject: {}\r\n\r\nbody\r\n", if uid == 5 { 4 } else { uid }).as_bytes(),
            )
        })
        .collect()
}

fn scripted() -> Scripted {
    Scripted::start(VirtualAccount::new(vec![Folder::new("INBOX", bodies())]), Script::default()).unwrap()
}

fn renumber(server: &Scripted, uid_validity: u32, shift: u32) {
    let mut account = server.account();
    let inbox = account.folder("INBOX").unwrap();
    inbox.uid_validity = uid_validity;
    for message in &mut inbox.messages {
        message.uid += shift;
    }
    inbox.messages.push(Message::new(shift + 50, format!("Subject: new {shift}\r\n\r\nnew\r\n").as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_numbered_anew_are_carried_over_as_a_multiset() {
    let server = scripted();
    let mut rig = Rig::start();
    rig.source = server.addr();
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 9);
    let mut bob = rig.bob();
    bob.select("INBOX").unwrap();
    bob.expunge("2").unwrap();
    drop(bob);
    renumber(&server, 77, 100);
    let report = rig.import_all().await;
    let totals = report.totals;
    assert_eq!((totals.imported, totals.already_there, totals.removed_by_user), (1, 8, 1), "{report:#?}");
    let again = rig.import_all().await.totals;
    assert_eq!((again.imported, again.already_there, again.removed_by_user), (0, 9, 1));
    // And back once more: rows of two older epochs, every message matched once.
    renumber(&server, 78, 200);
    let third = rig.import_all().await.totals;
    assert_eq!((third.imported, third.already_there, third.removed_by_user), (1, 9, 1));
    assert_eq!(rig.bob().fetch_all("INBOX").unwrap().len(), 10);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_imported_before_arrived_in_order() {
    let server = scripted();
    let mut rig = Rig::start();
    rig.source = server.addr();
    assert_balanced(&rig.import_all().await);
    rig.judge(&Mapping::identity());
    server.finish();
}
