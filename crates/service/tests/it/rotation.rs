//! A new sealing key: nothing that was kept is lost, and the old key opens nothing any more.

use service::{Error, Service, Settings, rotate_key};
use std::sync::Arc;

use mailhost::{MaildirTree, TreeOptions};
use service::model::{EntryState, NoticeWishes};

use crate::rig::{Place, Rig, entry, on_both_databases, open_service};

on_both_databases! {
    everything_kept_opens_with_the_new_key_alone
}

async fn everything_kept_opens_with_the_new_key_alone(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let added = rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    rig.service.begin_totp(&alice).await.unwrap();
    let webhook = NoticeWishes { email: true, webhook: Some("https://example.org/hook".into()) };
    rig.service.set_notices(&alice, webhook).await.unwrap().unwrap();
    let key = rig.directory.path().join("sealing.key");
    let old = std::fs::read_to_string(&key).unwrap();

    let sealed = rotate_key(&*place.open().await, &key).await.unwrap();
    assert_eq!(sealed, 4, "two passwords, a second factor and a webhook's secret");
    let new = std::fs::read_to_string(&key).unwrap();
    assert_eq!(new.lines().count(), 1);
    assert_ne!(new, old);

    let service = open_service(place, rig.directory.path(), |_| {}).await;
    // A field left empty is read from the row: it opens.
    let unchanged = service::model::NewEntry { password: None, mailbox_password: None, ..entry("bob") };
    let edited = service.edit_entry(&alice, added.id, added.revision, unchanged).await.unwrap();
    assert_eq!((edited.state, edited.has_password), (EntryState::Queued, true));
    let again = service.add_entry(&alice, domain, entry("bob")).await;
    assert!(matches!(again, Err(Error::Invalid(_))), "the same entry is still known: {again:?}");

    let service = with_key(place, &rig, &old).await;
    let unchanged = service::model::NewEntry { password: None, mailbox_password: None, ..entry("bob") };
    let refused = service.edit_entry(&alice, added.id, edited.revision, unchanged).await;
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
}

/// A service that has the old key only.
async fn with_key(place: &Place, rig: &Rig, text: &str) -> Service {
    use std::os::unix::fs::PermissionsExt;
    let path = rig.directory.path().join("old.key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let host = MaildirTree::open(&rig.directory.path().join("mail"), TreeOptions::default()).unwrap();
    Service::open(
        Settings::new(service::SealingKey::File(path), crate::rig::network(&[])),
        place.open().await,
        Arc::new(host),
    )
    .await
    .unwrap()
}
