//! Customers are told that a run has ended: once on each way, whatever dies, and nobody else is ever called.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use imap::TlsTrust;
use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, sea_query::Expr};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use service::model::{
    Actor, CheckOutcome, DomainId, EntryState, FoundBy, FoundServer, Language, NewEntry, Notice,
    NoticeOutcome, NoticeState, NoticeWishes, RunEnd, RunId, RunState, Scope, Theme, Via,
};
use service::notices::{Letter, Letters, MailOut};
use service::work::{Limits, Owner};
use service::{Error, Settings};
use sha2::{Digest, Sha256};
use store::Store;
use store::tables::entry;
use testkit::certificate::{self, Kind};
use testkit::factory;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};
use testkit::smtp::{Encryption, Smtp, Taken};
use testkit::web::{Reply, Web};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::rig::{Place, Rig, closed_network, entry, network, network_with_web, on_both_databases};

on_both_databases! {
    an_end_is_told_once_on_each_way
    a_receiver_that_fails_is_called_again_with_the_same_id
    a_receiver_that_is_gone_or_elsewhere_is_not_called_again
    a_mail_server_that_refuses_for_good_is_shown_and_one_that_waits_is_asked_again
    what_a_killed_process_left_is_told_by_the_next
    a_run_that_ends_again_is_told_again
    what_is_switched_off_is_not_told
    an_address_that_is_not_allowed_is_never_reached
    a_webhooks_secret_is_shown_once_and_sealed
    attempts_end
}

const ADDRESS: &str = "alice@example.net";

/// Says what it was told to say.
struct Spelled;

impl Letters for Spelled {
    fn run_ended(&self, language: Language, end: &RunEnd, page: Option<&str>) -> Letter {
        let subject = format!("{language:?} {} {:?} {}", end.domain, end.state, end.messages);
        Letter { subject, body: format!("{:?}\n{}\n", end.mailboxes, page.unwrap_or("nowhere")) }
    }

    fn test(&self, language: Language) -> Letter {
        Letter { subject: format!("{language:?} test"), body: "test\n".into() }
    }
}

/// A service with a mail server and a receiver around it, and a customer who wants to be told on both ways.
struct Post {
    rig: Rig,
    store: Arc<Store>,
    smtp: Smtp,
    receiver: MockServer,
    secret: SecretString,
    operator: Actor,
    alice: Actor,
    domain: DomainId,
}

impl Post {
    async fn open(place: &Place) -> Post {
        Post::with(place, |_| None, |_, _| {}).await
    }

