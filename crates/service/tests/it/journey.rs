//! From a typed line to mail in a new mailbox: real servers on both sides, both databases.

use std::path::PathBuf;
use std::time::Duration;

use imap::TlsTrust;
use service::model::{
    Actor, DomainId, EntryState, Import, ImportId, ImportState, NewEntry, Run, RunId, RunState,
};
use service::work::{Limits, Owner};
use service::{Conflict, Error, Page, RunFilter, Settings};
use testkit::factory;
use testkit::judge::{self, Mapping};
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};
use tokio_util::sync::CancellationToken;

use crate::rig::{Place, Rig, network, on_both_databases};

on_both_databases! {
    an_account_is_checked_started_and_arrives_and_brings_only_what_is_new_later
    each_failing_check_says_why_and_names_the_side
    a_run_can_be_paused_resumed_and_cancelled_and_what_failed_can_be_tried_again
    an_existing_mailbox_keeps_its_password_and_its_mail
    passwords_that_are_not_kept_are_erased_with_the_end_of_the_run
}

const OLD: &str = "old password";
const NEW: &str = "New-Password-1";

/// An old server, a service with workers, a customer with a domain.
struct Journey {
    rig: Rig,
    old: Dovecot,
    /// Another way to the old server, which can be cut.
    proxy: Proxy,
    alice: Actor,
    domain: DomainId,
    workers: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

impl Journey {
    async fn begin(place: &Place, users: &[&str]) -> Journey {
        Journey::with(place, users, |_| {}).await
    }

    async fn with(place: &Place, users: &[&str], change: impl FnOnce(&mut Settings)) -> Journey {
        let old =
            Dovecot::start(&DovecotOptions::with_users(users.iter().map(|u| User::new(u, OLD)))).unwrap();
        let ca = std::fs::read(old.ca_pem()).unwrap();
        let proxy = Proxy::start(old.tls()).unwrap();
        let ports = [old.tls().port(), old.plain().port(), proxy.addr().port()];
        let rig = Rig::with(place, |settings| {
            settings.tls =
                TlsTrust { additional_roots: TlsTrust::parse_pem(&ca).unwrap(), ..TlsTrust::default() };
            settings.network = network(&ports);
            settings.unreachable_after = Duration::ZERO;
            change(settings);
        })
        .await;
        let operator = rig.operator().await;
        let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
        let stop = CancellationToken::new();
        let limits = Limits { lease: Duration::from_secs(5), ..Limits::default() };
        let workers = rig.service.start_workers(Owner::Fresh, limits, stop.clone());
        Journey { rig, old, proxy, alice, domain, workers, stop }
    }

    fn server(&self) -> String {
        format!("imaps://localhost:{}", self.old.tls().port())
    }

    fn entry(&self, user: &str) -> NewEntry {
        NewEntry {
            server: self.server(),
            username: user.into(),
            password: Some(OLD.into()),
            mailbox: user.into(),
            mailbox_password: Some(NEW.into()),
        }
    }
}

impl Journey {
    async fn add(&self, entry: NewEntry) -> service::model::EntryId {
        self.rig.service.add_entry(&self.alice, self.domain, entry).await.unwrap().id
    }

    /// Waits until nothing of the list waits for its check.
    async fn checked(&self) -> Vec<service::model::Entry> {
        self.until(async || {
            let entries = self.rig.entries(&self.alice, self.domain).await;
            let pending = |state| matches!(state, EntryState::Queued | EntryState::Checking);
            (!entries.iter().any(|entry| pending(entry.state))).then_some(entries)
        })
        .await
    }

    async fn start(&self) -> RunId {
        self.rig.service.start(&self.alice, self.domain).await.unwrap()
    }

    async fn run(&self, id: RunId) -> Run {
        self.rig.service.run(&self.alice, id).await.unwrap()
    }

    async fn import(&self, id: ImportId) -> Import {
        self.rig.service.import(&self.alice, id).await.unwrap()
    }

    async fn ended(&self, id: RunId) -> Run {
        self.until(async || Some(self.run(id).await).filter(|run| !run.summary.state.is_current())).await
    }

    /// Asks again until there is an answer; the limit ends a test that would never end.
    async fn until<T>(&self, ask: impl AsyncFn() -> Option<T>) -> T {
        let asking = async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), asking).await.expect("it takes far too long")
    }

    fn mail(&self) -> PathBuf {
        self.rig.directory.path().join("mail")
    }

    /// A Dovecot that serves what was imported, as its operator would set it up.
    fn new_server(&self, users: &[&str]) -> Dovecot {
        let serving = |user: &&str| {
            User::new(user, NEW).serving(&self.mail().join("example.com").join(user).join("Maildir"))
        };
        Dovecot::start(&DovecotOptions::with_users(users.iter().map(serving))).unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.workers.await.unwrap();
    }
}

