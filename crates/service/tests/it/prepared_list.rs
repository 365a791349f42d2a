//! The prepared list: what is added, mended, removed, and what stands in the way of starting it.

use secrecy::SecretString;
use service::model::{EntryId, EntryState, NewEntry, RunId};
use service::{Conflict, Error, RunFilter, Watch};

use crate::rig::{Place, Rig, entry, on_both_databases};

on_both_databases! {
    an_entry_is_kept_as_typed_with_its_problems_and_mended
    a_password_field_left_empty_means_unchanged
    somebody_elses_typing_is_not_overwritten
    duplicates_and_conflicting_passwords_are_refused
    a_file_is_appended_as_a_whole_with_each_problem_at_its_row
    nothing_starts_while_an_entry_is_unverified
    removed_entries_are_told_to_pages_that_still_show_them
    nobody_sees_or_changes_what_is_anothers
}

fn codes(entry: &service::model::Entry) -> Vec<&str> {
    entry.problems.iter().map(|problem| problem.code.as_str()).collect()
}

async fn an_entry_is_kept_as_typed_with_its_problems_and_mended(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let wrong = NewEntry { mailbox_password: Some("weak".into()), server: "http://x".into(), ..entry("bob") };
    let added = rig.service.add_entry(&alice, domain, wrong).await.unwrap();
    assert_eq!(added.state, EntryState::Invalid);
    assert_eq!(added.server, "http://x");
    assert!(codes(&added).contains(&"mailbox_password_short"), "{:?}", added.problems);
    assert!(added.has_password && added.has_mailbox_password);
    let mended = rig.service.edit_entry(&alice, added.id, added.revision, entry("bob")).await.unwrap();
    assert_eq!((mended.state, codes(&mended)), (EntryState::Queued, vec![]));
    assert_eq!(rig.service.entry(&alice, added.id).await.unwrap(), mended);
    let empty = rig.service.add_entry(&alice, domain, NewEntry::default()).await;
    assert!(matches!(empty, Err(Error::Invalid(problems)) if problems[0].code == "entry_empty"));
}

async fn a_password_field_left_empty_means_unchanged(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let added = rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    for nothing in [None, Some(SecretString::from(""))] {
        let new = NewEntry { password: nothing.clone(), mailbox_password: nothing, ..entry("bob") };
        let known = rig.service.entry(&alice, added.id).await.unwrap();
        let edited = rig.service.edit_entry(&alice, added.id, known.revision, new).await.unwrap();
        assert_eq!(edited.state, EntryState::Queued, "{:?}", edited.problems);
        assert!(edited.has_password && edited.has_mailbox_password);
    }
    // Nothing that is read back holds a secret.
    let text = serde_json::to_string(&rig.entries(&alice, domain).await).unwrap();
    assert!(!text.contains("old password") && !text.contains("New-Password-1"), "{text}");
}

async fn somebody_elses_typing_is_not_overwritten(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let added = rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    let edit = |name: &str| NewEntry { username: name.into(), ..entry("bob") };
    rig.service.edit_entry(&alice, added.id, added.revision, edit("first@example.org")).await.unwrap();
    let late = rig.service.edit_entry(&alice, added.id, added.revision, edit("second@example.org")).await;
    assert_eq!(late, Err(Error::Conflict(Conflict::Changed)));
    assert_eq!(rig.entries(&alice, domain).await[0].username, "first@example.org");
}

async fn duplicates_and_conflicting_passwords_are_refused(place: &Place) {
    let rig = Rig::with(place, |settings| settings.entries_per_domain = 3).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    let again = rig.service.add_entry(&alice, domain, entry("bob")).await;
    assert!(matches!(again, Err(Error::Invalid(problems)) if problems[0].code == "entry_duplicate"));
    // A second source for the same mailbox is fine, with the same password or none.
    let second = NewEntry { username: "two@example.org".into(), ..entry("bob") };
    assert_eq!(rig.service.add_entry(&alice, domain, second).await.unwrap().state, EntryState::Queued);
    let other = NewEntry {
        username: "three@example.org".into(),
        mailbox: "BOB".into(),
        mailbox_password: Some("Other-Password-1".into()),
        ..entry("bob")
    };
    let other = rig.service.add_entry(&alice, domain, other).await.unwrap();
    assert_eq!(codes(&other), ["mailbox_password_conflict"]);
    let full = rig.service.add_entry(&alice, domain, entry("carol")).await;
    assert!(matches!(full, Err(Error::Invalid(problems)) if problems[0].code == "list_full"));
}