    async fn with(
        place: &Place,
        refuses: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings, u16),
    ) -> Post {
        let smtp = Smtp::start(Encryption::None, refuses).unwrap();
        let receiver = MockServer::start().await;
        let port = receiver.address().port();
        let rig = Rig::with(place, |settings| {
            settings.network = network(&[port]);
            settings.unreachable_after = Duration::ZERO;
            settings.base_url = Some("https://mailimport.example.org".into());
            settings.mail_out = Some(MailOut {
                server: format!("smtp://localhost:{}", smtp.addr().port()).parse().unwrap(),
                from: "Mailimport <mailimport@example.org>".parse().unwrap(),
                letters: Arc::new(Spelled),
            });
            change(settings, port);
        })
        .await;
        let operator = rig.operator().await;
        let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
        rig.service.set_preferences(&alice, None, Theme::System, Some(ADDRESS)).await.unwrap();
        let wishes = NoticeWishes { email: true, webhook: Some(format!("{}/hook", receiver.uri())) };
        let secret = rig.service.set_notices(&alice, wishes).await.unwrap().unwrap();
        let store = place.open().await;
        Post { rig, store, smtp, receiver, secret, operator, alice, domain }
    }

    async fn wants(&self, email: bool, webhook: Option<String>) {
        self.rig.service.set_notices(&self.alice, NoticeWishes { email, webhook }).await.unwrap();
    }

    /// The receiver answers with this status, so many times.
    async fn answers(&self, status: u16, times: u64) {
        let answer =
            Mock::given(method("POST")).and(path("/hook")).respond_with(ResponseTemplate::new(status));
        answer.up_to_n_times(times).mount(&self.receiver).await;
    }

    /// A run that ends at once: cancelled before anybody has worked on it.
    async fn ended_run(&self) -> RunId {
        let added = self.rig.service.add_entry(&self.alice, self.domain, entry("bob")).await.unwrap();
        self.verify(added.id.0).await;
        let run = self.rig.service.start(&self.alice, self.domain).await.unwrap();
        self.rig.service.cancel_run(&self.alice, run).await.unwrap();
        run
    }

    async fn verify(&self, id: uuid::Uuid) {
        let outcome = CheckOutcome {
            at: Timestamp::UNIX_EPOCH,
            server: Some(FoundServer {
                url: "imaps://imap.example.org:993".into(),
                username: None,
                by: FoundBy::Given,
                provider: None,
            }),
            software: None,
            folders: 3,
            messages: 12,
            octets: Some(4711),
            estimate: None,
            mailbox_exists: false,
            failure: None,
            hint: None,
            hint_url: None,
        };
        let writing = self.store.writing().await.unwrap();
        entry::Entity::update_many()
            .col_expr(entry::Column::State, Expr::value("verified"))
            .col_expr(entry::Column::Outcome, Expr::value(serde_json::to_string(&outcome).unwrap()))
            .filter(entry::Column::Id.eq(id))
            .exec(writing.connection())
            .await
            .unwrap();
        writing.commit().await.unwrap();
    }

    /// Works on everything but checks: what is verified here was never really checked.
    fn work(&self) -> Work {
        self.work_with(0)
    }

    fn work_with(&self, checks: usize) -> Work {
        let stop = CancellationToken::new();
        let limits = Limits { checks, poll: Duration::from_millis(50), ..Limits::default() };
        let task = self.rig.service.start_workers(Owner::Fresh, limits, stop.clone());
        Work { stop, task }
    }

    /// Lets the pause of what is to be tried again be over. (Its job is put down a moment after its row says so.)
    async fn time_passes(&self) {
        until(async || {
            let writing = self.store.writing().await.unwrap();
            let over = "UPDATE job SET run_at = 0 WHERE kind = 'tell' AND state = 'queued' AND attempts > 0";
            let passed = writing.connection().execute_unprepared(over).await.unwrap();
            writing.commit().await.unwrap();
            (passed.rows_affected() > 0).then_some(())
        })
        .await;
    }

    async fn sql(&self, statement: &str) {
        let writing = self.store.writing().await.unwrap();
        writing.connection().execute_unprepared(statement).await.unwrap();
        writing.commit().await.unwrap();
    }

    async fn number(&self, question: &str) -> i64 {
        let connection = self.store.reading();
        let statement = Statement::from_string(connection.get_database_backend(), question);
        connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    async fn email(&self) -> Option<Notice> {
        self.rig.service.notices(&self.alice).await.unwrap().last_email
    }

    async fn call(&self) -> Option<Notice> {
        self.rig.service.notices(&self.alice).await.unwrap().last_webhook
    }

    async fn calls(&self) -> Vec<Request> {
        self.receiver.received_requests().await.unwrap()
    }

    /// Waits until the newest call of the webhook stands so after so many attempts.
    async fn called(&self, state: NoticeState, attempts: u64) -> Notice {
        until(async || self.call().await.filter(|last| last.state == state && last.attempts == attempts))
            .await
    }

    /// Waits until every notice has ended.
    async fn settled(&self) {
        let open = "SELECT count(*) FROM job WHERE kind = 'tell' AND state IN ('queued', 'running')";
        until(async || (self.number(open).await == 0).then_some(())).await;
    }
}

struct Work {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Work {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), asking).await.expect("it takes far too long")
}

/// HMAC as RFC 2104 defines it, made anew here so that a fault in the product's does not hide itself.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let padded =
        |mark: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ mark).collect() };
    let inner = Sha256::digest([padded(0x36).as_slice(), text].concat());
    Sha256::digest([padded(0x5c).as_slice(), inner.as_slice()].concat()).to_vec()
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers.get(name).unwrap().to_str().unwrap()
}