async fn an_account_is_checked_started_and_arrives_and_brings_only_what_is_new_later(place: &Place) {
    let journey = Journey::begin(place, &["anna"]).await;
    let mut content = factory::generated_small();
    journey.old.write_account("anna", &content).unwrap();
    journey.add(journey.entry("anna")).await;
    let entry = journey.checked().await.remove(0);
    assert_eq!(entry.state, EntryState::Verified, "{entry:?}");
    let check = entry.check.unwrap();
    assert_eq!(check.messages, content.messages() as u64);
    assert!(check.folders > 3 && !check.mailbox_exists && check.estimate.is_some(), "{check:?}");
    assert_eq!(check.server.unwrap().url, journey.server());

    let run = journey.start().await;
    let run = journey.ended(run).await;
    assert_eq!(run.summary.state, RunState::Completed, "{run:?}");
    assert_eq!(journey.rig.entries(&journey.alice, journey.domain).await, []);
    let import = journey.import(run.imports[0].id).await;
    assert_eq!((import.state, import.mailbox.as_str()), (ImportState::Done, "anna@example.com"));
    assert!(import.mailbox_created && import.progress.percent() == 100, "{import:?}");
    assert_eq!(import.progress.imported, content.messages() as u64);
    let report = import.report.unwrap();
    assert_eq!(report.destination, "anna@example.com", "no path of the server");
    assert_eq!(report.totals.imported, content.messages() as u64);
    assert!(!import.folders.is_empty() && import.folders.iter().all(|f| f.messages_done == f.messages_total));
    let document = journey.rig.service.run_report(&journey.alice, run.summary.id).await.unwrap();
    assert_eq!((&document["schema"], &document["verdict"]), (&"mailimport.run/1".into(), &"complete".into()));
    let csv = journey.rig.service.run_report_csv(&journey.alice, run.summary.id).await.unwrap();
    assert!(csv.contains("anna@example.com"), "{csv}");

    let new = journey.new_server(&["anna"]);
    let accounts = [journey.old.plain(), new.plain()];
    let [source, destination] = accounts.map(|addr| judge::Account::new(addr, "anna", OLD));
    let destination = judge::Account { password: NEW.into(), ..destination };
    judge::compare(&source, &destination, &Mapping::identity()).unwrap().assert_equal();
    drop(new);

    // Two messages more; a later run brings exactly these.
    let more = factory::AccountSpec {
        folders: vec![factory::FolderSpec::new(
            &["INBOX"],
            (0..2)
                .map(|n| {
                    factory::MessageSpec::exact(
                        format!("Subject: {n}\r\n\r\nnew\r\n").into_bytes(),
                        1_700_000_000 + n,
                    )
                })
                .collect(),
        )],
    };
    let mut client = testkit::imap_client::Client::login(journey.old.plain(), "anna", OLD).unwrap();
    more.fill(&mut client).unwrap();
    content.folders.clear();
    let again = journey.rig.service.import_new(&journey.alice, run.summary.id).await.unwrap();
    assert_ne!(again, run.summary.id);
    let again = journey.ended(again).await;
    assert_eq!((again.summary.state, again.summary.progress.imported), (RunState::Completed, 2));
    let finished =
        journey.rig.service.runs(&journey.alice, journey.domain, RunFilter::Finished, Page::first(9));
    assert_eq!(finished.await.unwrap().iter().map(|run| run.number).collect::<Vec<_>>(), [2, 1]);
    journey.end().await;
}

async fn each_failing_check_says_why_and_names_the_side(place: &Place) {
    let journey = Journey::begin(place, &["anna", "bruno"]).await;
    let entry = |user: &str| journey.entry(user);
    let refused = testkit::process::free_ports::<1>().unwrap()[0].port();
    journey.add(NewEntry { password: Some("wrong".into()), ..entry("anna") }).await;
    journey.add(NewEntry { server: format!("imaps://localhost:{refused}"), ..entry("bruno") }).await;
    journey.add(NewEntry { server: "imaps://127.0.0.2:993".into(), ..entry("carol") }).await;
    journey.add(NewEntry { server: "imap.invalid".into(), ..entry("dora") }).await;
    journey.add(NewEntry { mailbox_password: None, ..entry("bruno") }).await;
    let entries = journey.checked().await;
    let failures: Vec<_> = entries
        .iter()
        .map(|entry| {
            let failure = entry.check.as_ref().unwrap().failure.as_ref().unwrap();
            (entry.state, failure.class.as_str(), failure.detail.is_some())
        })
        .collect();
    let failed = EntryState::CheckFailed;
    assert_eq!(failures[0], (failed, "auth", true));
    // What refuses and what may not be asked look the same, and say nothing about why.
    assert_eq!(failures[1], (failed, "connect", false));
    assert_eq!(failures[2], failures[1]);
    assert_eq!((failures[3].0, failures[3].1), (failed, "dns"));
    assert_eq!((failures[4].0, failures[4].1), (failed, "mailbox_password_needed"));
    assert!(matches!(
        journey.rig.service.start(&journey.alice, journey.domain).await,
        Err(Error::Conflict(Conflict::NotReady(_)))
    ));
    // Nothing was made for what failed.
    assert_eq!(std::fs::read_dir(journey.mail()).unwrap().flatten().filter(|e| e.path().is_dir()).count(), 0);
    // The pencil mends it.
    let wrong = &entries[0];
    let mended = NewEntry { password: Some(OLD.into()), ..entry("anna") };
    journey.rig.service.edit_entry(&journey.alice, wrong.id, wrong.revision, mended).await.unwrap();
    assert_eq!(journey.checked().await[0].state, EntryState::Verified);
    journey.end().await;
}

