//! The command against real servers: what it prints, what it leaves behind, how it ends.

#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use testkit::certificate::Kind;
use testkit::factory;
use testkit::judge::{self, Mapping};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

const PASSWORD: &str = "correct horse";

/// An old server with one account, and a place for the new mailbox.
struct Scene {
    old: Dovecot,
    directory: tempfile::TempDir,
}

impl Scene {
    fn new(mut options: DovecotOptions) -> Scene {
        options.users = vec![User::new("alice", PASSWORD)];
        let old = Dovecot::start(&options).unwrap();
        let home = old.mail_home("alice");
        std::fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::chown(&home, Some(old.owner().0), Some(old.owner().1)).unwrap();
        factory::generated_small().write_maildir(&old.maildir("alice"), Some(old.owner())).unwrap();
        let directory = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), mode).unwrap();
        std::os::unix::fs::chown(directory.path(), Some(old.owner().0), Some(old.owner().1)).unwrap();
        Scene { old, directory }
    }

    fn ordinary() -> Scene {
        Scene::new(DovecotOptions::default())
    }

    fn mailbox(&self) -> PathBuf {
        self.directory.path().join("alice")
    }

    fn source(&self) -> String {
        format!("imaps://alice@localhost:{}", self.old.tls().port())
    }

    /// `mailimport WHAT SOURCE DESTINATION --format json` with the right password and authority.
    fn command(&self, what: &str, source: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command.arg(what).arg(source);
        if what != "check" {
            command.arg(format!("maildir:{}", self.mailbox().display()));
        }
        command
            .args(["--patience", "5", "--format", "json"])
            .env("MAILIMPORT_SOURCE_PASSWORD", PASSWORD)
            .env_remove("MAILIMPORT_SOURCE_TOKEN");
        command
    }

    fn trusting(&self, what: &str) -> Command {
        let mut command = self.command(what, &self.source());
        command.arg("--tls-ca").arg(self.old.ca_pem());
        command
    }
}

/// Exit status and JSON document; the password is nowhere.
fn run(command: &mut Command) -> (i32, Value) {
    let output = output(command);
    let document = serde_json::from_slice(&output.stdout);
    let document = document.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().unwrap(), document)
}

fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    for said in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(said).contains(PASSWORD));
    }
    output
}

#[track_caller]
fn assert_stopped(command: &mut Command, exit: i32, side: &str, class: &str, sentence: &str) {
    let (status, document) = run(command);
    let error = &document["error"];
    assert_eq!(
        (status, error["side"].as_str(), error["class"].as_str()),
        (exit, Some(side), Some(class)),
        "{document:#}"
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(sentence), "{message}");
    assert_eq!(document["schema"], "mailimport.report/1");
    assert_eq!(document["verdict"], "incomplete");
}

#[test]
fn an_account_is_imported_verified_and_brought_up_to_date() {
    let scene = Scene::ordinary();
    let (status, report) = run(&mut scene.trusting("import"));
    assert_eq!((status, &report["verdict"]), (0, &Value::from("complete")), "{report:#}");
    assert_eq!(report["totals"]["imported"], 60);
    for made in ["", "cur", ".Projekte.Gr&APYA3w-e", "mailimport-ledger.db"] {
        let metadata = std::fs::metadata(scene.mailbox().join(made)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), scene.old.owner(), "{made}");
    }

    let (status, report) = run(&mut scene.trusting("verify"));
    assert_eq!((status, &report["verification"]["compared"]), (0, &Value::from(60)), "{report:#}");

    let (status, report) = run(&mut scene.trusting("import"));
    assert_eq!(
        (status, &report["totals"]["imported"], &report["totals"]["already_there"]),
        (0, &0.into(), &60.into())
    );

    let mut user = User::new("alice", PASSWORD).serving(&scene.mailbox());
    user.owner = Some(scene.old.owner());
    let new = Dovecot::start(&DovecotOptions::with_users([user])).unwrap();
    let at = |server: &Dovecot| judge::Account::new(server.plain(), "alice", PASSWORD);
    judge::compare(&at(&scene.old), &at(&new), &Mapping::identity()).unwrap().assert_equal();
}