/// What a receiver does with a call: it checks the signature and the time, and reads the body.
fn verified(request: &Request, secret: &SecretString) -> Value {
    let key = BASE64_STANDARD.decode(secret.expose_secret().strip_prefix("whsec_").unwrap()).unwrap();
    let (id, at) = (header(request, "webhook-id"), header(request, "webhook-timestamp"));
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &request.body].concat();
    let expected = format!("v1,{}", BASE64_STANDARD.encode(hmac(&key, &signed)));
    assert_eq!(header(request, "webhook-signature"), expected);
    assert!((Timestamp::now().as_second() - at.parse::<i64>().unwrap()).abs() < 120);
    assert_eq!(header(request, "content-type"), "application/json");
    serde_json::from_slice(&request.body).unwrap()
}

async fn an_end_is_told_once_on_each_way(place: &Place) {
    const OLD: &str = "old password";
    let old = Dovecot::start(&DovecotOptions::with_users([User::new("olduser", OLD)])).unwrap();
    old.write_account("olduser", &factory::generated_small()).unwrap();
    let ca = std::fs::read(old.ca_pem()).unwrap();
    let post = Post::with(
        place,
        |_| None,
        |settings, port| {
            settings.tls = TlsTrust { additional_roots: TlsTrust::parse_pem(&ca).unwrap(), pin: None };
            settings.network = network(&[port, old.tls().port()]);
        },
    )
    .await;
    post.answers(200, 100).await;
    post.rig.service.note_language(&post.alice, Language::German).await.unwrap();
    let work = post.work_with(1);
    let new = NewEntry {
        server: format!("imaps://localhost:{}", old.tls().port()),
        username: "olduser".into(),
        password: Some(OLD.into()),
        mailbox: "anna".into(),
        mailbox_password: Some("New-Password-1".into()),
    };
    post.rig.service.add_entry(&post.alice, post.domain, new).await.unwrap();
    until(async || {
        let entries = post.rig.entries(&post.alice, post.domain).await;
        entries.iter().all(|entry| entry.state == EntryState::Verified).then_some(())
    })
    .await;
    let run = post.rig.service.start(&post.alice, post.domain).await.unwrap();
    let notice = post.called(NoticeState::Delivered, 1).await;
    assert_eq!(
        (notice.run, notice.outcome, notice.code),
        (Some(run), Some(NoticeOutcome::Delivered), Some(200))
    );
    until(async || post.email().await.filter(|email| email.state == NoticeState::Delivered)).await;
    let shown = post.rig.service.run(&post.alice, run).await.unwrap();
    assert_eq!(shown.summary.state, RunState::Completed);
    post.settled().await;
    work.end().await;

    let calls = post.calls().await;
    assert_eq!(calls.len(), 1);
    let body = verified(&calls[0], &post.secret);
    let data = &body["data"];
    let messages = shown.summary.progress.messages_total;
    assert!(messages > 0);
    assert_eq!((&body["type"], &data["domain"]), (&"run.ended".into(), &"example.com".into()));
    assert_eq!((&data["state"], &data["verdict"]), (&"completed".into(), &"complete".into()));
    assert_eq!((&data["messages"], &data["imported"]), (&messages.into(), &messages.into()));
    assert_eq!((&data["imports"]["total"], &data["imports"]["done"]), (&1.into(), &1.into()));
    assert_eq!(data["url"], format!("https://mailimport.example.org/runs/{run}"));
    assert_eq!(body["timestamp"], data["finished_at"]);

    let taken = post.smtp.taken();
    let [Taken { from, to, message, .. }] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!((from.as_str(), to.as_slice()), ("mailimport@example.org", &[ADDRESS.to_owned()][..]));
    assert!(message.contains(&format!("Subject: German example.com Completed {messages}\r\n")), "{message}");
    assert!(message.contains("anna@example.com") && message.contains("https://mailimport.example.org/runs/"));
    // Neither names the old account nor any password.
    let told = format!("{body}{message}");
    assert!(!told.contains("olduser") && !told.contains(OLD) && !told.contains("New-Password"), "{told}");
}

