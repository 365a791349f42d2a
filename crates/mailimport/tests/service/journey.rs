//! From a token to mail that a real Dovecot serves, with the server killed on the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::factory;
use testkit::judge::{self, Mapping};
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::process::{Place, Server};

const OLD: &str = "old horse battery";
const NEW: &str = "Neues-Passwort-1";
/// An old provider, a way to it that can be stalled, a place for the service.
struct Scene {
    old: Dovecot,
    way: Proxy,
    place: Place,
}

impl Scene {
    fn new() -> Scene {
        let old = Dovecot::start(&DovecotOptions::with_users([User::new("alice", OLD)])).unwrap();
        old.write_account("alice", &factory::generated_small()).unwrap();
        let way = Proxy::start(old.tls()).unwrap();
        let place = Place::with_old_server(way.addr().port(), old.ca_pem());
        Scene { old, way, place }
    }
}

/// A Dovecot with the very configuration that `mailimport admin dovecot-config` prints.
pub(crate) fn serve_with_printed_configuration(place: &Place) -> Dovecot {
    let files = place.directory.path().join("tls");
    std::fs::create_dir_all(&files).unwrap();
    let files = testkit::certificate::write(testkit::certificate::Kind::Good, &files).unwrap();
    let arguments = [
        "dovecot-config",
        "--for",
        "2.3",
        "--certificate",
        files.certificate.to_str().unwrap(),
        "--key",
        files.key.to_str().unwrap(),
    ];
    let complete = Some(place.admin(&arguments) + "\n");
    Dovecot::start(&DovecotOptions { complete, ..DovecotOptions::default() }).unwrap()
}

/// Whoever uses the API for one domain.
struct Client<'a> {
    server: &'a Server,
    token: &'a str,
}

impl Client<'_> {
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = self.server.ask(method, &format!("/api/v1{path}"), Some(self.token), body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}\n{}", self.server.log());
        answer.json()
    }

    /// Asks until it is so; the limit ends a test that would never end.
    #[track_caller]
    fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let value = self.ask("GET", path, "");
            if is_so(&value) {
                return value;
            }
            assert!(Instant::now() < deadline, "{value:#}\n{}", self.server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_run_survives_a_killed_server_and_its_mail_is_served_with_the_password_that_was_given() {
    let scene = Scene::new();
    let place = &scene.place;
    place.admin(&["users", "add", "anna"]);
    place.admin(&["domains", "add", "example.org", "anna"]);
    let token = place.admin(&["tokens", "add", "anna", "test"]);

    let mut server = place.serve();
    let client = Client { server: &server, token: &token };
    let domain = client.ask("GET", "/domains", "")[0]["id"].as_str().unwrap().to_owned();
    let entry = json!({
        "server": format!("imaps://127.0.0.1:{}", scene.way.addr().port()), "username": "alice", "password": OLD,
        "mailbox": "Alice", "mailbox_password": NEW,
    });
    let entry = client.ask("POST", &format!("/domains/{domain}/entries"), &entry.to_string());
    let entry = client.until(&format!("/entries/{}", entry["id"].as_str().unwrap()), |entry| {
        !matches!(entry["state"].as_str(), Some("queued" | "checking"))
    });
    assert_eq!((&entry["state"], &entry["check"]["messages"]), (&json!("verified"), &json!(60)), "{entry:#}");

    scene.way.delay(Duration::from_millis(5));
    let before = scene.way.octets_from_server();
    let run = client.ask("POST", &format!("/domains/{domain}/runs"), "");
    let run = format!("/runs/{}", run["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(60);
    while scene.way.octets_from_server() < before + 20_000 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    scene.way.stall();
    server.signal("KILL");
    assert!(!server.wait().success());
    scene.way.resume();

    let mut server = place.serve();
    let client = Client { server: &server, token: &token };
    let ended = client.until(&run, |run| !run["finished_at"].is_null());
    assert_eq!(ended["state"], "completed", "{ended:#}\n{}", server.log());
    let report = client.ask("GET", &format!("{run}/report"), "");
    assert_eq!(report["schema"], "mailimport.run/1");
    assert_eq!(report["imports"][0]["totals"]["imported"], 60, "{report:#}");
    server.signal("TERM");
    assert!(server.wait().success());

    let new = serve_with_printed_configuration(&scene.place);
    let from = judge::Account::new(scene.old.plain(), "alice", OLD);
    let to = judge::Account::new(new.plain(), "alice@example.org", NEW);
    judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
    let wrong = testkit::imap_client::Client::login(new.plain(), "alice@example.org", OLD);
    assert!(wrong.is_err(), "the old password is not the new one");
}