async fn a_file_is_appended_as_a_whole_with_each_problem_at_its_row(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    let file = "imap.example.org;bob@example.org;old password;bob;New-Password-1\r\n\
                imap.example.org;carol@example.org;\"a;b\";carol;New-Password-1\r\n\
                imap.example.org;dave@example.org;pw;dave;weak\r\n\
                imap.example.org;erin@example.org;pw;bob;Other-Password-1\r\n\
                imap.example.org;carol@example.org;\"a;b\";carol;New-Password-1\r\n";
    let added = rig.service.add_csv(&alice, domain, file.as_bytes()).await.unwrap();
    assert_eq!((added.entries.len(), added.duplicates, added.with_problems), (3, 2, 2));
    let entries = rig.entries(&alice, domain).await;
    let seen: Vec<_> = entries.iter().map(|e| (e.number, e.mailbox.as_str(), codes(e))).collect();
    assert_eq!(seen[1], (2, "carol", vec![]));
    assert_eq!((seen[2].0, seen[2].1), (3, "dave"));
    assert!(seen[2].2.contains(&"mailbox_password_short"));
    assert_eq!(seen[3], (4, "bob", vec!["mailbox_password_conflict"]));
    let line = |entry: &service::model::Entry| entry.notes.iter().find(|n| n.code == "csv_line").cloned();
    assert_eq!(line(&entries[3]).unwrap().args["line"], "4");
    let nothing = rig.service.add_csv(&alice, domain, b"\xff\xfe").await;
    assert!(matches!(nothing, Err(Error::Invalid(_))), "{nothing:?}");
    assert_eq!(rig.entries(&alice, domain).await.len(), 4);
}

async fn nothing_starts_while_an_entry_is_unverified(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    assert_eq!(rig.service.start(&alice, domain).await, Err(Error::Conflict(Conflict::Empty)));
    let added = rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    let error = rig.service.start(&alice, domain).await.unwrap_err();
    let Error::Conflict(Conflict::NotReady(ready)) = error else { panic!("{error}") };
    assert_eq!((ready.entries, ready.verified, ready.pending, ready.need_attention), (1, 0, 1, 0));
    let broken = NewEntry { server: String::new(), username: "bob".into(), ..entry("bob") };
    rig.service.edit_entry(&alice, added.id, added.revision, broken).await.unwrap();
    let ready = rig.service.readiness(&alice, domain).await.unwrap();
    assert_eq!((ready.need_attention, ready.first_failed), (1, Some(added.id)));
    assert!(rig.service.start(&alice, domain).await.is_err());
    assert_eq!(
        rig.service.runs(&alice, domain, RunFilter::Current, service::Page::first(9)).await.unwrap(),
        []
    );
}

async fn removed_entries_are_told_to_pages_that_still_show_them(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let watch = Watch::Domain(domain);
    let one = rig.service.add_entry(&alice, domain, entry("bob")).await.unwrap();
    let broken = NewEntry { server: "http://x".into(), ..entry("carol") };
    let two = rig.service.add_entry(&alice, domain, broken).await.unwrap();
    let changes = rig.service.changes(&alice, watch, 0).await.unwrap();
    assert_eq!(changes.entries.iter().map(|e| e.id).collect::<Vec<_>>(), [one.id, two.id]);
    let quiet = rig.service.changes(&alice, watch, changes.revision).await.unwrap();
    assert_eq!((quiet.revision, quiet.entries.len()), (changes.revision, 0));
    rig.service.remove_entry(&alice, one.id).await.unwrap();
    assert_eq!(rig.service.remove_failed(&alice, domain).await.unwrap(), 1);
    let later = rig.service.changes(&alice, watch, changes.revision).await.unwrap();
    assert_eq!(later.removed, [one.id, two.id]);
    assert!(later.revision > changes.revision);
    assert_eq!(rig.entries(&alice, domain).await, []);
}

async fn nobody_sees_or_changes_what_is_anothers(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let (bob, _) = rig.customer(&operator, "bob", "example.net").await;
    let theirs = rig.service.add_entry(&alice, domain, entry("x")).await.unwrap();
    let service = &rig.service;
    for stranger in [&bob, &operator] {
        assert_eq!(service.domain(stranger, domain).await, Err(Error::NotFound));
        assert_eq!(service.domain_by_name(stranger, "example.com").await, Err(Error::NotFound));
        assert_eq!(service.entries(stranger, domain, service::Page::first(9)).await, Err(Error::NotFound));
        assert_eq!(service.entry(stranger, theirs.id).await, Err(Error::NotFound));
        assert_eq!(service.add_entry(stranger, domain, entry("y")).await, Err(Error::NotFound));
        assert_eq!(service.edit_entry(stranger, theirs.id, 9, entry("y")).await, Err(Error::NotFound));
        assert_eq!(service.remove_entry(stranger, theirs.id).await, Err(Error::NotFound));
        assert_eq!(service.remove_failed(stranger, domain).await, Err(Error::NotFound));
        assert_eq!(service.check_again(stranger, theirs.id).await, Err(Error::NotFound));
        assert_eq!(service.check_failed_again(stranger, domain).await, Err(Error::NotFound));
        assert_eq!(service.readiness(stranger, domain).await, Err(Error::NotFound));
        assert_eq!(service.start(stranger, domain).await, Err(Error::NotFound));
        assert_eq!(service.add_csv(stranger, domain, b"a;b;c;d;e").await, Err(Error::NotFound));
        assert_eq!(service.changes(stranger, Watch::Domain(domain), 0).await, Err(Error::NotFound));
        assert_eq!(service.run(stranger, RunId::new()).await, Err(Error::NotFound));
    }
    assert_eq!(service.entry(&alice, EntryId::new()).await, Err(Error::NotFound));
    assert_eq!(rig.entries(&alice, domain).await, [theirs]);
}
