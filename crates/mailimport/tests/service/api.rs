//! The API under calls that Schemathesis makes up from its description: no fault of ours, and no answer that the
//! description does not tell of.

use std::net::UdpSocket;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::factory;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::process::{Place, SIGN_IN, Server};
use crate::visitor::Visitor;

const OLD: &str = "old horse battery";

/// Streams never end.
const STREAMS: &str = "^(domain|run|import)_events$";
/// What only people do, with name and password.
const FOR_PEOPLE: &str = "^/api/v1/(tokens|account/(password|totp))";

/// A service with something in it: a run that ended, an entry that is ready.
struct Scene {
    _old: Dovecot,
    names: NameServer,
    place: Place,
    server: Server,
    known: Vec<(&'static str, String)>,
    token: String,
    operator: String,
}

/// Knows no name, and remembers that it was asked.
struct NameServer {
    socket: UdpSocket,
    asked: Arc<AtomicU32>,
}

impl NameServer {
    fn start() -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let (answering, counted) = (socket.try_clone().unwrap(), Arc::clone(&asked));
        std::thread::spawn(move || {
            let mut message = [0; 4096];
            while let Ok((length, from)) = answering.recv_from(&mut message) {
                if length == 0 {
                    break;
                }
                counted.fetch_add(1, Ordering::Relaxed);
                // An answer, recursion available, no such name (RFC 1035, 4.1.1). No counts of what is not there.
                message[2] |= 0x80;
                message[3] = 0x83;
                message[6..12].fill(0);
                let end = question_end(&message[..length]).unwrap_or(12);
                let _ = answering.send_to(&message[..end], from);
            }
        });
        NameServer { socket, asked }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.socket.send_to(&[], self.socket.local_addr().unwrap());
    }
}

/// Where the one question ends: labels, the root, type and class.
fn question_end(message: &[u8]) -> Option<usize> {
    let mut at = 12;
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(at + 5).filter(|end| *end <= message.len()),
            label => at += label + 1,
        }
    }
}

impl Scene {
    fn new() -> Scene {
        let old = Dovecot::start(&DovecotOptions::with_users([User::new("alice", OLD)])).unwrap();
        old.write_account("alice", &factory::generated_small()).unwrap();
        let names = NameServer::start();
        let port = old.tls().port();
        let mut place = Place::with_old_server(port, old.ca_pem());
        // Names that are made up lead nowhere; of addresses that are not public the old server's alone is allowed.
        place.settings += &format!("name_servers = [\"{}\"]\n", names.socket.local_addr().unwrap());
        let password = place.directory.path().join("sign-in");
        std::fs::write(&password, SIGN_IN).unwrap();
        for name in ["anna", "ben"] {
            place.admin(&["users", "add", name, "--password-file", password.to_str().unwrap()]);
        }
        place.admin(&["domains", "add", "example.org", "anna"]);
        let token = place.admin(&["tokens", "add", "anna", "test"]);
        let server = place.serve();
        let operator = operator(&place, &server);
        let mut scene = Scene { _old: old, names, place, server, known: Vec::new(), token, operator };
        scene.fill(port);
        scene
    }

    /// A run that has ended, so that reports exist, and an entry that could be started.
    fn fill(&mut self, port: u16) {
        let domain = self.ask(&self.token, "GET", "/domains", "")[0]["id"].as_str().unwrap().to_owned();
        let add = |mailbox: &str| {
            let entry = json!({
                "server": format!("imaps://127.0.0.1:{port}"), "username": "alice", "password": OLD,
                "mailbox": mailbox, "mailbox_password": "Neues-Passwort-1",
            });
            let added =
                self.ask(&self.token, "POST", &format!("/domains/{domain}/entries"), &entry.to_string());
            let id = added["id"].as_str().unwrap().to_owned();
            self.until(&format!("/entries/{id}"), |entry| entry["state"] == "verified");
            id
        };
        add("alice");
        let run = self.ask(&self.token, "POST", &format!("/domains/{domain}/runs"), "");
        let run = run["id"].as_str().unwrap().to_owned();
        self.until(&format!("/runs/{run}"), |run| run["state"] == "completed");
        let import = self.ask(&self.token, "GET", &format!("/runs/{run}/imports"), "")[0]["id"].clone();
        let customers = self.ask(&self.operator, "GET", "/operator/customers", "");
        let ben = customers.as_array().unwrap().iter().find(|customer| customer["name"] == "ben").unwrap();
        let known = [("import", &import), ("customer", &ben["id"])];
        let known = known.map(|(name, id)| (name, id.as_str().unwrap().to_owned()));
        let entry = add("second");
        self.known = vec![("domain", domain), ("run", run), ("entry", entry)];
        self.known.extend(known);
    }

    #[track_caller]
    fn ask(&self, token: &str, method: &str, path: &str, body: &str) -> Value {
        let answer = self.server.ask(method, &format!("/api/v1{path}"), Some(token), body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}\n{}", self.server.log());
        answer.json()
    }