async fn a_receiver_that_fails_is_called_again_with_the_same_id(place: &Place) {
    let post = Post::open(place).await;
    post.answers(500, 2).await;
    post.answers(204, 100).await;
    let work = post.work();
    post.ended_run().await;
    let first = post.called(NoticeState::Retrying, 1).await;
    assert_eq!((first.outcome, first.code), (Some(NoticeOutcome::Status), Some(500)));
    let pause = first.retry_at.unwrap().duration_since(first.at).as_secs();
    assert_eq!(pause, 60);
    post.time_passes().await;
    let second = post.called(NoticeState::Retrying, 2).await;
    assert_eq!(second.retry_at.unwrap().duration_since(second.at).as_secs(), 300);
    post.time_passes().await;
    let third = post.called(NoticeState::Delivered, 3).await;
    assert_eq!((third.code, third.retry_at), (Some(204), None));
    work.end().await;
    let calls = post.calls().await;
    assert_eq!(calls.len(), 3);
    let id = header(&calls[0], "webhook-id");
    assert!(id.starts_with("msg_"), "{id}");
    for call in &calls {
        verified(call, &post.secret);
        assert_eq!((header(call, "webhook-id"), &call.body), (id, &calls[0].body));
    }
    // The other way was not held up by it, and not repeated.
    assert_eq!(post.smtp.taken().len(), 1);
}

async fn a_receiver_that_is_gone_or_elsewhere_is_not_called_again(place: &Place) {
    let post = Post::open(place).await;
    let work = post.work();
    for (status, outcome) in
        [(410, NoticeOutcome::Gone), (404, NoticeOutcome::Gone), (302, NoticeOutcome::Redirect)]
    {
        post.receiver.reset().await;
        let elsewhere = format!("{}/elsewhere", post.receiver.uri());
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.as_str());
        Mock::given(path("/hook")).respond_with(answer).mount(&post.receiver).await;
        let run = post.ended_run().await;
        let last = until(async || {
            post.call().await.filter(|last| last.run == Some(run) && last.state == NoticeState::Failed)
        })
        .await;
        assert_eq!((last.outcome, last.code, last.attempts), (Some(outcome), Some(status), 1));
        post.settled().await;
        let calls = post.calls().await;
        assert!(calls.len() == 1 && calls[0].url.path() == "/hook", "{status}: {calls:?}");
    }
    work.end().await;
}

async fn a_mail_server_that_refuses_for_good_is_shown_and_one_that_waits_is_asked_again(place: &Place) {
    let answers = Arc::new(std::sync::Mutex::new(vec!["550 unknown", "451 later"]));
    let say = Arc::clone(&answers);
    let post = Post::with(place, move |_| say.lock().unwrap().pop().map(str::to_owned), |_, _| {}).await;
    post.wants(true, None).await;
    let work = post.work();
    post.ended_run().await;
    let email = until(async || post.email().await.filter(|email| email.attempts == 1)).await;
    assert_eq!(
        (email.state, email.outcome, email.code),
        (NoticeState::Retrying, Some(NoticeOutcome::MailUnavailable), Some(451))
    );
    post.time_passes().await;
    let email = until(async || post.email().await.filter(|email| email.attempts == 2)).await;
    assert_eq!(
        (email.state, email.outcome, email.code, email.retry_at),
        (NoticeState::Failed, Some(NoticeOutcome::MailRefused), Some(550), None)
    );
    assert_eq!(post.smtp.taken(), []);
    // The control: the next one is taken.
    post.ended_run().await;
    until(async || post.email().await.filter(|email| email.state == NoticeState::Delivered)).await;
    assert_eq!(post.smtp.taken().len(), 1);
    work.end().await;
}

