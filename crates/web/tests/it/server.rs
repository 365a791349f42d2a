//! Listening: TLS, streams that end with the server, measurements, and a log that holds no secret.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use web::{Certificate, Listen, Settings};

use crate::rig::{Browser, CANARY, MAILBOX_CANARY, PASSWORD, Place, Rig, bearer};

/// How long something may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads until the other side closes, or says no more for a long time.
fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_in_good_order_and_streams_with_it() {
    let rig = Rig::new().await;
    let (listener, address) = listener();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (path, token) = (format!("/api/v1/runs/{}/events", rig.anna.run), rig.anna.token.clone());
    let serving = tokio::spawn(rig.web.serve(Listen::Plain(listener), async { drop(stopped.await) }));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut beginning = [0_u8; 15];
    stream.read_exact(&mut beginning).unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    let rest = tokio::task::spawn_blocking(move || {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).map(|_| rest)
    });
    // The last chunk: the stream was closed, not cut.
    assert!(rest.await.unwrap().unwrap().ends_with("0\r\n\r\n"));
    tokio::time::timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_browsers_are_held_to_it_and_nothing_plain_is_answered() {
    let rig = Rig::new().await;
    let directory = tempfile::tempdir().unwrap();
    let files = testkit::certificate::write(testkit::certificate::Kind::Good, directory.path()).unwrap();
    let (listener, address) = listener();
    let certificate = Certificate { chain: files.certificate.clone(), key: files.key.clone() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving =
        tokio::spawn(rig.web.serve(Listen::Tls(listener, certificate), async { drop(stopped.await) }));
    let output = tokio::task::spawn_blocking(move || {
        std::process::Command::new("curl")
            .args(["-sS", "-i", "--max-time", "60", "--cacert"])
            .arg(&files.ca)
            .arg(format!("https://localhost:{}/sign-in", address.port()))
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(answer.contains(" 200"), "{answer}{}", String::from_utf8_lossy(&output.stderr));
    assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
    assert!(
        answer.contains("set-cookie: __host-mailimport-visitor=") && answer.contains("; secure"),
        "{answer}"
    );
    let plain =
        tokio::task::spawn_blocking(move || exchange(address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(!plain.await.unwrap_or_default().contains("HTTP/1.1"));
    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn measurements_are_for_who_has_the_token_and_health_for_everybody() {
    let handle = web::metrics::install().unwrap();
    let settings = Settings { metrics: Some((handle, "scraper".into())), ..Settings::default() };
    let rig = Rig::with(Place::sqlite(), settings, |_| {}).await;
    let ask = async |token: &str| {
        let request =
            Request::get("/metrics").header("authorization", bearer(token)).body(Body::empty()).unwrap();
        rig.send(request).await
    };
    Browser::of(&rig.anna).get(&rig, &format!("/runs/{}", rig.anna.run)).await;
    assert_eq!(ask("wrong").await.status, StatusCode::UNAUTHORIZED);
    let shown = ask("scraper").await;
    assert_eq!(shown.status, StatusCode::OK);
    let line = "mailimport_http_requests_total{method=\"GET\",route=\"/runs/{run}\",status=\"200\"} 1";
    assert!(shown.body.contains(line), "{}", shown.body);
    assert!(!shown.body.contains(&rig.anna.run.to_string()) && !shown.body.contains("anna"));
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        assert_eq!(Browser::default().get(&rig, path).await.body, body);
    }
    // Where it is off, it is not there.
    let off = Rig::new().await;
    assert_eq!(Browser::default().get(&off, "/metrics").await.status, StatusCode::NOT_FOUND);
}

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push_str(&format!("{}={value:?} ", field.name()));
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_secret_stands_in_the_log_at_any_level() {
    // With a single subscriber, tracing asks the thread that comes first to a line whether it is wanted, for all threads
    // and for good; that may be another test's, which has none. With two it asks both.
    let _second = tracing::Dispatch::new(Log::default());
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let rig = Rig::new().await;
    let mut browser = Browser::of(&rig.anna);
    let fields = format!("server=x&username=u&password={CANARY}&mailbox=m&mailbox_password={MAILBOX_CANARY}");
    browser.post(&rig, "/domains/anna.example/mailimport/entries", &fields).await;
    let mut stranger = Browser::default();
    stranger.get(&rig, "/sign-in?next=%2Fnext-canary").await;
    let password = PASSWORD.replace(' ', "+");
    stranger.post(&rig, "/sign-in", &format!("name=anna&password={password}")).await;
    let link = rig.service.reset_link(&rig.operator.actor, rig.ben.id).await.unwrap().secret;
    let page = Browser::default().get(&rig, &format!("/link/{link}")).await;
    assert_eq!(page.status, StatusCode::OK);
    let path = format!("/api/v1/domains/{}/entries", rig.anna.domain);
    let body = format!(r#"{{"username":"a","password":"{CANARY}","mailbox":4711}}"#);
    let token = bearer(&rig.anna.token);
    let call = rig.call("POST".parse().unwrap(), &path, &token, crate::rig::Json::Text(&body)).await;
    assert_eq!(call.status, StatusCode::UNPROCESSABLE_ENTITY);
    let written = log.0.lock().unwrap().clone();
    // The control: requests are logged, by their pattern.
    assert!(written.contains("/link/{secret}") && written.contains("status=200"), "{written}");
    let session = stranger.cookie("mailimport").unwrap();
    let secrets =
        [CANARY, MAILBOX_CANARY, PASSWORD, &password, &link, session, &rig.anna.token, &rig.anna.csrf];
    for secret in secrets.into_iter().chain(["next-canary"]) {
        assert!(!written.contains(secret), "{secret} in the log");
    }
}