async fn a_run_can_be_paused_resumed_and_cancelled_and_what_failed_can_be_tried_again(place: &Place) {
    let journey = Journey::begin(place, &["anna", "bruno"]).await;
    journey.old.write_account("anna", &factory::generated_small()).unwrap();
    let proxy = &journey.proxy;
    let through = format!("imaps://localhost:{}", proxy.addr().port());
    journey.add(NewEntry { server: through.clone(), ..journey.entry("anna") }).await;
    journey.add(journey.entry("bruno")).await;
    assert!(journey.checked().await.iter().all(|entry| entry.state == EntryState::Verified));
    proxy.stall();
    let service = &journey.rig.service;
    let id = journey.start().await;
    let anna = journey.run(id).await.imports[0].id;
    // One that is stuck does not hold up the other.
    journey.until(async || Some(journey.run(id).await).filter(|run| run.imports[1].state.is_final())).await;
    service.pause_run(&journey.alice, id).await.unwrap();
    let paused = journey
        .until(async || Some(journey.import(anna).await).filter(|i| i.state == ImportState::Paused))
        .await;
    assert_eq!(paused.finished_at, None);
    assert_eq!(journey.run(id).await.summary.state, RunState::Paused);
    service.resume_run(&journey.alice, id).await.unwrap();
    service.cancel_import(&journey.alice, anna).await.unwrap();
    let run = journey.ended(id).await;
    assert_eq!(
        run.imports.iter().map(|i| i.state).collect::<Vec<_>>(),
        [ImportState::Cancelled, ImportState::Done]
    );
    assert_eq!(service.pause_run(&journey.alice, id).await, Err(Error::Conflict(Conflict::Ended)));
    assert_eq!(service.cancel_import(&journey.alice, anna).await, Err(Error::Conflict(Conflict::Ended)));
    proxy.heal();
    proxy.resume();
    service.retry_failed(&journey.alice, id).await.unwrap();
    let run = journey.ended(id).await;
    assert_eq!(run.summary.state, RunState::Completed, "{run:?}");
    assert_eq!(run.imports[0].progress.imported, factory::generated_small().messages() as u64);
    assert_eq!(
        service.retry_failed(&journey.alice, id).await,
        Err(Error::Conflict(Conflict::NothingToRetry))
    );
    journey.end().await;
}

async fn an_existing_mailbox_keeps_its_password_and_its_mail(place: &Place) {
    let journey = Journey::begin(place, &["anna", "bruno"]).await;
    journey.old.write_account("anna", &factory::generated_small()).unwrap();
    journey.add(journey.entry("anna")).await;
    journey.checked().await;
    let run = journey.start().await;
    journey.ended(run).await;
    let passwd = std::fs::read_to_string(journey.mail().join("passwd")).unwrap();
    // A second source for the same mailbox, with another password for it.
    let second = NewEntry {
        mailbox: "anna".into(),
        mailbox_password: Some("Quite-Another-1".into()),
        ..journey.entry("bruno")
    };
    journey.add(second).await;
    let entry = journey.checked().await.remove(0);
    assert!(entry.check.as_ref().unwrap().mailbox_exists, "{entry:?}");
    let run = journey.start().await;
    let run = journey.ended(run).await;
    assert_eq!(run.summary.state, RunState::Completed);
    assert!(!run.imports[0].mailbox_created);
    assert_eq!(std::fs::read_to_string(journey.mail().join("passwd")).unwrap(), passwd);
    let new = journey.new_server(&["anna"]);
    let source = judge::Account::new(journey.old.plain(), "anna", OLD);
    let destination = judge::Account::new(new.plain(), "anna", NEW);
    judge::compare(&source, &destination, &Mapping::identity()).unwrap().assert_equal();
    drop(new);
    journey.end().await;
}

async fn passwords_that_are_not_kept_are_erased_with_the_end_of_the_run(place: &Place) {
    let journey = Journey::with(place, &["anna"], |settings| settings.keep_secrets = Duration::ZERO).await;
    journey.add(journey.entry("anna")).await;
    journey.checked().await;
    let run = journey.start().await;
    let run = journey.ended(run).await.summary.id;
    let again = journey.rig.service.import_new(&journey.alice, run).await;
    assert_eq!(again, Err(Error::Conflict(Conflict::SecretsErased)));
    journey.end().await;
}
