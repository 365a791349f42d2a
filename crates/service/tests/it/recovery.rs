//! Runs that go on, whatever dies meanwhile: every message arrives, and none twice.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use imap::TlsTrust;
use sea_orm::{ConnectionTrait, Statement};
use service::model::{Actor, DomainId, EntryState, ImportState, NewEntry, Run, RunId, RunState};
use service::work::{Limits, Owner};
use store::Store;
use testkit::factory::{self, AccountSpec};
use testkit::judge::{self, Mapping};
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};
use tokio_util::sync::CancellationToken;

use crate::rig::{Place, Rig, network, on_both_databases, open_service};

on_both_databases! {
    a_worker_process_killed_again_and_again_loses_and_doubles_nothing
    a_worker_process_that_is_told_to_stop_gives_back_what_it_has
}

const OLD: &str = "old password";
const NEW: &str = "New-Password-1";

/// What the other process is told.
const PLACE: &str = "MAILIMPORT_TEST_PLACE";
const DIRECTORY: &str = "MAILIMPORT_TEST_DIRECTORY";
const AUTHORITY: &str = "MAILIMPORT_TEST_AUTHORITY";
const PORT: &str = "MAILIMPORT_TEST_PORT";
const OWNER: &str = "MAILIMPORT_TEST_OWNER";

/// A service that prepares and watches, and does not work itself.
struct Office {
    rig: Rig,
    store: Arc<Store>,
    old: Dovecot,
    proxy: Proxy,
    alice: Actor,
    domain: DomainId,
}

impl Office {
    async fn open(place: &Place, users: &[&str], content: &AccountSpec) -> Office {
        let old =
            Dovecot::start(&DovecotOptions::with_users(users.iter().map(|u| User::new(u, OLD)))).unwrap();
        for user in users {
            old.write_account(user, content).unwrap();
        }
        let proxy = Proxy::start(old.tls()).unwrap();
        let ca = std::fs::read(old.ca_pem()).unwrap();
        let port = proxy.addr().port();
        let rig = Rig::with(place, |settings| {
            settings.tls = trust(&ca);
            settings.network = network(&[port]);
        })
        .await;
        let operator = rig.operator().await;
        let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
        for user in users {
            let entry = NewEntry {
                server: format!("imaps://localhost:{port}"),
                username: (*user).into(),
                password: Some(OLD.into()),
                mailbox: (*user).into(),
                mailbox_password: Some(NEW.into()),
            };
            rig.service.add_entry(&alice, domain, entry).await.unwrap();
        }
        let office = Office { rig, store: place.open().await, old, proxy, alice, domain };
        office.check().await;
        office
    }

    /// Checks the list with a worker of its own, which ends then.
    async fn check(&self) {
        let stop = CancellationToken::new();
        let worker = self.rig.service.start_workers(Owner::Fresh, Limits::default(), stop.clone());
        let verified = async || {
            let entries = self.rig.entries(&self.alice, self.domain).await;
            entries.iter().all(|entry| entry.state == EntryState::Verified)
        };
        self.until("all are verified", verified).await;
        stop.cancel();
        worker.await.unwrap();
    }

    async fn start(&self) -> RunId {
        self.rig.service.start(&self.alice, self.domain).await.unwrap()
    }

    async fn run(&self, id: RunId) -> Run {
        self.rig.service.run(&self.alice, id).await.unwrap()
    }

    async fn completes(&self, id: RunId) -> Run {
        self.until("the run ends", async || !self.run(id).await.summary.state.is_current()).await;
        let run = self.run(id).await;
        assert_eq!(run.summary.state, RunState::Completed, "{run:?}");
        assert!(run.imports.iter().all(|import| import.state == ImportState::Done));
        run
    }

    /// Rows of the ledger.
    async fn recorded(&self) -> i64 {
        self.number("SELECT count(*) FROM message").await
    }

