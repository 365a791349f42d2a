//! An import into a mailbox that Dovecot is serving to a busy client, over a line that breaks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use testkit::factory;
use testkit::judge::{Kind, Mapping};
use testkit::proxy::{Ending, Often, Proxy};

use crate::rig::{Rig, assert_balanced};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_of_either_while_a_client_appends_and_flags() {
    let rig = Rig::start();
    let spec = factory::generated_2000();
    rig.server.write_account("alice", &spec).unwrap();
    let mut bob = rig.bob();
    let stop = Arc::new(AtomicBool::new(false));
    let client = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut appended = BTreeSet::new();
            bob.select("INBOX").unwrap();
            while !stop.load(Ordering::Relaxed) && appended.len() < 300 {
                let body = format!("Subject: own {}\r\n\r\nown\r\n", appended.len());
                bob.append("INBOX", &["\\Draft", "Own"], 1_600_000_000, body.as_bytes()).unwrap();
                appended.insert(body);
                bob.command("NOOP").unwrap();
                bob.command("UID STORE 1:* +FLAGS.SILENT (Touched)").unwrap();
            }
            appended
        }
    });
    let report = rig.import_all().await;
    stop.store(true, Ordering::Relaxed);
    let appended = client.join().unwrap();
    assert_eq!(report.totals.imported, 2_000);
    let messages = rig.bob().fetch_all("INBOX").unwrap();
    let own: BTreeSet<String> = messages
        .iter()
        .filter(|message| message.keywords.contains("Own"))
        .map(|message| String::from_utf8_lossy(message.bytes.as_deref().unwrap_or_default()).into_owned())
        .collect();
    assert_eq!(own, appended, "the client's own messages");
    assert!(messages.iter().filter(|message| message.keywords.contains("Own")).count() == appended.len());
    // UIDs in the source's order.
    let source: Vec<_> =
        rig.alice().fetch_all("INBOX").unwrap().into_iter().map(|message| message.digest).collect();
    let imported: Vec<_> = messages
        .iter()
        .filter(|message| !message.keywords.contains("Own"))
        .map(|message| message.digest)
        .collect();
    assert_eq!(imported.len(), source.len());
    assert!(imported == source, "another order than at the source");
    let untouched = Mapping::identity().rename("Gesendete Objekte", "Sent").without("INBOX");
    rig.judge(&untouched);
    rig.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    let mut rig = Rig::start();
    let spec = factory::generated_small();
    rig.server.write_account("alice", &spec).unwrap();
    let proxy = Proxy::start(rig.source).unwrap();
    let server = rig.source;
    proxy.cut_after(90_000, Often::Always, Ending::Reset);
    rig.source = proxy.addr();
    let report = rig.import().await;
    assert_balanced(&report);
    proxy.heal();
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported + report.totals.already_there, spec.messages() as u64);
    rig.source = server;
    rig.judge(&Mapping::identity());
    rig.assert_clean();
}

/// The control: what the judge is asked above can say no.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_removed_behind_our_back_is_found() {
    let rig = Rig::start();
    rig.server.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let mut bob = rig.bob();
    bob.select("INBOX").unwrap();
    bob.expunge("7").unwrap();
    drop(bob);
    let source = testkit::judge::Account::new(rig.source, "alice", crate::rig::PASSWORD);
    let destination = testkit::judge::Account::new(rig.source, "bob", crate::rig::PASSWORD);
    let verdict = testkit::judge::compare(&source, &destination, &Mapping::identity()).unwrap();
    assert!(verdict.has(Kind::Missing), "{verdict}");
}
