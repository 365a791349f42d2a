//! Bad lines: cut, reset, stalled, slow, half open; a server that restarts, and one that takes no more connections. After
//! each of them everything is there exactly once, and the judge is a real Dovecot.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::progress::{Event, Progress};
use engine::report::{Report, Verdict};
use imap::Security;
use testkit::factory::{AccountSpec, FolderSpec, MessageSpec};
use testkit::judge::{self, Mapping};
use testkit::proxy::{Ending, Often, Proxy};
use testkit::scripted::{Answer, Script};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::rig::{PASSWORD, Rig, assert_balanced};
use crate::servers::{self, assert_holds, folder};

const MESSAGES: u64 = 50;

/// Small and large messages in three folders, some 220 kB.
fn account() -> AccountSpec {
    let message = |number: i64| {
        let size = if number % 8 == 7 { 20_000 } else { 300 };
        let body = format!("Subject: {number}\r\n\r\n{}\r\n", "0123456789abcdef".repeat(size / 16));
        MessageSpec::exact(body.into_bytes(), 1_500_000_000 + number)
    };
    let folder =
        |path: &[&str], numbers: std::ops::Range<i64>| FolderSpec::new(path, numbers.map(message).collect());
    AccountSpec {
        folders: vec![
            folder(&["INBOX"], 0..30),
            folder(&["Work"], 100..115),
            folder(&["Work", "A"], 200..205),
        ],
    }
}

/// A source of its own behind a proxy, and the rig that imports from it.
struct Behind {
    rig: Rig,
    proxy: Proxy,
    source: Dovecot,
}

impl Behind {
    fn start(security: Security) -> Behind {
        Behind::with(security, DovecotOptions::default())
    }

    fn with(security: Security, options: DovecotOptions) -> Behind {
        let options = DovecotOptions { users: vec![User::new("alice", PASSWORD)], ..options };
        let source = Dovecot::start(&options).unwrap();
        source.write_account("alice", &account()).unwrap();
        let mut rig = Rig::start();
        let target = match security {
            Security::ImplicitTls => source.tls(),
            Security::StartTls | Security::Plaintext => source.plain(),
        };
        let proxy = Proxy::start(target).unwrap();
        let pem = std::fs::read(source.ca_pem()).unwrap();
        rig.trust.additional_roots = imap::TlsTrust::parse_pem(&pem).unwrap();
        rig.security = security;
        rig.source = proxy.addr();
        rig.settings.first_pause = Duration::from_millis(1);
        rig.settings.connections = 1;
        Behind { rig, proxy, source }
    }

    /// Everything is there once, by the numbers and by the judge, and one more run copies nothing.
    async fn assert_all_there_once(&self, what: &str, report: &Report) {
        assert_eq!(report.verdict, Verdict::Complete, "{what}: {report:#?}");
        assert_balanced(report);
        assert_eq!(report.totals.imported, MESSAGES, "{what}: {report:#?}");
        assert_eq!(self.rig.files().len() as u64, MESSAGES, "{what}");
        self.rig
            .judge_from(&judge::Account::new(self.source.plain(), "alice", PASSWORD), &Mapping::identity());
        servers::assert_nothing_more_comes(&self.rig).await;
    }

    /// The new mailbox as it was before the first import.
    fn empty(&self) {
        let root = self.rig.server.maildir("bob");
        if root.exists() {
            std::fs::remove_dir_all(root).unwrap();
        }
        if self.rig.state().exists() {
            std::fs::remove_file(self.rig.state()).unwrap();
        }
    }
}

/// How many octets come from the server in an import that nobody disturbs.
async fn octets_of_an_import(behind: &Behind) -> u64 {
    let before = behind.proxy.octets_from_server();
    let report = behind.rig.import_all().await;
    let octets = behind.proxy.octets_from_server() - before;
    behind.assert_all_there_once("undisturbed", &report).await;
    octets
}

