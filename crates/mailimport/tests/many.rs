//! Many accounts by `--csv`, from a real server into a tree that a real Dovecot serves.

#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use testkit::factory;
use testkit::imap_client::Client;
use testkit::judge::{self, Mapping};
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

const OLD: &str = "alt;geheim \"x\"";
const NEW: &str = "Neues;Passwort-1";
const OWNER: (u32, u32) = (12345, 8);

/// An old server with accounts, and a place for the new mailboxes.
struct Scene {
    old: Dovecot,
    directory: tempfile::TempDir,
}

impl Scene {
    fn new(users: &[&str]) -> Scene {
        // Refused log-ins would make the next ones wait.
        let extra = "auth_failure_delay = 0\nservice anvil {\n unix_listener anvil-auth-penalty {\n  mode = 0\n }\n}\n";
        let options = DovecotOptions {
            extra: extra.to_owned(),
            ..DovecotOptions::with_users(users.iter().map(|user| User::new(user, OLD)))
        };
        let old = Dovecot::start(&options).unwrap();
        for user in users {
            old.write_account(user, &factory::generated_small()).unwrap();
        }
        let directory = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open).unwrap();
        let scene = Scene { old, directory };
        std::fs::create_dir(scene.root()).unwrap();
        chown(scene.root(), Some(OWNER.0), Some(OWNER.1)).unwrap();
        scene
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("mail")
    }

    fn maildir(&self, mailbox: &str) -> PathBuf {
        self.root().join("example.org").join(mailbox).join("Maildir")
    }

    fn server(&self) -> String {
        format!("imaps://127.0.0.1:{}", self.old.tls().port())
    }

    fn csv(&self, lines: &[String]) -> PathBuf {
        let path = self.directory.path().join("accounts.csv");
        std::fs::write(&path, lines.join("\r\n")).unwrap();
        path
    }

    /// A line for an account of the old server.
    fn line(&self, user: &str, mailbox: &str) -> String {
        line(&self.server(), user, OLD, mailbox, NEW)
    }

    fn command(&self, what: &str, lines: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command.arg(what).arg("--csv").arg(self.csv(lines)).arg("--tls-ca").arg(self.old.ca_pem());
        command.args(["--patience", "10"]);
        if what == "import" {
            command.args(["--domain", "example.org"]).arg(format!("maildir:{}", self.root().display()));
        }
        command
    }

    /// Names in the passwd-file.
    fn passwd(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.root().join("passwd")).unwrap_or_default();
        let mut names: Vec<String> =
            text.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn new_server(&self) -> Dovecot {
        let files = self.directory.path().join("tls");
        std::fs::create_dir_all(&files).unwrap();
        let files = testkit::certificate::write(testkit::certificate::Kind::Good, &files).unwrap();
        let printed = Command::new(env!("CARGO_BIN_EXE_mailimport"))
            .env("MAILIMPORT_CONFIG", "/dev/null")
            .args(["admin", "dovecot-config", "--for", "2.3", "--certificate"])
            .arg(files.certificate)
            .arg("--key")
            .arg(files.key)
            .arg(format!("maildir:{}", self.root().display()))
            .output()
            .unwrap();
        assert!(printed.status.success(), "{printed:?}");
        let complete = Some(String::from_utf8(printed.stdout).unwrap());
        Dovecot::start(&DovecotOptions { complete, ..DovecotOptions::default() }).unwrap()
    }
}

fn line(server: &str, user: &str, password: &str, mailbox: &str, new: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    format!("{server};{user};{};{mailbox};{}", quoted(password), quoted(new))
}

/// Exit status and JSON document; no password is anywhere.
fn run(command: &mut Command) -> (i32, Value) {
    let output = command.args(["--format", "json"]).output().unwrap();
    no_secret(&output);
    let document = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), document.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

fn no_secret(output: &Output) {
    for said in [&output.stdout, &output.stderr] {
        let said = String::from_utf8_lossy(said);
        assert!(!said.contains("geheim") && !said.contains("Passwort-1"), "{said}");
    }
}