async fn what_a_killed_process_left_is_told_by_the_next(place: &Place) {
    let post = Post::open(place).await;
    post.answers(200, 100).await;
    // Nobody works here: the process that ended the run is gone at once.
    post.ended_run().await;
    assert_eq!(post.call().await.unwrap().state, NoticeState::Waiting);
    assert_eq!(post.number("SELECT count(*) FROM job WHERE kind = 'tell' AND state = 'queued'").await, 2);
    let work = post.work();
    post.called(NoticeState::Delivered, 1).await;
    post.settled().await;
    assert_eq!((post.calls().await.len(), post.smtp.taken().len()), (1, 1));
    // One that was killed between the call and its note calls again, with the same id.
    post.sql("UPDATE notice SET state = 'waiting' WHERE channel = 'webhook'").await;
    post.sql("UPDATE job SET state = 'queued' WHERE kind = 'tell'").await;
    until(async || (post.calls().await.len() == 2).then_some(())).await;
    post.settled().await;
    let calls = post.calls().await;
    assert_eq!(header(&calls[0], "webhook-id"), header(&calls[1], "webhook-id"));
    assert_eq!(post.smtp.taken().len(), 1, "what was noted is not told again");
    work.end().await;
}

async fn a_run_that_ends_again_is_told_again(place: &Place) {
    let post =
        Post::with(place, |_| None, |settings, _| settings.keep_secrets = Duration::from_secs(60)).await;
    post.answers(200, 100).await;
    let added = post.rig.service.add_entry(&post.alice, post.domain, entry("bob")).await.unwrap();
    post.verify(added.id.0).await;
    let run = post.rig.service.start(&post.alice, post.domain).await.unwrap();
    // A server that nobody can find, and no patience: it fails.
    post.sql("UPDATE import SET failing_since = 1").await;
    let work = post.work();
    until(async || (post.calls().await.len() == 1).then_some(())).await;
    post.rig.service.retry_failed(&post.alice, run).await.unwrap();
    post.sql("UPDATE import SET failing_since = 1").await;
    until(async || {
        let done = post.calls().await.len() == 2;
        // The second attempt may have begun before time was set back.
        post.sql("UPDATE job SET run_at = 0 WHERE kind = 'import' AND state = 'queued'").await;
        post.sql("UPDATE import SET failing_since = 1 WHERE failing_since IS NOT NULL").await;
        done.then_some(())
    })
    .await;
    post.settled().await;
    work.end().await;
    let calls = post.calls().await;
    let bodies: Vec<Value> = calls.iter().map(|call| verified(call, &post.secret)).collect();
    assert_eq!(
        (&bodies[0]["data"]["state"], &bodies[1]["data"]["state"]),
        (&"failed".into(), &"failed".into())
    );
    assert_eq!(bodies[0]["data"]["run"], bodies[1]["data"]["run"]);
    assert_ne!(header(&calls[0], "webhook-id"), header(&calls[1], "webhook-id"));
    assert_eq!(post.smtp.taken().len(), 2);
}

async fn what_is_switched_off_is_not_told(place: &Place) {
    let post = Post::open(place).await;
    post.answers(200, 100).await;
    post.wants(false, None).await;
    post.ended_run().await;
    assert_eq!(post.number("SELECT count(*) FROM notice").await, 0);
    assert_eq!(post.number("SELECT count(*) FROM job WHERE kind = 'tell'").await, 0);
    // Switched off between the end and the telling.
    post.wants(true, Some(format!("{}/hook", post.receiver.uri()))).await;
    post.ended_run().await;
    assert_eq!(post.number("SELECT count(*) FROM notice").await, 2);
    post.wants(false, None).await;
    let work = post.work();
    post.settled().await;
    assert_eq!((post.email().await, post.call().await), (None, None));
    assert!(post.calls().await.is_empty() && post.smtp.taken().is_empty());
    // The control.
    post.wants(true, None).await;
    post.ended_run().await;
    until(async || (post.smtp.taken().len() == 1).then_some(())).await;
    // Without an address there is nowhere to write to.
    post.settled().await;
    post.rig.service.set_preferences(&post.alice, None, Theme::System, None).await.unwrap();
    post.ended_run().await;
    post.settled().await;
    assert_eq!(post.smtp.taken().len(), 1);
    work.end().await;
}

