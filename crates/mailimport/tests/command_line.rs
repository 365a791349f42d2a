//! What the command line says, without any server.

#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::process::{Command, Output};

fn mailimport(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mailimport"))
        .args(arguments)
        .env_remove("MAILIMPORT_SOURCE_PASSWORD")
        .env_remove("MAILIMPORT_SOURCE_TOKEN")
        .env_remove("MAILIMPORT_DESTINATION_PASSWORD")
        .env("COLUMNS", "100")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn help(command: &[&str]) -> String {
    let output = mailimport(command);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    text(&output.stdout)
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn help_of_import_is_like_this() {
    insta::assert_snapshot!(help(&["import", "--help"]));
}

#[test]
fn help_of_check_is_like_this() {
    insta::assert_snapshot!(help(&["check", "--help"]));
}

#[test]
fn help_of_verify_is_like_this() {
    insta::assert_snapshot!(help(&["verify", "--help"]));
}

#[test]
fn help_of_serve_is_like_this() {
    insta::assert_snapshot!(help(&["serve", "--help"]));
}

#[test]
fn help_of_admin_is_like_this() {
    insta::assert_snapshot!(help(&["admin", "--help"]));
}

#[test]
fn the_manual_page_is_like_this() {
    insta::assert_snapshot!(help(&["man"]));
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("man1");
    help(&["man", path.to_str().unwrap()]);
    for command in [
        "-admin",
        "-admin-users-add",
        "-check",
        "-completions",
        "-import",
        "-man",
        "-serve",
        "-verify",
        "-worker",
        "",
    ] {
        assert!(path.join(format!("mailimport{command}.1")).is_file(), "{command}");
    }
    assert!(std::fs::read_to_string(path.join("mailimport-import.1")).unwrap().contains("tls\\-pin"));
}

#[test]
fn completions_know_the_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(help(&["completions", shell]).contains("dry-run"), "{shell}");
    }
}

#[test]
fn wrong_use_ends_with_2_and_says_what_is_wrong_on_standard_error_only() {
    let import = |arguments: &[&'static str]| {
        [&["import", "imaps://a@127.0.0.1:1", "maildir:/nowhere/x"], arguments].concat()
    };
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec![], "Usage: mailimport"),
        (vec!["bring"], "unrecognized subcommand"),
        (vec!["import", "imaps://a@h"], "<DESTINATION>"),
        (vec!["import", "a@h", "maildir:/nowhere/x"], "imaps://alice@"),
        (vec!["import", "imaps://a@h", "imaps://h"], "lacks the user"),
        (vec!["import", "imaps://a@h", "imaps://b@h"], "MAILIMPORT_DESTINATION_PASSWORD"),
        (
            vec!["import", "imaps://a@h", "imaps://b@h", "--mail-user", "root"],
            "--mail-user is for maildir:PATH",
        ),
        (
            vec!["import", "--csv", "x", "--domain", "example.org", "imaps://b@h"],
            "here DESTINATION is maildir:PATH",
        ),
        (vec!["import", "imaps://a@h", "/nowhere/x"], "maildir:PATH"),
        (vec!["verify", "imaps://a@h", "imap://b@h"], "--destination-password-file"),
        (import(&["--destination-master-user", "m"]), "--destination-... is for an account"),
        (import(&["--destination-tls-ca", "x", "--destination-tls-pin", "y"]), "cannot be used with"),
        (import(&["--since", "yesterday"]), "is no date"),
        (import(&["--max-size", "big"]), "is no size"),
        (import(&["--map", "x"]), "OLD=NEW"),
        (import(&["--include", "a["]), "cannot be used"),
        (import(&["--rate", "fast"]), "500kB"),
        (import(&["--connections", "0"]), "1..=16"),
        (import(&["--patience", "0"]), "1..=86400"),
        (import(&["--tls-pin", "sha256:12"]), "64 hexadecimal"),
        (import(&["--tls-ca", "/nowhere/ca.pem"]), "/nowhere/ca.pem"),
        (import(&["--tls-ca", "x", "--tls-pin", "y"]), "cannot be used with"),
        (import(&["--allow-plaintext"]), "no meaning with imaps://"),
        (import(&["--source-password-file", "/nowhere/p"]), "/nowhere/p cannot be read"),
        (import(&["--source-password-file", "/dev/null"]), "holds nothing"),
        (import(&[]), "MAILIMPORT_SOURCE_PASSWORD"),
        (import(&["--format", "xml"]), "xml"),
        (import(&["-q", "-v"]), "cannot be used with"),
    ];
    for (arguments, expected) in cases {
        let output = mailimport(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?} {}", text(&output.stderr));
    }
}

#[test]
fn a_password_in_an_argument_is_refused_and_never_repeated() {
    for arguments in [
        vec!["import", "imaps://alice:geheim@h", "maildir:/x"],
        vec!["check", "imap://alice:geheim@h"],
        vec!["import", "imaps://alice@h", "imaps://bob:geheim@h"],
        vec!["check", "imap://alice@h", "imap://alice:geheim@h"],
    ] {
        let output = mailimport(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(said.contains("a password does not belong into an address"), "{said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}