/// Mailbox, state and class of the error of each line.
fn lines(document: &Value) -> Vec<(String, String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let imports = document["imports"].as_array().unwrap();
    imports.iter().map(|i| (word(&i["mailbox"]), word(&i["state"]), word(&i["error"]["class"]))).collect()
}

#[test]
fn every_line_has_its_report_and_a_refused_one_makes_no_mailbox() {
    let scene = Scene::new(&["alice", "bob"]);
    let list = [
        scene.line("alice", "alice"),
        line(&scene.server(), "bob", "wrong", "bob", NEW),
        scene.line("bob", "b\u{f6}b"),
        line(&scene.server(), "bob", OLD, "weak", "short"),
        line("imaps://127.0.0.1:1", "bob", OLD, "nowhere", NEW),
        scene.line("alice", "alice"),
        scene.line("bob", "Bob.Two"),
    ];
    let (exit, document) = run(&mut scene.command("import", &list));
    assert_eq!((exit, &document["schema"]), (1, &"mailimport.run/1".into()), "{document:#}");
    assert_eq!(document["verdict"], "incomplete");
    let found = lines(&document);
    let found: Vec<(&str, &str, &str)> =
        found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(
        found,
        [
            ("alice@example.org", "done", ""),
            ("bob@example.org", "check_failed", "auth"),
            ("b\u{f6}b@example.org", "invalid", "invalid"),
            ("weak@example.org", "invalid", "invalid"),
            ("nowhere@example.org", "check_failed", "connect"),
            ("bob.two@example.org", "done", ""),
        ],
        "{document:#}"
    );
    let report = &document["imports"][0];
    assert_eq!((&report["schema"], &report["line"]), (&"mailimport.report/1".into(), &1.into()));
    assert_eq!((&report["source"]["user"], &report["totals"]["imported"]), (&"alice".into(), &60.into()));
    assert_eq!(document["imports"][5]["line"], 7);
    assert_eq!(scene.passwd(), ["alice@example.org", "bob.two@example.org"]);
    let mut made: Vec<String> = std::fs::read_dir(scene.root().join("example.org"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    made.sort();
    assert_eq!(made, ["alice", "bob.two"]);
    for path in ["passwd", "mailimport-ledger.db", "example.org/alice/Maildir/cur"] {
        let made = scene.root().join(path).metadata().unwrap();
        assert_eq!((made.uid(), made.gid()), OWNER, "{path}");
    }

    let new = scene.new_server();
    for (user, mailbox) in [("alice", "alice@example.org"), ("bob", "bob.two@example.org")] {
        let from = judge::Account::new(scene.old.plain(), user, OLD);
        let to = judge::Account::new(new.plain(), mailbox, NEW);
        judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
    }
}

#[test]
fn the_same_command_again_brings_only_what_is_new_and_no_mailbox_gets_another_password() {
    let scene = Scene::new(&["alice"]);
    let (exit, document) = run(&mut scene.command("import", &[scene.line("alice", "alice")]));
    assert_eq!((exit, &document["verdict"]), (0, &"complete".into()), "{document:#}");
    let passwd = std::fs::read(scene.root().join("passwd")).unwrap();
    let mut old = Client::login(scene.old.plain(), "alice", OLD).unwrap();
    old.append("INBOX", &[], 1_700_000_000, b"Subject: one more\r\n\r\nx\r\n").unwrap();

    let again = [line(&scene.server(), "alice", OLD, "alice", "Ein-anderes-Passwort-2")];
    let (exit, document) = run(&mut scene.command("import", &again));
    let totals = &document["imports"][0]["totals"];
    assert_eq!(
        (exit, &totals["imported"], &totals["already_there"]),
        (0, &1.into(), &60.into()),
        "{document:#}"
    );
    assert_eq!(std::fs::read(scene.root().join("passwd")).unwrap(), passwd);
}

#[test]
fn a_list_of_which_nothing_can_start_ends_with_3_and_makes_nothing() {
    let scene = Scene::new(&["alice"]);
    let list = [
        line(&scene.server(), "alice", "wrong", "alice", NEW),
        line(&scene.server(), "alice", OLD, "alice", "weak"),
    ];
    let (exit, document) = run(&mut scene.command("import", &list));
    assert_eq!((exit, &document["verdict"]), (3, &"incomplete".into()), "{document:#}");
    assert!(scene.passwd().is_empty() && !scene.root().join("example.org").exists());
}

#[test]
fn two_old_accounts_come_into_one_mailbox_one_after_the_other() {
    let scene = Scene::new(&["alice", "bob"]);
    let list = [scene.line("alice", "both"), scene.line("bob", "both")];
    let (exit, document) = run(&mut scene.command("import", &list));
    assert_eq!(exit, 0, "{document:#}");
    let imported = |n: usize| document["imports"][n]["totals"]["imported"].clone();
    assert_eq!((imported(0), imported(1)), (60.into(), 60.into()));
    assert_eq!(scene.passwd(), ["both@example.org"]);
}

#[test]
fn check_counts_every_account_and_leaves_nothing() {
    let scene = Scene::new(&["alice"]);
    let list = [scene.line("alice", "alice"), line(&scene.server(), "alice", "wrong", "bob", NEW)];
    let (exit, document) = run(&mut scene.command("check", &list));
    assert_eq!(exit, 1, "{document:#}");
    assert_eq!(document["imports"][0]["totals"]["listed"], 60, "{document:#}");
    assert_eq!(lines(&document)[1].2, "auth");
    assert_eq!(std::fs::read_dir(scene.root()).unwrap().count(), 0);
    let (exit, _) = run(&mut scene.command("check", &list[..1]));
    assert_eq!(exit, 0);
    let (exit, _) = run(&mut scene.command("check", &list[1..]));
    assert_eq!(exit, 3);
}

#[test]
fn stopped_by_a_signal_it_says_so_and_the_same_command_goes_on() {
    let scene = Scene::new(&["alice"]);
    let way = Proxy::start(scene.old.tls()).unwrap();
    let list = [line(&format!("imaps://127.0.0.1:{}", way.addr().port()), "alice", OLD, "alice", NEW)];
    let mut command = scene.command("import", &list);
    command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while !scene.maildir("alice").join("tmp").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    way.stall();
    let stopped = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(stopped.success());
    way.resume();
    let output = child.wait_with_output().unwrap();
    no_secret(&output);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(document["schema"], "mailimport.run/1");

    let (exit, document) = run(&mut scene.command("import", &list));
    assert_eq!((exit, &document["verdict"]), (0, &"complete".into()), "{document:#}");
    let new = scene.new_server();
    let from = judge::Account::new(scene.old.plain(), "alice", OLD);
    let to = judge::Account::new(new.plain(), "alice@example.org", NEW);
    judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
}

#[test]
fn killed_it_goes_on_at_once_and_nothing_is_doubled() {
    let scene = Scene::new(&["alice", "bob"]);
    let way = Proxy::start(scene.old.tls()).unwrap();
    let server = format!("imaps://127.0.0.1:{}", way.addr().port());
    let list = ["alice", "bob"].map(|user| line(&server, user, OLD, user, NEW));
    let mut child =
        scene.command("import", &list).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !scene.maildir("alice").join("tmp").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    way.stall();
    child.kill().unwrap();
    child.wait().unwrap();
    way.resume();
    let (exit, document) = run(&mut scene.command("import", &list));
    assert_eq!(exit, 0, "{document:#}");
    let new = scene.new_server();
    for user in ["alice", "bob"] {
        let from = judge::Account::new(scene.old.plain(), user, OLD);
        let to = judge::Account::new(new.plain(), &format!("{user}@example.org"), NEW);
        judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
    }
}

#[test]
fn what_is_chosen_is_chosen_for_every_account() {
    let scene = Scene::new(&["alice", "bob"]);
    let list = [scene.line("alice", "alice"), scene.line("bob", "bob")];
    let mut command = scene.command("import", &list);
    command.args([
        "--exclude",
        "日本語",
        "--map",
        "Projekte=Archiv",
        "--adopt",
        "--rate",
        "100MB",
        "--compress",
    ]);
    let (exit, document) = run(&mut command);
    assert_eq!((exit, &document["verdict"]), (0, &"complete".into()), "{document:#}");
    for report in document["imports"].as_array().unwrap() {
        assert_eq!(report["totals"]["imported"], 50, "{report:#}");
        let folders: Vec<_> = report["folders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["destination"].as_str().unwrap())
            .collect();
        assert!(folders.contains(&"Archiv/Größe") && !folders.contains(&"日本語"), "{folders:?}");
    }
}

#[test]
fn wrong_use_makes_nothing() {
    let scene = Scene::new(&[]);
    let fine = [scene.line("alice", "alice")];
    for (arguments, said) in [
        (vec!["--domain", "localhost"], "is no domain"),
        (vec!["--domain", "example.org", "--dry-run"], "cannot be used with"),
        (vec![], "--domain"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command.arg("import").arg("--csv").arg(scene.csv(&fine)).args(&arguments);
        let output = command.arg(format!("maildir:{}", scene.root().display())).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
    let output = scene.command("import", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(std::fs::read_dir(scene.root()).unwrap().count(), 0);
}

#[test]
fn for_people_there_is_a_line_for_each_account() {
    let scene = Scene::new(&["alice"]);
    let list = [scene.line("alice", "alice"), line(&scene.server(), "alice", "wrong", "bob", NEW)];
    let output = scene.command("import", &list).output().unwrap();
    no_secret(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("1 of 2 accounts complete.\n"), "{text}");
    assert!(text.contains("line 1: alice -> alice@example.org: done, 60 messages\n"), "{text}");
    assert!(text.contains("line 2: alice -> bob@example.org: The old provider did not accept"), "{text}");
    assert!(text.contains("run the same command again"), "{text}");
}

/// A server that treats each client as `how` says, one thread each, until the test ends.
fn odd_server(how: fn(std::net::TcpStream)) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || how(stream));
        }
    });
    format!("imaps://127.0.0.1:{port}")
}

fn floods(mut stream: std::net::TcpStream) {
    while std::io::Write::write_all(&mut stream, &[0x16; 4096]).is_ok() {}
}

fn speaks_http(mut stream: std::net::TcpStream) {
    let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

#[test]
fn accounts_on_broken_servers_fail_alone_and_the_others_arrive() {
    let scene = Scene::new(&["alice", "bob", "carol"]);
    // Cut off again and again, so soon that a handful of messages comes each time.
    let cut = Proxy::start(scene.old.tls()).unwrap();
    cut.cut_after(14_000, testkit::proxy::Often::Always, testkit::proxy::Ending::Reset);
    let to = |server: &str, mailbox: &str| line(server, "carol", OLD, mailbox, NEW);
    let list = [
        to(&odd_server(floods), "flood"),
        to(&odd_server(speaks_http), "http"),
        to(&odd_server(drop), "hangup"),
        to(&format!("imaps://127.0.0.1:{}", cut.addr().port()), "cut"),
        scene.line("alice", "alice"),
        scene.line("bob", "bob"),
    ];
    let (exit, document) = run(&mut scene.command("import", &list));
    assert_eq!(exit, 1, "{document:#}");
    let found = lines(&document);
    for (mailbox, state, class) in &found[..3] {
        assert_eq!(state, "check_failed", "{mailbox} {class}");
        assert!(["tls", "connect", "greeting"].contains(&class.as_str()), "{mailbox} {class}");
    }
    // What fits between two cuts arrives all the same; how much that is depends on how the wire is cut up.
    assert!(found[3].1.starts_with("done"), "{document:#}");
    assert!(found[4..].iter().all(|(_, state, _)| state == "done"), "{document:#}");
    let new = scene.new_server();
    for user in ["alice", "bob"] {
        let from = judge::Account::new(scene.old.plain(), user, OLD);
        let to = judge::Account::new(new.plain(), &format!("{user}@example.org"), NEW);
        judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
    }
    // The line is mended: the same command brings what was cut.
    cut.heal();
    let (_, document) = run(&mut scene.command("import", &list[3..]));
    assert!(lines(&document).iter().all(|(_, state, _)| state == "done"), "{document:#}");
    let from = judge::Account::new(scene.old.plain(), "carol", OLD);
    let to = judge::Account::new(new.plain(), "cut@example.org", NEW);
    judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
}
