//! Five hundred accounts at once: the pages stay usable, for eyes and for a screen reader.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};
use testkit::browser::Browser;
use testkit::factory::{AccountSpec, FolderSpec, MessageSpec};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::process::{Place, Server};
use crate::window::{PATIENCE, Scripts, Window};

const ACCOUNTS: usize = 500;
const OLD: &str = "old horse battery";

/// What a page's stream told.
#[derive(Default)]
struct Told {
    /// Events with changes.
    events: u64,
    /// Rows that they renewed.
    rows: u64,
    /// From the first octet to the end.
    seconds: u64,
}

/// Listens to a page's stream until it has told that the run ended.
fn listen(to: SocketAddr, path: &str, cookie: &str) -> Told {
    let mut stream = TcpStream::connect(to).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {to}\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n"
    )
    .unwrap();
    let began = Instant::now();
    let mut told = Told::default();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event: Value = serde_json::from_str(data).unwrap();
        told.events += 1;
        let fragments = event["fragments"].as_array().unwrap();
        told.rows +=
            fragments.iter().filter(|f| f["id"].as_str().unwrap().starts_with("import-")).count() as u64;
        assert!(event["announce"].is_string(), "one sentence, for all rows: {event}");
        // Some were done before the rest was cancelled.
        if event["title"].as_str().unwrap().starts_with("Done") {
            told.seconds = began.elapsed().as_secs();
            return told;
        }
    }
    panic!("the stream ended before the run did");
}

impl Window {
    /// Counts what a screen reader is told from now on.
    async fn count_announcements(&self) {
        let script = "window.told = 0;
            new MutationObserver(() => { window.told += 1; })
                .observe(document.querySelector('#announce'), { childList: true, characterData: true, subtree: true });";
        self.client.execute(script, Vec::new()).await.unwrap();
    }

    async fn announcements(&self) -> u64 {
        self.client.execute("return window.told;", Vec::new()).await.unwrap().as_u64().unwrap()
    }

    async fn rows(&self, table: &str) -> Value {
        let script = format!("return document.querySelectorAll('table.{table} > tbody > tr').length;");
        self.client.execute(&script, Vec::new()).await.unwrap()
    }

    /// The session, as a request's header says it.
    async fn cookie(&self) -> String {
        let cookies = self.client.get_all_cookies().await.unwrap();
        cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn name(number: usize) -> String {
    format!("user{number:03}")
}

fn old_provider() -> Dovecot {
    let users = (0..ACCOUNTS).map(|number| User::new(&name(number), OLD));
    let old = Dovecot::start(&DovecotOptions::with_users(users)).unwrap();
    let message = "From: a@example.org\r\nSubject: One\r\n\r\nOne.\r\n";
    let account = AccountSpec {
        folders: vec![FolderSpec::new(&["INBOX"], vec![MessageSpec::exact(message, 1_600_000_000)])],
    };
    for number in 0..ACCOUNTS {
        old.write_account(&name(number), &account).unwrap();
    }
    old
}

/// The median of some loads of a page, in milliseconds, and its octets.
fn measure(server: &Server, path: &str, cookie: &str) -> (u128, usize) {
    let load = || {
        let began = Instant::now();
        let answer = crate::http::ask_with(server.address, &format!("Cookie: {cookie}\r\n"), path);
        assert_eq!(answer.status, 200, "{}", answer.head);
        (began.elapsed().as_millis(), answer.body.len())
    };
    let mut loads: Vec<_> = (0..15).map(|_| load()).collect();
    loads.sort_unstable();
    loads[loads.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_500_entries_stays_usable() {
    let old = old_provider();
    let place = Place::with_old_server(old.tls().port(), old.ca_pem());
    place.add_customer();
    let token = place.admin(&["tokens", "add", "kunde", "test"]);
    let server = place.serve();
    let browser = Browser::start().unwrap();
    let window = Window::open(&browser, Scripts::On, 1280).await;
    window.sign_in(&server).await;
    let cookie = window.cookie().await;
    window.count_announcements().await;
    let watched = Instant::now();

    // They come by the API while the page is looked at.
    let list: String = (0..ACCOUNTS)
        .map(|number| {
            format!("imaps://{};{};{OLD};{};Neues-Passwort-1\n", old.tls(), name(number), name(number))
        })
        .collect();
    let domains = server.ask("GET", "/api/v1/domains", Some(&token), "").json();
    let domain = domains[0]["id"].as_str().unwrap();
    let added = crate::http::send(
        server.address,
        &format!("/api/v1/domains/{domain}/entries/csv"),
        &token,
        "text/csv",
        &list,
    );
    assert_eq!(added.status, 201, "{added:?}");
    let ready = async |window: &Window| window.text("#summary .counts").await.contains("500 ready");
    window.until_within(PATIENCE * 4, "all are ready", ready).await;
    assert_eq!(window.rows("entries").await, json!(ACCOUNTS));
    let told = window.announcements().await;
    assert!(told <= watched.elapsed().as_secs() / 5 + 1, "{told} announcements");
    let list = measure(&server, "/domains/example.org/mailimport", &cookie);

    window.click("#start").await;
    window.click("article.run h3 a").await;
    window.find("table.imports").await;
    window.count_announcements().await;
    let watched = Instant::now();
    let run = window.client.current_url().await.unwrap().path().to_owned();
    let (to, path, whose) = (server.address, format!("{run}/events?since=0"), cookie.clone());
    let listening = std::thread::spawn(move || listen(to, &path, &whose));
    // All that is left changes at once, for a page that is looked at and for one that comes later.
    window.until("some are done", async |window| window.text("#overview").await.contains(" done,")).await;
    let announced = window.announcements().await;
    assert!(announced <= watched.elapsed().as_secs() / 5 + 1, "{announced} announcements");
    window.click("#overview details.confirm summary").await;
    window.click("#overview details.confirm button.danger").await;
    let told = listening.join().unwrap();
    assert!(told.events <= told.seconds + 2, "{} events in {} s", told.events, told.seconds);
    assert!(told.rows >= ACCOUNTS as u64, "{} rows", told.rows);
    window
        .until("the run has ended", async |window| window.text("#overview").await.contains("cancelled"))
        .await;
    assert_eq!(window.rows("imports").await, json!(ACCOUNTS));
    window.client.clone().close().await.unwrap();

    // Times are shown and not judged: `--no-capture`, and a program that was built for speed.
    let run = measure(&server, &run, &cookie);
    println!("list: {} ms, {} octets; run: {} ms, {} octets", list.0, list.1, run.0, run.1);
    println!("stream: {} events, {} rows in {} s", told.events, told.rows, told.seconds);
}
