//! What later imports do: nothing twice, flags where the customer left them, what was removed stays removed.

use engine::destination::{Destination, ImapDestination};
use engine::report::Verdict;
use testkit::factory::{self, AccountSpec, FolderSpec, MessageSpec};
use testkit::judge::Mapping;
use testkit::server::{DovecotOptions, MailFormat, User};

use super::rig::Rig;
use crate::rig::PASSWORD;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_stays_removed_and_only_what_is_new_comes() {
    let rig = Rig::within_dovecot(MailFormat::Mdbox);
    rig.old.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let mut bob = rig.bob();
    bob.select("INBOX").unwrap();
    bob.expunge("3:5").unwrap();
    rig.alice().append("INBOX", &["\\Flagged"], 1_700_000_000, b"Subject: new\r\n\r\nnew\r\n").unwrap();
    let again = rig.import_all().await;
    let totals = &again.totals;
    assert_eq!((totals.imported, totals.removed_by_user, totals.already_there), (1, 3, 57), "{again:#?}");
    assert_eq!(bob.select("INBOX").unwrap(), 28);
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_follow_the_old_account_where_the_customer_has_not_changed_them() {
    let rig = Rig::within_dovecot(MailFormat::Maildir);
    let plain = |n: i64| MessageSpec::exact(format!("Subject: {n}\r\n\r\n{n}\r\n"), 1_500_000_000 + n);
    let spec = AccountSpec { folders: vec![FolderSpec::new(&["INBOX"], (0..6).map(plain).collect())] };
    rig.old.write_account("alice", &spec).unwrap();
    rig.import_all().await;
    let (mut alice, mut bob) = (rig.alice(), rig.bob());
    bob.select("INBOX").unwrap();
    bob.store("1", "+FLAGS", "\\Flagged").unwrap();
    alice.select("INBOX").unwrap();
    alice.store("2:3", "+FLAGS", "\\Seen $Forwarded").unwrap();
    let again = rig.import_all().await;
    assert_eq!((again.totals.imported, again.totals.flags_updated), (0, 2), "{again:#?}");
    let messages = bob.fetch_all("INBOX").unwrap();
    let has =
        |at: usize, flag: &str| messages[at].flags.contains(flag) || messages[at].keywords.contains(flag);
    assert!(has(0, "\\Flagged") && has(1, "\\Seen") && has(2, "$Forwarded") && !has(3, "\\Seen"));
    // The customer takes one of them back, and the old account changes another one.
    bob.select("INBOX").unwrap();
    bob.store("2", "-FLAGS", "\\Seen").unwrap();
    alice.select("INBOX").unwrap();
    alice.store("3", "-FLAGS", "\\Seen").unwrap();
    rig.import_all().await;
    let messages = bob.fetch_all("INBOX").unwrap();
    assert!(!messages[1].flags.contains("\\Seen") && !messages[2].flags.contains("\\Seen"));
}

/// What was deleted and made anew has another UIDVALIDITY: what lay in it was removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_made_anew_is_not_filled_again() {
    let rig = Rig::within_dovecot(MailFormat::Sdbox);
    rig.old.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let mut bob = rig.bob();
    let folder = bob.wire_name(&["日本語"]).unwrap();
    bob.command(&format!("DELETE \"{folder}\"")).unwrap();
    bob.create(&folder).unwrap();
    let again = rig.import_all().await;
    assert_eq!((again.totals.imported, again.totals.removed_by_user), (0, 10), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_with_one_ledger_exclude_each_other() {
    let rig = Rig::within_dovecot(MailFormat::Maildir);
    rig.old.write_account("alice", &factory::generated_small()).unwrap();
    let first = ImapDestination::new(rig.place());
    let lock = first.lock().await.unwrap();
    let second = rig.import().await;
    assert_eq!(second.error.map(|stop| stop.class).as_deref(), Some("busy"));
    assert_eq!(second.totals.imported, 0);
    drop(lock);
    rig.import_all().await;
    rig.judge(&Mapping::identity());
}

/// Maildir++ with a separator of its own: the server lists `/` and refuses `.` inside a name.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_server_may_refuse_are_changed_and_reported() {
    let rig = Rig::with(DovecotOptions::with_users([
        User::new("alice", PASSWORD).with_format(MailFormat::Sdbox),
        User::new("bob", PASSWORD).with_format(MailFormat::Mdbox),
    ]));
    let mut alice = rig.alice();
    for name in ["example.org", "50%25", "~home", "a/b.c/d"] {
        let wire = alice.wire_name(&name.split('/').collect::<Vec<_>>()).unwrap();
        if alice.create(&wire).is_ok() {
            alice.append(&wire, &[], 1_400_000_000, b"Subject: x\r\n\r\nx\r\n").unwrap();
        }
    }
    let report = rig.import().await;
    assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
    assert!(
        report.renamed_folders.iter().any(|f| f.source == "example.org" && f.destination == "example_org"),
        "{report:#?}"
    );
    rig.nothing_new().await;
}