/// After the first connection has let us in, a cut anywhere costs a new connection and nothing else.
async fn cut_everywhere(security: Security, ending: Ending, places: u64) {
    let behind = Behind::start(security);
    let whole = octets_of_an_import(&behind).await;
    let mut completed = 0;
    for place in 0..places {
        behind.empty();
        let after = whole * place / places + place;
        behind.proxy.cut_after(after, Often::Once, ending);
        let what = format!("{ending:?} after {after} of {whole} octets");
        let first = behind.rig.import().await;
        assert_balanced(&first);
        behind.rig.assert_clean();
        behind.proxy.heal();
        completed += u64::from(first.verdict == Verdict::Complete);
        // Cut before the survey was over, it ends at once: whoever started it is told.
        let second = behind.rig.import_all().await;
        let together = first.totals.imported + second.totals.imported;
        assert_eq!(
            (together, second.totals.imported + second.totals.already_there),
            (MESSAGES, MESSAGES),
            "{what}"
        );
        assert!(first.verdict != Verdict::Complete || second.totals.imported == 0, "{what}: {first:#?}");
        assert_eq!(behind.rig.files().len() as u64, MESSAGES, "{what}");
    }
    assert!(completed > places / 2, "{completed} of {places} went on by themselves");
    let source = judge::Account::new(behind.source.plain(), "alice", PASSWORD);
    behind.rig.judge_from(&source, &Mapping::identity());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_cut_anywhere_loses_and_doubles_nothing() {
    cut_everywhere(Security::Plaintext, Ending::Close, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_reset_anywhere_loses_and_doubles_nothing() {
    cut_everywhere(Security::Plaintext, Ending::Reset, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_line_cut_anywhere_loses_and_doubles_nothing() {
    cut_everywhere(Security::ImplicitTls, Ending::Close, 12).await;
    cut_everywhere(Security::ImplicitTls, Ending::Reset, 6).await;
    cut_everywhere(Security::StartTls, Ending::Reset, 6).await;
}

/// Each connection brings a little more than the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_always_cut_brings_everything_in_the_end() {
    let mut behind = Behind::start(Security::Plaintext);
    behind.rig.settings.patience = Duration::from_secs(120);
    behind.proxy.cut_after(60_000, Often::Always, Ending::Reset);
    let report = behind.rig.import().await;
    assert_balanced(&report);
    behind.proxy.heal();
    let after = behind.rig.import_all().await;
    assert_eq!(after.totals.imported + after.totals.already_there, MESSAGES, "{report:#?}");
    assert!(behind.proxy.connections() > 3, "{}", behind.proxy.connections());
    let source = judge::Account::new(behind.source.plain(), "alice", PASSWORD);
    behind.rig.judge_from(&source, &Mapping::identity());
}

/// Does something once, when something is heard.
struct Once<F> {
    when: fn(&Event) -> bool,
    done: AtomicBool,
    act: F,
}

impl<F: Fn() + Send + Sync> Progress for Once<F> {
    fn event(&self, event: &Event) {
        if (self.when)(event) && !self.done.swap(true, Ordering::SeqCst) {
            (self.act)();
        }
    }
}

fn once(when: fn(&Event) -> bool, act: impl Fn() + Send + Sync + 'static) -> Arc<dyn Progress> {
    Arc::new(Once { when, done: AtomicBool::new(false), act })
}

fn is_delivery(event: &Event) -> bool {
    matches!(event, Event::Delivered { .. })
}

fn is_body(event: &Event) -> bool {
    matches!(event, Event::Received { .. })
}

fn is_retry(event: &Event) -> bool {
    matches!(event, Event::Retrying { .. })
}

/// Hears what two listeners hear.
struct Both(Arc<dyn Progress>, Arc<dyn Progress>);

impl Progress for Both {
    fn event(&self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
}

/// The line falls silent in the middle of a body; when the time is over and another connection is made, it is well again.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_stalls_is_given_up_and_another_one_brings_the_rest() {
    for security in [Security::Plaintext, Security::ImplicitTls] {
        let Behind { mut rig, proxy, source } = Behind::start(security);
        let proxy = Arc::new(proxy);
        let (stalls, resumes) = (Arc::clone(&proxy), Arc::clone(&proxy));
        rig.settings.client.timeouts.reply = Duration::from_millis(300);
        rig.progress = Arc::new(Both(
            once(is_body, move || stalls.stall()),
            once(is_retry, move || {
                resumes.end_connections(Ending::Close);
                resumes.resume();
            }),
        ));
        let report = rig.import_all().await;
        assert_eq!((report.totals.imported, rig.files().len() as u64), (MESSAGES, MESSAGES), "{security:?}");
        assert!(proxy.connections() >= 2, "{security:?}");
        rig.judge_from(&judge::Account::new(source.plain(), "alice", PASSWORD), &Mapping::identity());
    }
}

/// The server is gone without a word: the old connection stays open for ever and says nothing, new ones are well.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_half_open_is_given_up() {
    let Behind { mut rig, proxy, source } = Behind::start(Security::Plaintext);
    let (dead, alive) = (Arc::new(proxy), Arc::new(Proxy::start(source.plain()).unwrap()));
    // What stands before both is what the client connects to, and never ends a connection by itself.
    let front = Arc::new(Proxy::start(dead.addr()).unwrap());
    let (stalls, turns, target) = (Arc::clone(&dead), Arc::clone(&front), alive.addr());
    rig.source = front.addr();
    rig.settings.client.timeouts.reply = Duration::from_millis(300);
    rig.progress = once(is_body, move || {
        stalls.stall();
        turns.retarget(target);
    });
    let report = rig.import_all().await;
    assert_eq!((report.totals.imported, rig.files().len() as u64), (MESSAGES, MESSAGES));
    assert_eq!((dead.connections(), alive.connections()), (1, 1));
    rig.judge_from(&judge::Account::new(source.plain(), "alice", PASSWORD), &Mapping::identity());
}

/// As long as something comes, however little, it is waited for: no answer is cut off by the time that silence is given.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_is_no_silent_one() {
    // Five octets in the time in which none would be too few.
    let (reply, pause) = (Duration::from_millis(500), Duration::from_millis(10));
    let script = Script::default().on("UID FETCH", move |command| {
        if !servers::asks_for_bodies(command) || command.connection > 1 {
            return Answer::Usual;
        }
        let body = String::from_utf8(servers::letter("INBOX", 1)).unwrap();
        let date = "INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
        let line = format!("* 1 FETCH (UID 1 FLAGS () {date} BODY[] {{{}}}\r\n{body})\r\n", body.len());
        Answer::Trickle(format!("{line}{{tag}} OK done\r\n").into_bytes(), pause)
    });
    let (server, mut rig) = servers::serve(vec![folder("INBOX", 1)], script);
    rig.settings.client.timeouts.reply = reply;
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, 1);
    assert_holds(&rig, "INBOX", "INBOX", [1]);
    assert_eq!(server.connections(), 1, "it was not given up");
    servers::assert_nothing_more_comes(&rig).await;
    server.finish();
}

/// A real Dovecot is stopped after the first delivery and comes back while the import waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_waited_for() {
    let Behind { mut rig, proxy, source } = Behind::start(Security::Plaintext);
    let (source, proxy) = (Arc::new(Mutex::new(source)), Arc::new(proxy));
    let line = Arc::clone(&proxy);
    let (stopped, back) = (Arc::clone(&source), Arc::clone(&source));
    rig.progress = Arc::new(Both(
        once(is_delivery, move || {
            stopped.lock().unwrap().stop();
            // What its machine would do with what it leaves behind.
            line.end_connections(Ending::Reset);
        }),
        once(is_retry, move || back.lock().unwrap().restart().unwrap()),
    ));
    let report = rig.import_all().await;
    let messages = report.totals.imported;
    assert_eq!((messages, rig.files().len() as u64), (MESSAGES, MESSAGES), "{report:#?}");
    assert!(proxy.connections() >= 2);
    let address: SocketAddr = source.lock().unwrap().plain();
    rig.judge_from(&judge::Account::new(address, "alice", PASSWORD), &Mapping::identity());
    servers::assert_nothing_more_comes(&rig).await;
}

