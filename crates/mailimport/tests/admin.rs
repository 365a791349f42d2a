//! What the operator does from the command line, and what it leaves on disk.

#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A data directory that is not there yet.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// A sealing key, as a service leaves it.
    fn key(&self) -> PathBuf {
        let key = self.data().join("sealing.key");
        std::fs::write(&key, format!("{}=\n", "A".repeat(43))).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
        key
    }

    fn admin(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command.arg("admin").args(arguments).arg("--data-dir").arg(self.data());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MAILIMPORT_") {
                command.env_remove(name);
            }
        }
        // Whatever the machine's own settings are.
        command
            .env("MAILIMPORT_CONFIG", "/dev/null")
            .env("MAILIMPORT_PUBLIC_URL", "https://mail.example.org");
        command.output().unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.admin(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], exit: i32) -> String {
        let output = self.admin(arguments);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?} {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn users_are_added_linked_and_locked_out() {
    let place = Place::new();
    let link = place.done(&["users", "add", "Alice", "--email", "alice@example.org"]);
    let secret = link.trim_end().strip_prefix("https://mail.example.org/link/").unwrap();
    assert!(secret.len() >= 32, "{link}");
    assert_eq!(place.done(&["users", "list"]), "alice\tcustomer\t0 domains\tno password yet\n");
    assert_ne!(place.done(&["users", "link", "alice"]), link);
    place.done(&["users", "disable", "alice"]);
    assert!(place.done(&["users", "list"]).contains("\tdisabled\t"));
    place.done(&["users", "enable", "alice"]);
    assert!(!place.done(&["users", "list"]).contains("disabled"));
    assert!(place.refused(&["users", "add", "alice"], 1).contains("taken"));
    assert!(place.refused(&["users", "link", "bob"], 1).contains("no user \"bob\""));
}

#[test]
fn domains_are_given_and_taken_away() {
    let place = Place::new();
    place.done(&["users", "add", "alice"]);
    place.done(&["domains", "add", "B\u{fc}cher.example", "alice"]);
    assert_eq!(place.done(&["domains", "list"]), "xn--bcher-kva.example\talice\n");
    assert!(place.refused(&["domains", "add", "localhost", "alice"], 1).contains("domain"));
    place.done(&["domains", "remove", "xn--bcher-kva.example"]);
    assert_eq!(place.done(&["domains", "list"]), "");
    assert!(place.refused(&["domains", "remove", "xn--bcher-kva.example"], 1).contains("no domain"));
}

#[test]
fn tokens_are_shown_once_listed_and_revoked() {
    let place = Place::new();
    place.done(&["users", "add", "alice"]);
    let secret = place.done(&["tokens", "add", "alice", "backup script", "--scope", "read", "--days", "30"]);
    let list = place.done(&["tokens", "list", "alice"]);
    assert!(list.contains("\tbackup script\tread\tuntil ") && !list.contains(secret.trim_end()), "{list}");
    let id = list.split('\t').next().unwrap();
    place.done(&["tokens", "revoke", "alice", id]);
    assert_eq!(place.done(&["tokens", "list", "alice"]), "");
    assert!(place.refused(&["tokens", "add", "alice", "x", "--scope", "admin"], 1).contains("not allowed"));
}

#[test]
fn what_is_made_is_private() {
    let place = Place::new();
    assert!(place.done(&["migrations"]).lines().any(|line| line.starts_with("m0001")));
    assert_eq!(mode(&place.data()), 0o700);
    assert!(!place.data().join("sealing.key").exists(), "whoever seals makes the key");
    assert_eq!(mode(&place.data().join("mailimport.db")), 0o600);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let place = Place::new();
    place.done(&["migrations"]);
    std::fs::set_permissions(place.key(), std::fs::Permissions::from_mode(0o444)).unwrap();
    assert!(place.refused(&["rotate-key"], 1).contains("can be read by others"));
}

#[test]
fn what_root_does_in_somebodys_data_directory_is_done_as_that_user() {
    let place = Place::new();
    std::fs::set_permissions(place.0.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(place.data()).unwrap();
    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
    chown(place.data(), Some(12345), Some(23456)).unwrap();
    place.done(&["users", "add", "alice"]);
    for name in ["mailimport.db", "mail"] {
        let made = place.data().join(name).metadata().unwrap();
        assert_eq!((made.uid(), made.gid()), (12345, 23456), "{name}");
    }
}

#[test]
fn dovecots_configuration_is_printed_for_both_versions() {
    let place = Place::new();
    let root = place.0.path().join("mail");
    std::fs::create_dir(&root).unwrap();
    chown(&root, Some(12345), Some(8)).unwrap();
    let destination = format!("maildir:{}", root.display());
    let ask = |version: &str| {
        let arguments =
            ["dovecot-config", &destination, "--for", version, "--certificate", "/c.pem", "--key", "/k.pem"];
        place.done(&arguments)
    };
    assert!(ask("2.3").contains("ssl_cert = </c.pem\n") && ask("2.3").contains("mail_uid = 12345\n"));
    assert!(ask("2.4").contains("ssl_server_cert_file = /c.pem\n"));
    assert!(!place.data().exists(), "nothing is made for it");
    let error = place.refused(&["dovecot-config", "maildir:/", "--certificate", "c", "--key", "k"], 2);
    assert!(error.contains("root"), "{error}");
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let place = Place::new();
    let config = place.0.path().join("mailimport.toml");
    std::fs::write(&config, "[database]\nurl = \"postgres://u:geheim@127.0.0.1:1/d\"\n").unwrap();
    let said = place.refused(&["migrations", "--config", config.to_str().unwrap()], 1);
    assert!(said.contains("127.0.0.1:1") && !said.contains("geheim"), "{said}");
    std::fs::write(&config, "[database]\nurl = \"postgres://u:geheim@h/d\nx\"\n").unwrap();
    let said = place.refused(&["migrations", "--config", config.to_str().unwrap()], 2);
    assert!(said.contains(", line ") && !said.contains("geheim"), "{said}");
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one_while_nobody_works() {
    let place = Place::new();
    assert!(place.refused(&["rotate-key"], 1).contains("no sealing key"));
    place.done(&["migrations"]);
    let key = place.key();
    let old = std::fs::read_to_string(&key).unwrap();
    place.done(&["rotate-key"]);
    let new = std::fs::read_to_string(&key).unwrap();
    assert_eq!((new.lines().count(), new == old, mode(&key)), (1, false, 0o400));
    let working = std::fs::File::open(place.data().join("lock")).unwrap();
    working.lock_shared().unwrap();
    assert!(place.refused(&["rotate-key"], 1).contains("is running on"));
    assert_eq!(std::fs::read_to_string(&key).unwrap(), new);
}