    #[track_caller]
    fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so(&self.ask(&self.token, "GET", path, "")) {
            assert!(Instant::now() < deadline, "{path}\n{}", self.server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Schemathesis with these arguments, against the description in a file of that name or the service's own.
    fn schemathesis(&self, arguments: &[&str], configuration: &str, description: Option<&str>) -> Output {
        let directory = self.place.directory.path();
        let config = directory.join("schemathesis.toml");
        std::fs::write(&config, configuration).unwrap();
        let base = format!("http://{}", self.server.address);
        let own = format!("{base}/api/v1/openapi.json");
        let mut command = Command::new(testkit::schemathesis::program().unwrap());
        command.arg("--no-color").arg("--config-file").arg(config).arg("run");
        command.arg(description.unwrap_or(&own)).args(["--url", &base]).args(arguments);
        command.args(["--generation-deterministic"]);
        command.args(["--exclude-operation-id-regex", STREAMS, "--continue-on-failure"]);
        // It writes where it stands.
        command.current_dir(directory).env("HOME", directory).output().unwrap()
    }

    /// No finding, and nothing in the service's log that would be one.
    #[track_caller]
    fn holds(&self, arguments: &[&str], configuration: &str) {
        let output = self.schemathesis(arguments, configuration, None);
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{complaint}");
        let log = self.server.log();
        assert!(!log.contains("panicked") && !log.contains("internal fault"), "{said}\n{log}");
    }

    /// The ids of what there is, in place of ones that are made up.
    fn configuration(&self) -> String {
        let known = self.known.iter().map(|(name, id)| format!("\"path.{name}\" = \"{id}\"\n"));
        format!("{CHECKS}\n[parameters]\n{}", known.collect::<String>())
    }
}

/// Every check, but two. What fits the schema can still be refused by rules that no schema can tell (a line that is in the
/// list already). Every text is a CSV file.
const CHECKS: &str = "[checks]\npositive_data_acceptance.enabled = false\n\
    [[operations]]\ninclude-operation-id = [\"add_csv\", \"preview_csv\"]\n\
    checks.negative_data_rejection.enabled = false\n";

/// The first operator's token: the link of the first start is used as a person would.
fn operator(place: &Place, server: &Server) -> String {
    let link = format!("/link/{}", server.link().unwrap());
    let mut visitor = Visitor::new(server.address);
    visitor.get(&link);
    let password = SIGN_IN.replace(' ', "+");
    let fields = format!("name=boss&password={password}&password_again={password}");
    let answer = visitor.post(&link, &fields);
    assert_eq!(answer.status, 303, "{answer:?}");
    place.admin(&["tokens", "add", "boss", "test", "--scope", "read,write,admin"])
}

#[test]
fn no_call_that_the_description_leads_to_is_a_fault_or_answered_otherwise_than_described() {
    let scene = Scene::new();
    let customer = format!("Authorization: Bearer {}", scene.token);
    let operator = format!("Authorization: Bearer {}", scene.operator);
    // Ids that are made up, or come from answers; then those of what is there, until it is removed.
    scene.holds(&["-n", "10", "-H", &customer], CHECKS);
    scene.holds(&["-n", "10", "-H", &customer, "--phases", "coverage,fuzzing"], &scene.configuration());
    let own = ["--include-tag", "operator"];
    scene.holds(&[&["-n", "10", "-H", &operator], own.as_slice()].concat(), CHECKS);
    let some =
        ["-n", "10", "-H", &operator, "--include-path-regex", "/customers", "--phases", "coverage,fuzzing"];
    scene.holds(&some, &scene.configuration());
    // With name and password few calls are let through in a minute; the others are told to wait.
    let person = format!("anna:{SIGN_IN}");
    scene.holds(&["-n", "1", "-a", &person, "--include-path-regex", FOR_PEOPLE], CHECKS);
    assert!(scene.names.asked.load(Ordering::Relaxed) > 0, "names are asked for here, and nowhere else");
}

/// The control: a description that is wrong in one word is found out.
#[test]
fn an_answer_that_is_not_as_described_is_found() {
    let scene = Scene::new();
    let customer = format!("Authorization: Bearer {}", scene.token);
    let mut description = scene.ask(&scene.token, "GET", "/openapi.json", "");
    let only = ["-n", "1", "-H", &customer, "--include-operation-id", "show_account"];
    let try_with = |description: &Value| {
        std::fs::write(scene.place.directory.path().join("openapi.json"), description.to_string()).unwrap();
        scene.schemathesis(&only, CHECKS, Some("openapi.json"))
    };
    let right = try_with(&description);
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stdout));
    description["components"]["schemas"]["Customer"]["properties"]["has_totp"] = json!({ "type": "integer" });
    let wrong = try_with(&description);
    let said = String::from_utf8_lossy(&wrong.stdout);
    assert!(!wrong.status.success() && said.contains("has_totp"), "{said}");
}