/// The ledger travels with the mailbox: what the customer removed before the move is not brought back after it.
#[test]
fn a_mailbox_that_was_moved_keeps_its_memory() {
    let scene = Scene::ordinary();
    assert_eq!(run(&mut scene.trusting("import")).0, 0);
    let messages = std::fs::read_dir(scene.mailbox().join("cur")).unwrap();
    for message in messages.take(3) {
        std::fs::remove_file(message.unwrap().path()).unwrap();
    }
    let moved = scene.directory.path().join("moved");
    std::fs::rename(scene.mailbox(), &moved).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
    command.args(["import", &scene.source(), &format!("maildir:{}", moved.display()), "--format", "json"]);
    command.arg("--tls-ca").arg(scene.old.ca_pem()).env("MAILIMPORT_SOURCE_PASSWORD", PASSWORD);
    let (status, report) = run(&mut command);
    assert_eq!(status, 0, "{report:#}");
    let totals = &report["totals"];
    assert_eq!((&totals["imported"], &totals["already_there"]), (&0.into(), &57.into()), "{report:#}");
    assert_eq!(totals["removed_by_user"], 3);
}

#[test]
fn verify_finds_a_message_that_lost_an_octet() {
    let scene = Scene::ordinary();
    assert_eq!(run(&mut scene.trusting("import")).0, 0);
    let message = std::fs::read_dir(scene.mailbox().join("cur")).unwrap().next().unwrap().unwrap().path();
    let mut octets = std::fs::read(&message).unwrap();
    *octets.last_mut().unwrap() ^= 1;
    std::fs::write(&message, octets).unwrap();
    let (status, report) = run(&mut scene.trusting("verify"));
    assert_eq!((status, &report["verification"]["different"]), (1, &1.into()), "{report:#}");
    assert_eq!(report["differences"][0]["class"], "bytes");
}

