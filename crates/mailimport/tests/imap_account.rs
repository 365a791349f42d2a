//! The command with an account at an IMAP server as DESTINATION: what it does, where it keeps what it knows, and that it
//! may be killed at any moment.

#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::factory::{self, AccountSpec};
use testkit::judge::{self, Kind, Mapping};
use testkit::random::Random;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, MailFormat, User};

const OLD_PASSWORD: &str = "correct horse";
const NEW_PASSWORD: &str = "battery staple";

/// `alice` moves to `bob`, over TLS on both sides.
struct Scene {
    server: Dovecot,
    state: tempfile::TempDir,
}

impl Scene {
    fn new(account: &AccountSpec, format: MailFormat) -> Scene {
        let server = Dovecot::start(&DovecotOptions::with_users([
            User::new("alice", OLD_PASSWORD),
            User::new("bob", NEW_PASSWORD).with_format(format),
        ]))
        .unwrap();
        server.write_account("alice", account).unwrap();
        Scene { server, state: tempfile::tempdir().unwrap() }
    }

    fn place(&self, user: &str) -> String {
        format!("imaps://{user}@localhost:{}", self.server.tls().port())
    }

    /// `mailimport WHAT SOURCE DESTINATION --format json`.
    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command
            .args([what, &self.place("alice"), &self.place("bob")])
            .args(["--patience", "20", "--format", "json", "--quiet"])
            .arg("--tls-ca")
            .arg(self.server.ca_pem())
            .arg("--destination-tls-ca")
            .arg(self.server.ca_pem())
            .env("MAILIMPORT_SOURCE_PASSWORD", OLD_PASSWORD)
            .env("MAILIMPORT_DESTINATION_PASSWORD", NEW_PASSWORD)
            .env("XDG_STATE_HOME", self.state.path())
            .env_remove("MAILIMPORT_SOURCE_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn spawn(&self) -> Child {
        self.command("import").spawn().unwrap()
    }

    fn ledger(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.state.path().join("mailimport")).unwrap();
        let mut found = entries.map(|entry| entry.unwrap().path());
        found.find(|path| path.extension().is_some_and(|extension| extension == "db")).unwrap()
    }

    fn verdict(&self, mapping: &Mapping) -> judge::Verdict {
        let account = |user, password| judge::Account::new(self.server.plain(), user, password);
        judge::compare(&account("alice", OLD_PASSWORD), &account("bob", NEW_PASSWORD), mapping).unwrap()
    }
}

/// Exit status and JSON document; no password is anywhere.
fn run(command: &mut Command) -> (i32, Value) {
    let output = command.output().unwrap();
    let document = document(&output);
    (output.status.code().unwrap(), document)
}

fn document(output: &Output) -> Value {
    for said in [&output.stdout, &output.stderr] {
        let said = String::from_utf8_lossy(said);
        assert!(!said.contains(OLD_PASSWORD) && !said.contains(NEW_PASSWORD));
    }
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn an_account_is_imported_into_another_one_and_verified() {
    let scene = Scene::new(&factory::generated_small(), MailFormat::Sdbox);
    let (status, report) = run(&mut scene.command("import"));
    assert_eq!((status, &report["verdict"]), (0, &Value::from("complete")), "{report:#}");
    assert_eq!(report["totals"]["imported"], 60);
    assert_eq!(report["destination"], scene.place("bob"));
    scene.verdict(&Mapping::identity()).assert_equal();
    let (status, report) = run(&mut scene.command("verify"));
    assert_eq!((status, &report["verification"]["compared"]), (0, &Value::from(60)), "{report:#}");
    let (status, report) = run(&mut scene.command("import"));
    let totals = &report["totals"];
    assert_eq!(
        (status, &totals["imported"], &totals["already_there"]),
        (0, &0.into(), &60.into()),
        "{report:#}"
    );
    // What is kept of it is for its owner only.
    let mode = |path: PathBuf| {
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions())
    };
    assert_eq!(mode(scene.state.path().join("mailimport")) & 0o777, 0o700);
    assert_eq!(mode(scene.ledger()) & 0o077, 0);
}

#[test]
fn a_dry_run_shows_where_folders_go_and_changes_nothing() {
    let scene = Scene::new(&factory::generated_small(), MailFormat::Mdbox);
    let (status, plan) = run(scene.command("import").arg("--dry-run"));
    assert_eq!((status, plan["folders"].as_array().map(Vec::len)), (0, Some(4)), "{plan:#}");
    let mut bob = testkit::imap_client::Client::login(scene.server.plain(), "bob", NEW_PASSWORD).unwrap();
    assert!(bob.list().unwrap().iter().all(|folder| folder.path == ["INBOX"]));
    assert_eq!(bob.examine("INBOX").unwrap(), 0);
}

#[test]
fn what_the_new_server_refuses_is_said_as_such() {
    let scene = Scene::new(&factory::generated_small(), MailFormat::Sdbox);
    let (status, report) = run(scene.command("import").env("MAILIMPORT_DESTINATION_PASSWORD", "wrong"));
    let error = &report["error"];
    assert_eq!(
        (status, &error["side"], &error["class"]),
        (4, &"destination".into(), &"auth".into()),
        "{report:#}"
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("The new server did not accept this user name or password."), "{message}");
    let nobody = scene.command("import").env_remove("MAILIMPORT_DESTINATION_PASSWORD").output().unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    let said = String::from_utf8(nobody.stderr).unwrap();
    assert!(said.contains("MAILIMPORT_DESTINATION_PASSWORD"), "{said}");
    let file = scene.state.path().join("password");
    std::fs::write(&file, format!("{NEW_PASSWORD}\n")).unwrap();
    let mut command = scene.command("import");
    command.env_remove("MAILIMPORT_DESTINATION_PASSWORD").arg("--destination-password-file").arg(&file);
    assert_eq!(run(&mut command).0, 0);
    scene.verdict(&Mapping::identity()).assert_equal();
}

/// Kills an import after so long, unless it has ended. Whether it was still at work.
fn kill_after(scene: &Scene, moment: Duration) -> bool {
    let mut child = scene.spawn();
    let deadline = Instant::now() + moment;
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    let status = child.wait_with_output().unwrap().status;
    assert!(status.signal() == Some(9) || status.success(), "{status}");
    status.signal() == Some(9)
}

#[test]
fn killed_at_random_moments_nothing_is_lost_and_nothing_doubled() {
    const KILLS: u32 = 20;
    let mut random = Random::seeded();
    let (account, mut met, mut rounds) = (factory::generated_hundreds(), 0, 0_u32);
    let mapping = Mapping::identity().rename("Gesendete Objekte", "Sent");
    while met < KILLS {
        let format = [MailFormat::Maildir, MailFormat::Sdbox, MailFormat::Mdbox][rounds as usize % 3];
        let scene = Scene::new(&account, format);
        for _ in 0..5 {
            rounds += 1;
            met += u32::from(kill_after(&scene, Duration::from_millis(50 + random.below(2_000))));
            let verdict = scene.verdict(&mapping.clone().ignoring(Kind::Order));
            assert!(!verdict.has(Kind::Extra), "doubled after {rounds} rounds: {verdict}");
        }
        assert!(rounds < 10 * KILLS, "nearly every import ended before it was killed");
        let (status, report) = run(&mut scene.command("import"));
        assert_eq!((status, &report["verdict"]), (0, &Value::from("complete")), "{report:#}");
        scene.verdict(&mapping).assert_equal();
        let (status, report) = run(&mut scene.command("verify"));
        assert_eq!(status, 0, "{report:#}");
    }
    eprintln!("{met} kills in {rounds} rounds");
}