    async fn number(&self, question: &str) -> i64 {
        let connection = self.store.reading();
        let statement = Statement::from_string(connection.get_database_backend(), question);
        connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !so().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(150), waiting).await;
        assert!(waited.is_ok(), "it never came about that {what}");
    }

    /// Both sides as their servers show them are one and the same.
    fn judge(&self, users: &[&str]) {
        let mail = self.rig.directory.path().join("mail/example.com");
        let serving = |user: &&str| User::new(user, NEW).serving(&mail.join(user).join("Maildir"));
        let new = Dovecot::start(&DovecotOptions::with_users(users.iter().map(serving))).unwrap();
        let mapping = Mapping::identity().rename("Gesendete Objekte", "Sent");
        for user in users {
            let source = judge::Account::new(self.old.plain(), user, OLD);
            let destination = judge::Account::new(new.plain(), user, NEW);
            judge::compare(&source, &destination, &mapping).unwrap().assert_equal();
        }
    }

    /// A worker process under this name.
    fn worker(&self, place: &Place, owner: &str) -> Worker {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "recovery::child_that_works_until_it_is_told_to_stop",
                "--ignored",
                "--nocapture",
            ])
            .env(PLACE, place.address())
            .env(DIRECTORY, self.rig.directory.path())
            .env(AUTHORITY, self.old.ca_pem())
            .env(PORT, self.proxy.addr().port().to_string())
            .env(OWNER, owner)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "works"), "the worker did not start");
        std::thread::spawn(move || lines.for_each(|line| eprintln!("worker: {line}")));
        Worker(process)
    }
}

fn trust(ca: &[u8]) -> TlsTrust {
    TlsTrust { additional_roots: TlsTrust::parse_pem(ca).unwrap(), ..TlsTrust::default() }
}

struct Worker(Child);