#[test]
fn people_read_a_table_and_a_balance() {
    let scene = Scene::ordinary();
    let said = Command::new(env!("CARGO_BIN_EXE_mailimport"))
        .args(["import", &scene.source(), &format!("maildir:{}", scene.mailbox().display()), "--tls-ca"])
        .arg(scene.old.ca_pem())
        .env("MAILIMPORT_SOURCE_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    for expected in ["Complete: every message", "Projekte/Größe", "Balance: 60 listed = 60 imported."] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn an_import_goes_on_when_nobody_reads_what_it_says() {
    let scene = Scene::ordinary();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = scene.trusting("import");
    let (status, report) = run(command.args(["--rate", "100kB", "-vvv"]).stderr(writer));
    assert_eq!((status, &report["totals"]["imported"]), (0, &60.into()), "{report:#}");
}

#[test]
fn check_counts_and_changes_nothing() {
    let scene = Scene::ordinary();
    let (status, document) = run(&mut scene.trusting("check"));
    assert_eq!((status, &document["totals"]["messages"]), (0, &60.into()), "{document:#}");
    assert_eq!(document["schema"], "mailimport.check/1");
    assert!(document["estimate"]["shortest_seconds"].is_u64());
    assert!(!scene.mailbox().exists());
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let scene = Scene::ordinary();
    let (status, plan) = run(scene.trusting("import").args(["--dry-run", "--map", "Projekte/Größe=Groß"]));
    assert_eq!((status, &plan["schema"]), (0, &"mailimport.plan/1".into()), "{plan:#}");
    assert_eq!(plan["renamed"][0]["destination"], "Groß");
    assert!(!scene.mailbox().exists());
}

#[test]
fn only_what_was_asked_for_is_imported() {
    let scene = Scene::ordinary();
    let mut command = scene.trusting("import");
    let (status, report) =
        run(command.args(["--include", "INBOX", "--include", "Projekte/*", "--exclude", "INBOX"]));
    assert_eq!((status, &report["totals"]["imported"]), (0, &10.into()), "{report:#}");
    assert_eq!(report["folders"].as_array().unwrap().len(), 1);
    assert!(report["left_out"]["INBOX"].as_str().unwrap().contains("excluded"));

    let (status, report) = run(scene.trusting("import").args(["--max-size", "5kB"]));
    let number = |name: &str| report["totals"][name].as_u64().unwrap();
    assert!(number("skipped") > 0 && number("imported") > 0, "{report:#}");
    assert_eq!(
        (status, number("imported") + number("already_there") + number("skipped")),
        (0, 60),
        "{report:#}"
    );

    let (status, report) = run(scene.trusting("import").args(["--since", "2999-01-01"]));
    assert_eq!((status, &report["totals"]["imported"]), (0, &0.into()), "{report:#}");
}

#[test]
fn a_token_that_no_mechanism_takes_is_the_sources_refusal() {
    let scene = Scene::ordinary();
    let mut command = scene.trusting("import");
    command.env_remove("MAILIMPORT_SOURCE_PASSWORD").env("MAILIMPORT_SOURCE_TOKEN", "ya29.token");
    assert_stopped(&mut command, 3, "source", "auth", "not possible this way");
}

#[test]
fn a_wrong_password_is_the_sources_refusal() {
    let scene = Scene::ordinary();
    let mut command = scene.trusting("import");
    command.env("MAILIMPORT_SOURCE_PASSWORD", "wrong");
    assert_stopped(&mut command, 3, "source", "auth", "did not accept this user name or password");
    assert!(!scene.mailbox().exists(), "a refused import leaves no mailbox behind");
}

#[test]
fn a_refused_import_leaves_a_mailbox_that_was_there() {
    let scene = Scene::ordinary();
    for name in ["", "cur", "new", "tmp"] {
        std::fs::create_dir(scene.mailbox().join(name)).unwrap();
    }
    let mut command = scene.trusting("import");
    command.env("MAILIMPORT_SOURCE_PASSWORD", "wrong");
    assert_eq!(run(&mut command).0, 3);
    assert!(scene.mailbox().join("cur").is_dir());
}

#[test]
fn the_password_may_come_from_a_file() {
    let scene = Scene::ordinary();
    let file = scene.directory.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let mut command = scene.trusting("import");
    command.env_remove("MAILIMPORT_SOURCE_PASSWORD").arg("--source-password-file").arg(&file);
    assert_eq!(run(&mut command).0, 0);
}

#[test]
fn a_master_user_reads_the_mail_of_the_user_in_the_address() {
    let masters = vec![("root".to_owned(), "master".to_owned())];
    let scene = Scene::new(DovecotOptions { masters, ..DovecotOptions::default() });
    let mut command = scene.trusting("import");
    command.env("MAILIMPORT_SOURCE_PASSWORD", "master").args(["--source-master-user", "root"]);
    let (status, report) = run(&mut command);
    assert_eq!((status, &report["source"]["user"]), (0, &"alice".into()), "{report:#}");
    assert_eq!(report["totals"]["imported"], 60);
}

#[test]
fn an_unknown_host_is_the_sources_refusal() {
    let scene = Scene::ordinary();
    let mut command = scene.command("import", "imaps://alice@nowhere.invalid");
    assert_stopped(&mut command, 3, "source", "dns", "We cannot find that mail server");
}

#[test]
fn an_unknown_authority_is_the_sources_refusal_and_its_fingerprint_can_be_pinned() {
    let scene = Scene::ordinary();
    let source = scene.source();
    let mut command = scene.command("import", &source);
    assert_stopped(&mut command, 3, "source", "tls", "trusted, encrypted connection");
    let (_, document) = run(&mut scene.command("import", &source));
    let message = document["error"]["message"].as_str().unwrap();
    let pin = message.split_once("sha256:").unwrap().1.get(..64).unwrap();
    let pinned = |pin: String| run(scene.command("import", &source).arg("--tls-pin").arg(pin));
    let (status, document) = pinned(format!("sha256:{}", "0".repeat(64)));
    assert_eq!((status, &document["error"]["class"]), (3, &"tls".into()), "{document:#}");
    assert!(document["error"]["message"].as_str().unwrap().contains("not the pinned one"));
    assert_eq!(pinned(format!("sha256:{pin}")).0, 0);
}

#[test]
fn a_certificate_for_another_name_is_the_sources_refusal() {
    let scene = Scene::new(DovecotOptions { certificate: Kind::WrongHost, ..DovecotOptions::default() });
    assert_stopped(&mut scene.trusting("import"), 3, "source", "tls", "elsewhere.example");
}

#[test]
fn an_expired_certificate_is_the_sources_refusal() {
    let scene = Scene::new(DovecotOptions { certificate: Kind::Expired, ..DovecotOptions::default() });
    assert_stopped(&mut scene.trusting("import"), 3, "source", "tls", "has expired");
}

#[test]
fn a_port_without_a_server_is_the_sources_refusal() {
    let scene = Scene::ordinary();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = scene.command("import", &format!("imaps://alice@127.0.0.1:{port}"));
    assert_stopped(&mut command, 3, "source", "connect", "old server");
}

#[test]
fn a_web_server_is_the_sources_refusal() {
    let scene = Scene::ordinary();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let mut command = scene.command("import", &format!("imap://alice@127.0.0.1:{port}"));
    assert_stopped(&mut command, 3, "source", "not_imap", "not a mail (IMAP) server");
}

#[test]
fn a_server_without_starttls_is_the_sources_refusal_unless_plain_text_is_allowed() {
    let scene = Scene::new(DovecotOptions { extra: "ssl = no\n".into(), ..DovecotOptions::default() });
    let source = format!("imap://alice@127.0.0.1:{}", scene.old.plain().port());
    assert_stopped(&mut scene.command("import", &source), 3, "source", "tls", "does not offer STARTTLS");
    assert_eq!(run(scene.command("import", &source).arg("--allow-plaintext")).0, 0);
}

#[test]
fn starttls_is_used_for_imap_addresses() {
    let scene = Scene::ordinary();
    let source = format!("imap://alice@localhost:{}", scene.old.plain().port());
    let mut command = scene.command("import", &source);
    assert_eq!(run(command.arg("--tls-ca").arg(scene.old.ca_pem())).0, 0);
}

#[test]
fn a_file_in_the_way_is_the_destinations_refusal() {
    let scene = Scene::ordinary();
    std::fs::write(scene.mailbox(), "a file").unwrap();
    assert_stopped(&mut scene.trusting("import"), 4, "destination", "not_writable", "not a directory");
}

#[test]
fn a_directory_of_somebody_else_is_the_destinations_refusal() {
    let scene = Scene::ordinary();
    std::fs::create_dir(scene.mailbox()).unwrap();
    let mut command = scene.trusting("import");
    // Root may write anywhere, so the command runs as nobody there; as somebody else the mode forbids it.
    if scene.old.owner().0 == 12_345 {
        let binary = scene.directory.path().join("mailimport");
        std::fs::copy(env!("CARGO_BIN_EXE_mailimport"), &binary).unwrap();
        let mut other = Command::new(&binary);
        other.args(command.get_args()).env("MAILIMPORT_SOURCE_PASSWORD", PASSWORD).uid(23_456).gid(23_456);
        command = other;
    } else {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o500);
        std::fs::set_permissions(scene.mailbox(), mode).unwrap();
    }
    assert_stopped(&mut command, 4, "destination", "not_writable", "may not read or write");
}

