//! Secrets that stand nowhere else go through a whole journey, and are looked for everywhere afterwards: processes,
//! files, output, pages, answers, reports, measurements.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::factory;
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::http::{self, Answer};
use crate::process::{Place, Server};
use crate::sightings::{Canary, Watch};
use crate::visitor::Visitor;

const SCRAPER: &str = "scrape me";
/// Stands where it may be seen: it shows that the places are looked at.
const SEEN: &str = "user-name-that-may-be-seen";
/// Pages of a crawl at most; a journey has far fewer.
const PAGES: usize = 300;

/// The secrets of one journey.
struct Secrets {
    source: Canary,
    mailbox: Canary,
    wrong: Canary,
    broken: Canary,
    sign_in: Canary,
    token: Canary,
}

impl Secrets {
    fn watch(&self) -> Watch {
        Watch::new(&[
            (&self.source, "alice"),
            (&self.mailbox, "alice@example.org"),
            (&self.wrong, SEEN),
            (&self.broken, "alice"),
            (&self.sign_in, "anna"),
            (&self.token, "anna"),
        ])
    }

    /// A file with a good line, one with a wrong password, and three that cannot be cut into columns.
    fn csv(&self, server: &str) -> String {
        let quoted = |canary: &Canary| format!("\"{}\"", canary.text.replace('"', "\"\""));
        let (source, mailbox) = (quoted(&self.source), quoted(&self.mailbox));
        let (wrong, broken) = (quoted(&self.wrong), quoted(&self.broken));
        format!(
            "{server};alice;{source};alice;{mailbox}\r\n{server};{SEEN};{wrong};bob;{mailbox}\r\n\
             {server};short;{broken}\r\n{server};long;{broken};x;{broken};y;{0}\r\n\
             {server};open;\"{0}",
            self.broken.text
        )
    }
}

/// An old provider, a way to it that can be stalled, directories.
struct Scene {
    _old: Dovecot,
    way: Proxy,
    place: Place,
    aside: tempfile::TempDir,
    authority: PathBuf,
    secrets: Secrets,
}

impl Scene {
    fn new() -> Scene {
        let source = Canary::new("the source's password");
        let old = Dovecot::start(&DovecotOptions::with_users([User::new("alice", &source.text)])).unwrap();
        old.write_account("alice", &factory::generated_small()).unwrap();
        let way = Proxy::start(old.tls()).unwrap();
        let mut place = Place::with_old_server(way.addr().port(), old.ca_pem());
        std::fs::create_dir(place.directory.path().join("tmp")).unwrap();
        // A level by part holds for everything that logs, also for what others wrote.
        place.settings += &format!(
            "[log]\nformat = \"json\"\nlevel = \"trace,mailimport=trace\"\n[metrics]\ntoken = \"{SCRAPER}\"\n"
        );
        let secrets = Secrets {
            source,
            mailbox: Canary::new("the mailbox's password"),
            wrong: Canary::new("a wrong password"),
            broken: Canary::new("a password on a broken line"),
            sign_in: Canary::new("the password to sign in with"),
            token: Canary::of("the token", "none yet"),
        };
        let authority = old.ca_pem().to_owned();
        // What the customer has lies outside of what is looked at.
        let aside = tempfile::tempdir().unwrap();
        Scene { _old: old, way, place, aside, authority, secrets }
    }

    /// A customer with a domain; the token is a secret too.
    fn settle(&mut self) {
        let password = self.aside.path().join("sign-in");
        std::fs::write(&password, &self.secrets.sign_in.text).unwrap();
        self.place.admin(&["users", "add", "anna", "--password-file", password.to_str().unwrap()]);
        self.place.admin(&["domains", "add", "example.org", "anna"]);
        let token = self.place.admin(&["tokens", "add", "anna", "test"]);
        self.secrets.token = Canary::of("the token", &token);
    }

    fn serve(&self) -> Server {
        let mut command = self.place.command(&["serve", "--listen", "127.0.0.1:0"]);
        let directory = self.place.directory.path();
        Server::start(command.env("TMPDIR", directory.join("tmp")), directory)
    }

    fn server(&self) -> String {
        format!("imaps://127.0.0.1:{}", self.way.addr().port())
    }
}

/// Whoever looks at everything that the service shows, and remembers it.
struct Onlooker<'a> {
    scene: &'a Scene,
    server: &'a Server,
    watch: Watch,
    seen: Watch,
}