async fn an_address_that_is_not_allowed_is_never_reached(place: &Place) {
    let post = Post::open(place).await;
    let port = post.receiver.address().port();
    // The same port at an address that is not named: whoever is let through here is seen.
    let trap = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
    trap.set_nonblocking(true).unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let work = post.work();
    let mut told = Vec::new();
    for address in [
        format!("http://127.0.0.2:{port}/hook"),
        format!("http://2130706434:{port}/hook"),
        format!("http://nowhere.example:{port}/hook"),
        format!("http://[::ffff:127.0.0.2]:{port}/hook"),
        "http://8.8.8.8/hook".to_owned(),
        "https://169.254.169.254/latest".to_owned(),
    ] {
        post.wants(false, Some(address.clone())).await;
        let run = post.ended_run().await;
        let last =
            until(async || post.call().await.filter(|last| last.run == Some(run) && last.attempts == 1))
                .await;
        told.push((last.state, last.outcome, last.code));
        assert_eq!(last.outcome, Some(NoticeOutcome::NotAnswering), "{address}");
    }
    assert!(told.iter().all(|one| *one == told[0]), "one and the same answer: {told:?}");
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert!(post.calls().await.is_empty());
    // The control: the address that the operator has named.
    post.answers(200, 1).await;
    post.wants(false, Some(format!("http://127.0.0.1:{port}/hook"))).await;
    let run = post.ended_run().await;
    until(async || {
        post.call().await.filter(|last| last.run == Some(run) && last.state == NoticeState::Delivered)
    })
    .await;
    // What listens nowhere looks the same as what is not allowed; its port is not open, so it is not taken at all.
    let refused = post
        .rig
        .service
        .set_notices(
            &post.alice,
            NoticeWishes { email: false, webhook: Some(format!("http://127.0.0.1:{silent}/")) },
        )
        .await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    work.end().await;
}

async fn a_webhooks_secret_is_shown_once_and_sealed(place: &Place) {
    let post = Post::open(place).await;
    post.answers(200, 100).await;
    let secret = post.secret.expose_secret();
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{}", secret.len());
    let hook = || Some(format!("{}/hook?key=geheim", post.receiver.uri()));
    let service = &post.rig.service;
    let wishes = NoticeWishes { email: true, webhook: hook() };
    assert!(service.set_notices(&post.alice, wishes).await.unwrap().is_none(), "it has one");
    let row = "SELECT count(*) FROM notice_setting WHERE webhook_secret IS NOT NULL";
    assert_eq!(post.number(row).await, 1);
    let stored =
        store::tables::notice_setting::Entity::find().one(post.store.reading()).await.unwrap().unwrap();
    let stored = format!("{stored:?}");
    let sealed = String::from_utf8_lossy(&BASE64_STANDARD.decode(&secret[6..]).unwrap()).into_owned();
    assert!(!stored.contains(secret) && !stored.contains(&sealed));
    let renewed = service.renew_webhook_secret(&post.alice).await.unwrap();
    assert_ne!(renewed.expose_secret(), secret);
    let work = post.work();
    service.test_notices(&post.alice).await.unwrap();
    let call = post.called(NoticeState::Delivered, 1).await;
    assert_eq!(call.run, None);
    let body = verified(&post.calls().await[0], &renewed);
    assert_eq!(body["type"], "test");
    until(async || (post.smtp.taken().len() == 1).then_some(())).await;
    work.end().await;

    // A token for reading changes nothing; without a webhook there is no secret; a test needs somebody to tell.
    let reader = Actor {
        via: Via::Token { id: service::model::TokenId::new(), scopes: vec![Scope::Read] },
        ..post.alice.clone()
    };
    let wishes = NoticeWishes { email: true, webhook: None };
    assert_eq!(service.set_notices(&reader, wishes.clone()).await.unwrap_err(), Error::Forbidden);
    assert_eq!(service.renew_webhook_secret(&reader).await.unwrap_err(), Error::Forbidden);
    service.set_notices(&post.alice, NoticeWishes { email: false, ..wishes }).await.unwrap();
    assert_eq!(post.number(row).await, 0);
    assert_eq!(service.renew_webhook_secret(&post.alice).await.unwrap_err(), Error::NotFound);
    assert!(matches!(service.test_notices(&post.alice).await, Err(Error::Invalid(_))));
    service.test_notices(&post.alice).await.unwrap_err();
    assert!(matches!(service.test_notices(&post.alice).await, Err(Error::TooMany { .. })));
    let lines = service.audit(&post.operator, None, 100).await.unwrap();
    let actions: Vec<_> = lines.iter().rev().filter(|line| line.action.starts_with("webhook.")).collect();
    assert_eq!(
        actions.iter().map(|line| line.action.as_str()).collect::<Vec<_>>(),
        ["webhook.set", "webhook.change", "webhook.secret", "webhook.remove"]
    );
    assert!(actions.iter().all(|line| !line.subject.contains("geheim") && line.actor == "alice"));
}