#[test]
fn a_directory_of_other_things_is_the_destinations_refusal_and_left_alone() {
    let scene = Scene::ordinary();
    std::fs::create_dir(scene.mailbox()).unwrap();
    std::fs::write(scene.mailbox().join("thesis.txt"), "years of work").unwrap();
    assert_stopped(&mut scene.trusting("import"), 4, "destination", "not_writable", "not a Maildir");
    assert_eq!(std::fs::read_dir(scene.mailbox()).unwrap().count(), 1);
}

#[test]
fn a_ledger_that_is_none_is_the_destinations_refusal() {
    let scene = Scene::ordinary();
    let state = scene.directory.path().join("state");
    std::fs::write(&state, "no database at all, but long enough to be looked at as one".repeat(20)).unwrap();
    assert_stopped(scene.trusting("import").arg("--state").arg(&state), 4, "destination", "ledger", "ledger");
}

#[test]
fn verify_without_an_import_says_so() {
    let scene = Scene::ordinary();
    assert_stopped(&mut scene.trusting("verify"), 4, "destination", "destination", "does not exist");
    let mailbox = factory::AccountSpec::default();
    mailbox.write_maildir(&scene.mailbox(), Some(scene.old.owner())).unwrap();
    assert_stopped(&mut scene.trusting("verify"), 4, "destination", "ledger", "there is no ledger");
    assert!(!scene.mailbox().join("mailimport-ledger.db").exists());
}

#[test]
fn an_interrupted_import_ends_with_5_and_the_same_command_goes_on() {
    let scene = Scene::ordinary();
    // Slow enough to be caught in the middle: 300 kB at 20 kB a second.
    let mut command = scene.trusting("import");
    let child = command.args(["--rate", "20kB"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("a message is on its way", || holds_a_file(&scene.mailbox()));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &report["error"]["class"]),
        (Some(5), &"interrupted".into()),
        "{report:#}"
    );
    let (status, report) = run(&mut scene.trusting("import"));
    assert_eq!((status, &report["totals"]["listed"]), (0, &60.into()), "{report:#}");
    assert_eq!(run(&mut scene.trusting("verify")).0, 0);
}

fn holds_a_file(mailbox: &Path) -> bool {
    ["tmp", "cur"]
        .iter()
        .any(|name| std::fs::read_dir(mailbox.join(name)).is_ok_and(|mut entries| entries.next().is_some()))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what}: not within a minute");
}