/// `mail_max_userip_connections`: the second connection is refused, and the first one does the work alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_more_connections_is_asked_on_those_it_took() {
    for (allowed, wanted) in [(1, 4), (2, 4)] {
        let options = DovecotOptions { max_connections: Some(allowed), ..DovecotOptions::default() };
        let mut behind = Behind::with(Security::Plaintext, options);
        behind.rig.settings.connections = wanted;
        let report = behind.rig.import_all().await;
        behind.assert_all_there_once(&format!("{allowed} of {wanted}"), &report).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_further_connection_costs_no_message_however_it_is_refused() {
    for (what, command, answer) in [
        ("at the login", "LOGIN", Answer::text("{tag} NO [UNAVAILABLE] Maximum number of connections\r\n")),
        ("at the login, as a limit", "LOGIN", Answer::text("{tag} NO [LIMIT] Too many\r\n")),
        ("as if the password were wrong", "LOGIN", Answer::text("{tag} NO [AUTHENTICATIONFAILED] Nope\r\n")),
        ("with a goodbye", "LOGIN", Answer::SendAndClose(b"* BYE Too many connections\r\n".to_vec())),
        ("with the end", "CAPABILITY", Answer::SendAndClose(Vec::new())),
        ("when a folder is opened", "EXAMINE", Answer::SendAndClose(b"* BYE [LIMIT] Too many\r\n".to_vec())),
        ("with the first bodies", "UID FETCH", Answer::SendAndClose(b"* BYE [LIMIT] Too many\r\n".to_vec())),
    ] {
        let refuses = Arc::new(AtomicBool::new(true));
        let refusing = Arc::clone(&refuses);
        let script = Script::default().on(command, move |command| {
            match command.connection > 1 && refusing.load(Ordering::SeqCst) {
                true => answer.clone(),
                false => Answer::Usual,
            }
        });
        let mut account = testkit::scripted::VirtualAccount::new(
            ["INBOX", "A", "B", "C", "D"].map(|name| folder(name, 20)).to_vec(),
        );
        account.capability = "IMAP4rev1 LITERAL+".to_owned();
        let (server, mut rig) = servers::serve_account(account, script);
        rig.settings.connections = 4;
        rig.settings.first_pause = Duration::from_millis(1);
        let report = rig.import_all().await;
        assert_eq!((report.totals.imported, servers::files(&rig)), (100, 100), "{what}: {report:#?}");
        for name in ["INBOX", "A", "B", "C", "D"] {
            assert_holds(&rig, name, name, 1..=20);
        }
        assert!(server.connections() > 1, "{what}");
        refuses.store(false, Ordering::SeqCst);
        servers::assert_nothing_more_comes(&rig).await;
        server.finish();
    }
}