async fn attempts_end(place: &Place) {
    let post = Post::open(place).await;
    post.answers(503, 100).await;
    post.wants(false, Some(format!("{}/hook", post.receiver.uri()))).await;
    let work = post.work();
    post.ended_run().await;
    for attempt in 1..8 {
        post.called(NoticeState::Retrying, attempt).await;
        post.time_passes().await;
    }
    let last = post.called(NoticeState::Failed, 8).await;
    assert_eq!((last.outcome, last.code, last.retry_at), (Some(NoticeOutcome::Status), Some(503), None));
    post.settled().await;
    assert_eq!(post.calls().await.len(), 8);
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_addresses_of_webhooks_are_taken() {
    let place = Place::sqlite();
    let rig = Rig::with(&place, |settings| settings.network = closed_network(&[8443])).await;
    let operator = rig.operator().await;
    let (alice, _) = rig.customer(&operator, "alice", "example.com").await;
    let code = async |address: &str| {
        let wishes = NoticeWishes { email: true, webhook: Some(address.to_owned()) };
        match rig.service.set_notices(&alice, wishes).await {
            Ok(_) => String::new(),
            Err(Error::Invalid(problems)) => problems[0].code.clone(),
            Err(other) => other.to_string(),
        }
    };
    for (address, expected) in [
        ("https://example.org/hook", ""),
        (" https://example.org:8443/hook?key=1 ", ""),
        ("http://example.org/hook", "webhook_https"),
        ("https://example.org:25/hook", "webhook_port"),
        ("https://example.org:993/hook", "webhook_port"),
        ("https://user:pass@example.org/", "webhook_unusable"),
        ("https://example.org/#part", "webhook_unusable"),
        ("ftp://example.org/", "webhook_unusable"),
        ("javascript:alert(1)", "webhook_unusable"),
        ("example.org", "webhook_unusable"),
        ("https://", "webhook_unusable"),
    ] {
        assert_eq!(code(address).await, expected, "{address}");
    }
    assert_eq!(code(&format!("https://example.org/{}", "x".repeat(2000))).await, "webhook_unusable");
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_receivers_are_called_and_those_that_nobody_trusts_are_not() {
    let directory = tempfile::tempdir().unwrap();
    for (kind, expected) in [(Kind::Good, NoticeOutcome::Delivered), (Kind::Expired, NoticeOutcome::Tls)] {
        let files = certificate::write(kind, directory.path()).unwrap();
        let web =
            Web::start(certificate::server_config(&files).unwrap(), |_| Some(Reply::found("ok"))).unwrap();
        let roots = TlsTrust::parse_pem(&std::fs::read(&files.ca).unwrap()).unwrap();
        let tls = imap::Tls::new(TlsTrust { additional_roots: roots, pin: None }).unwrap();
        let port = web.addr().port();
        let place = Place::sqlite();
        let post = Post::with(
            &place,
            |_| None,
            |settings, other| settings.network = network_with_web(tls, port, &[other]),
        )
        .await;
        post.wants(false, Some(format!("https://localhost:{port}/hook"))).await;
        let work = post.work();
        post.ended_run().await;
        let last = until(async || post.call().await.filter(|last| last.attempts == 1)).await;
        assert_eq!(last.outcome, Some(expected), "{kind:?}");
        assert_eq!(web.asked().len(), usize::from(kind == Kind::Good));
        work.end().await;
    }
}