impl<'a> Onlooker<'a> {
    fn new(scene: &'a Scene, server: &'a Server) -> Onlooker<'a> {
        let may_be_seen = Canary::of("what may be seen", SEEN);
        Onlooker { scene, server, watch: scene.secrets.watch(), seen: Watch::new(&[(&may_be_seen, "")]) }
    }

    fn look(&mut self, kind: &str, place: &str, answer: &Answer) {
        let octets = [answer.head.as_bytes(), b"\n", answer.body.as_bytes()].concat();
        self.watch.look(&format!("{kind} {place}"), &octets);
        self.seen.look(kind, &octets);
    }

    fn call(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let (token, length) = (&self.scene.secrets.token.text, body.len());
        let request = format!(
            "{method} /api/v1{path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = http::exchange(self.server.address, &request);
        self.look("answer of the API", &format!("{method} {path}"), &answer);
        answer
    }

    #[track_caller]
    fn ask(&mut self, method: &str, path: &str, body: &str) -> Value {
        let answer = self.call(method, path, "application/json", body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.json()
    }

    #[track_caller]
    fn until(&mut self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let value = self.ask("GET", path, "");
            if is_so(&value) {
                return value;
            }
            assert!(Instant::now() < deadline, "{path}: {value:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every answer that can be had by looking, for these ids.
    fn read_api(&mut self, ids: &BTreeMap<&str, String>) {
        let description = self.ask("GET", "/openapi.json", "");
        for (path, operations) in description["paths"].as_object().unwrap() {
            if operations.get("get").is_none() || path.ends_with("/events") {
                continue;
            }
            let known = |path: String, (name, id): (&&str, &String)| path.replace(&format!("{{{name}}}"), id);
            let path = ids.iter().fold(path.replace("/api/v1", ""), known);
            self.call("GET", &path, "application/json", "");
        }
        let metrics = self.server.ask("GET", "/metrics", Some(SCRAPER), "");
        assert_eq!(metrics.status, 200);
        self.look("measurements", "", &metrics);
    }

    /// Follows every link from the first page on. Says which pages there were.
    fn crawl(&mut self, visitor: &mut Visitor) -> BTreeSet<String> {
        let mut ahead = vec!["/".to_owned()];
        let mut been = BTreeSet::new();
        while let Some(path) = ahead.pop() {
            if path.contains("/events") || !been.insert(path.clone()) {
                continue;
            }
            assert!(been.len() < PAGES, "{been:#?}");
            let answer = visitor.get(&path);
            self.look("page", &path, &answer);
            ahead.extend(links(&answer));
        }
        been
    }

    /// What the machine has of it: processes, and all files.
    fn look_at_machine(&mut self) {
        let processes = self.watch.look_at_processes();
        assert!(processes.contains(&self.server.id()));
        self.look_at_files();
    }

    fn look_at_files(&mut self) {
        let directory = self.scene.place.directory.path();
        self.watch.look_below(directory);
        self.seen.look_below(&directory.join("data"));
    }
}

/// Where an answer leads to on this server.
fn links(answer: &Answer) -> Vec<String> {
    let moved = answer.head.lines().filter_map(|line| line.strip_prefix("location: "));
    let named = answer.body.split("href=\"").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
    let own = moved.chain(named).filter(|link| link.starts_with('/'));
    own.map(|link| link.replace("&amp;", "&")).collect()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Prepares what is right, what is wrong and what is broken, by each way there is. Ids by their names.
fn prepare(onlooker: &mut Onlooker, visitor: &mut Visitor) -> BTreeMap<&'static str, String> {
    let (secrets, server) = (&onlooker.scene.secrets, onlooker.scene.server());
    let csv = secrets.csv(&server);
    let domain = onlooker.ask("GET", "/domains", "")[0]["id"].as_str().unwrap().to_owned();
    let entries = format!("/domains/{domain}/entries");
    onlooker.call("POST", &format!("{entries}/csv/preview"), "text/csv", &csv);
    let added = onlooker.call("POST", &format!("{entries}/csv"), "text/csv", &csv).json();
    assert_eq!(added["entries"].as_array().map(Vec::len), Some(5), "{added:#}");
    // JSON of another shape than it should have.
    for body in [
        json!({ "username": "alice", "password": secrets.broken.text, "mailbox": 1 }),
        json!({ "username": "alice", "password": [secrets.broken.text], "mailbox": "x" }),
        json!({ "username": "alice", "password": "x", "mailbox": "x", secrets.broken.text.clone(): 1 }),
    ] {
        let refused = onlooker.call("POST", &entries, "application/json", &body.to_string());
        assert_eq!(refused.status, 422);
    }
    // And by the page: one that is not right.
    let fields = format!(
        "server={}&username=alice&password={}&mailbox=a+b&mailbox_password={}",
        encoded(&server),
        encoded(&secrets.wrong.text),
        encoded(&secrets.broken.text)
    );
    let page = "/domains/example.org/mailimport";
    visitor.get(page);
    let answer = visitor.post(&format!("{page}/entries"), &fields);
    assert!(matches!(answer.status, 303 | 422), "{answer:?}");
    onlooker.look("page", "the form's answer", &answer);
    onlooker.until(&entries, |list| {
        let waits = |entry: &Value| matches!(entry["state"].as_str(), Some("queued" | "checking"));
        !list.as_array().unwrap().iter().any(waits)
    });
    let list = onlooker.ask("GET", &entries, "");
    let states: Vec<&str> = list.as_array().unwrap().iter().map(|e| e["state"].as_str().unwrap()).collect();
    assert!(states.starts_with(&["verified", "check_failed", "invalid", "invalid", "invalid"]), "{list:#}");
    BTreeMap::from([("domain", domain), ("entry", list[1]["id"].as_str().unwrap().to_owned())])
}

#[test]
fn no_secret_of_a_whole_journey_is_seen_anywhere() {
    let mut scene = Scene::new();
    scene.settle();
    let mut server = scene.serve();
    let mut onlooker = Onlooker::new(&scene, &server);
    let mut visitor = Visitor::new(server.address);
    visitor.get("/sign-in");
    let sign_in = format!("name=anna&password={}&next=%2F", encoded(&scene.secrets.sign_in.text));
    assert_eq!(visitor.post("/sign-in", &sign_in).status, 303);
    let mut ids = prepare(&mut onlooker, &mut visitor);
    onlooker.read_api(&ids);
    let pages = onlooker.crawl(&mut visitor);
    assert!(pages.iter().any(|page| page.ends_with("/remove")) && pages.contains("/account"), "{pages:#?}");
    onlooker.look_at_machine();

    onlooker.ask("POST", &format!("/domains/{}/entries/remove-failed", ids["domain"]), "");
    scene.way.stall();
    let run = onlooker.ask("POST", &format!("/domains/{}/runs", ids["domain"]), "");
    let run = run["id"].as_str().unwrap().to_owned();
    let imports = onlooker.ask("GET", &format!("/runs/{run}/imports"), "");
    ids.insert("import", imports[0]["id"].as_str().unwrap().to_owned());
    ids.insert("run", run.clone());
    onlooker.read_api(&ids);
    onlooker.crawl(&mut visitor);
    onlooker.look_at_machine();

    scene.way.resume();
    let ended = onlooker.until(&format!("/runs/{run}"), |run| !run["finished_at"].is_null());
    assert_eq!(ended["state"], "completed", "{ended:#}");
    onlooker.read_api(&ids);
    let pages = onlooker.crawl(&mut visitor);
    for end in [format!("/runs/{run}/report.json"), format!("/imports/{}/report.csv", ids["import"])] {
        assert!(pages.contains(&end), "{end}: {pages:#?}");
    }
    onlooker.look_at_machine();
    let Onlooker { watch, seen, .. } = onlooker;
    server.signal("TERM");
    assert!(server.wait().success());
    let mut onlooker = Onlooker { scene: &scene, server: &server, watch, seen };
    onlooker.look_at_files();

    // The control: what may be seen was seen in every kind of place, and the log says everything there is to say.
    let seen = onlooker.seen.found().join("\n");
    for kind in ["answer of the API", "page", "mailimport.db", "mailimport.db-wal"] {
        assert!(seen.contains(kind), "{kind} was not looked at:\n{seen}");
    }
    let log = server.log();
    assert!(log.contains("\"authenticating\"") && log.contains("\"level\":\"DEBUG\""), "{log}");
    onlooker.watch.saw_nothing();
}

/// The command line's own journey: every form of its report, all it says, and what it leaves.
#[test]
fn no_secret_of_a_list_on_the_command_line_is_seen_anywhere() {
    let scene = Scene::new();
    let (directory, list) = (scene.place.directory.path(), scene.aside.path().join("accounts.csv"));
    std::fs::write(&list, scene.secrets.csv(&scene.server())).unwrap();
    let command = |what: &str, format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command.arg(what).arg("--csv").arg(&list).arg("--tls-ca").arg(&scene.authority);
        command.args(["--patience", "10", "-vvv", "--format", format]).env("TMPDIR", directory.join("tmp"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).env("RUST_LOG", "trace");
        if what == "import" {
            command.args(["--domain", "example.org"]).arg(format!("maildir:{}/mail", directory.display()));
        }
        command
    };
    let mut watch = scene.secrets.watch();
    for (what, format) in [("check", "human"), ("import", "json"), ("import", "human"), ("check", "json")] {
        scene.way.stall();
        let before = scene.way.connections();
        let child = command(what, format).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while scene.way.connections() == before {
            assert!(Instant::now() < deadline, "{what} never connects");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(watch.look_at_processes().contains(&child.id()));
        watch.look_below(directory);
        scene.way.resume();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains(SEEN), "{}", String::from_utf8_lossy(&said));
        watch.look(&format!("what {what} says ({format})"), &said);
        watch.look_below(directory);
    }
    assert!(directory.join("mail/mailimport-ledger.db").is_file() && directory.join("mail/passwd").is_file());
    watch.saw_nothing();
}