impl Worker {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal).unwrap();
    }

    /// Closes its standard input, which tells it to stop, and waits until it has.
    fn stop(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test of its own: the worker process of the others.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs only as the child of another test"]
async fn child_that_works_until_it_is_told_to_stop() {
    let told = |name| std::env::var(name).ok();
    let Some(address) = told(PLACE) else { return };
    let directory = PathBuf::from(told(DIRECTORY).unwrap());
    let ca = std::fs::read(told(AUTHORITY).unwrap()).unwrap();
    let port = told(PORT).unwrap().parse().unwrap();
    let service = open_service(&Place::Elsewhere(address), &directory, |settings| {
        settings.tls = trust(&ca);
        settings.network = network(&[port]);
    })
    .await;
    let stop = CancellationToken::new();
    // Whoever has a name for itself needs no lease to run out when it is killed.
    let (owner, lease) = match told(OWNER).unwrap().as_str() {
        "" => (Owner::Fresh, Duration::from_secs(3)),
        name => (Owner::Sole(name.to_owned()), Duration::from_secs(3_600)),
    };
    let limits = Limits { imports: 2, lease, poll: Duration::from_millis(200), ..Limits::default() };
    let worker = service.start_workers(owner, limits, stop.clone());
    eprintln!("works");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    stop.cancel();
    worker.await.unwrap();
}

async fn a_worker_process_killed_again_and_again_loses_and_doubles_nothing(place: &Place) {
    let content = factory::generated_2000();
    let office = Office::open(place, &["anna"], &content).await;
    // On SQLite one process has the name for itself; on PostgreSQL any number work, and wait for each other's leases.
    let owner = if matches!(place, Place::Sqlite(_)) { "server" } else { "" };
    let run = office.start().await;
    let mut killed = 0;
    for round in 1..=4 {
        let mut worker = office.worker(place, owner);
        let enough = async || office.recorded().await >= round * 350;
        office.until("some messages have come", enough).await;
        worker.kill();
        killed += i64::from(office.run(run).await.summary.state.is_current());
    }
    assert!(killed > 0, "every round was over before it was killed");
    let worker = office.worker(place, owner);
    let run = office.completes(run).await;
    worker.stop();
    // Each claim but the first took it over from somebody who was killed; one or the other was killed before it could.
    let claims = office.number("SELECT epoch FROM job WHERE kind = 'import'").await;
    assert_eq!(i64::from(run.imports[0].takeovers), claims - 1);
    assert!(claims > 1 && claims <= killed + 1, "{claims} claims, {killed} killed");
    assert_eq!(office.recorded().await, content.messages() as i64);
    assert_eq!(run.summary.progress.imported, content.messages() as u64, "all attempts together");
    office.judge(&["anna"]);
}

async fn a_worker_process_that_is_told_to_stop_gives_back_what_it_has(place: &Place) {
    let content = factory::generated_2000();
    let office = Office::open(place, &["anna"], &content).await;
    let run = office.start().await;
    for round in 1..=2 {
        let worker = office.worker(place, "server");
        office.until("some messages have come", async || office.recorded().await >= round * 350).await;
        worker.stop();
        let import = &office.run(run).await.imports[0];
        let jobs = office.number("SELECT count(*) FROM job WHERE kind = 'import' AND state = 'queued'").await;
        assert_eq!((import.state, jobs), (ImportState::Waiting, 1));
    }
    let worker = office.worker(place, "server");
    let run = office.completes(run).await;
    worker.stop();
    assert_eq!((run.imports[0].takeovers, run.summary.progress.imported), (0, content.messages() as u64));
    office.judge(&["anna"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worker_processes_on_one_database_share_a_run() {
    let place = Place::postgres();
    let users = ["anna", "bruno", "carla", "david"];
    let office = Office::open(&place, &users, &factory::generated_small()).await;
    // Nobody can finish before both have something to do.
    office.proxy.stall();
    let run = office.start().await;
    let workers = [office.worker(&place, ""), office.worker(&place, "")];
    let owners = "SELECT count(DISTINCT owner) FROM job WHERE state = 'running'";
    let running = "SELECT count(*) FROM job WHERE state = 'running'";
    office.until("all four run", async || office.number(running).await == 4).await;
    assert_eq!(office.number(owners).await, 2);
    office.proxy.resume();
    let run = office.completes(run).await;
    assert!(run.imports.iter().all(|import| import.takeovers == 0), "{run:?}");
    for worker in workers {
        worker.stop();
    }
    office.judge(&users);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_in_the_middle_of_a_run_delays_it_only() {
    let mut place = Place::postgres();
    let content = factory::generated_2000();
    let office = Office::open(&place, &["anna"], &content).await;
    let run = office.start().await;
    let worker = office.worker(&place, "");
    // Back before anybody's lease is over; and long after.
    for (round, absence) in [(1, Duration::ZERO), (2, Duration::from_secs(5))] {
        office.until("some messages have come", async || office.recorded().await >= round * 400).await;
        let Place::Postgres(server) = &mut place else { unreachable!() };
        server.crash();
        tokio::time::sleep(absence).await;
        server.start_again().unwrap();
        office.until("it is back", async || office.store.now().await.is_ok()).await;
        let state = office.run(run).await.summary.state;
        assert!(round > 1 || state == RunState::Running, "it was over before the crash");
        // Nobody waits for what was put off.
        let at_once = async || {
            let Place::Postgres(server) = &place else { unreachable!() };
            server.sql("UPDATE job SET run_at = 0 WHERE state = 'queued'").unwrap();
            office.number("SELECT count(*) FROM job WHERE state = 'running'").await > 0
                || !office.run(run).await.summary.state.is_current()
        };
        office.until("it goes on", at_once).await;
    }
    let run = office.completes(run).await;
    worker.stop();
    assert_eq!(run.summary.progress.imported, content.messages() as u64);
    office.judge(&["anna"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_process_that_sleeps_through_its_lease_harms_nothing_when_it_wakes() {
    use rustix::process::Signal;
    let place = Place::postgres();
    let content = factory::generated_2000();
    let office = Office::open(&place, &["anna"], &content).await;
    let run = office.start().await;
    let sleeper = office.worker(&place, "");
    office.until("some messages have come", async || office.recorded().await >= 300).await;
    // In the middle of a transaction it would keep the job until the database ends that.
    let quiet = async || {
        sleeper.signal(Signal::STOP);
        // What it had sent before is still being worked on: only when nothing is, its transactions are seen.
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()";
        let mut idle = 0;
        while idle < 10
            && office.number(&format!("{others} AND state LIKE 'idle in transaction%'")).await == 0
        {
            let working = office.number(&format!("{others} AND state = 'active'")).await > 0;
            idle = if working { 0 } else { idle + 1 };
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if idle < 10 {
            sleeper.signal(Signal::CONT);
        }
        idle == 10
    };
    office.until("it sleeps outside of any transaction", quiet).await;
    assert!(office.run(run).await.summary.state.is_current());
    let heir = office.worker(&place, "");
    let taken = async || office.number("SELECT count(*) FROM job WHERE takeovers = 1").await == 1;
    office.until("it is taken over", taken).await;
    // The sleeper's lock on the mailbox keeps the heir away as long as it sleeps on the same machine.
    let busy = async || {
        let failure = office.run(run).await.imports[0].failure.clone();
        failure.is_some_and(|failure| failure.class == "busy")
    };
    office.until("the heir waits", busy).await;
    let before = office.recorded().await;
    sleeper.signal(Signal::CONT);
    let at_once = async || {
        let Place::Postgres(server) = &place else { unreachable!() };
        server.sql("UPDATE job SET run_at = 0 WHERE state = 'queued'").unwrap();
        !office.run(run).await.summary.state.is_current()
    };
    office.until("the heir brings the rest", at_once).await;
    let run = office.completes(run).await;
    assert!(before < content.messages() as i64, "the sleeper had done it all");
    assert_eq!(run.summary.progress.imported, content.messages() as u64);
    sleeper.stop();
    heir.stop();
    office.judge(&["anna"]);
}
