//! What people read, as snapshots.

use engine::report::{Note, RenamedFolder, SCHEMA, SourceLine, Verification};

use super::*;

#[path = "../../../../fuzz/checks/report.rs"]
mod fuzzed;

fn counts(listed: u64, imported: u64, unreadable: u64) -> Counts {
    let already_there = listed - imported - unreadable;
    Counts { listed, imported, already_there, unreadable, bytes: imported * 53_500, ..Counts::default() }
}

fn folder(source: &str, destination: &str, counts: Counts) -> FolderLine {
    FolderLine { source: source.into(), destination: destination.into(), role: None, uidvalidity: 7, counts }
}

fn sample(folders: Vec<FolderLine>) -> Report {
    let mut totals = Counts::default();
    folders.iter().for_each(|folder| totals.add(&folder.counts));
    Report {
        schema: SCHEMA.into(),
        verdict: Verdict::Complete,
        source: SourceLine {
            host: "imap.example.org".into(),
            user: "alice".into(),
            server: Some("Dovecot".into()),
        },
        destination: "maildir:/srv/mail/alice".into(),
        started_at: "2026-11-22T20:00:00Z".parse().unwrap(),
        finished_at: "2026-11-22T20:01:00Z".parse().unwrap(),
        totals,
        folders,
        exceptions: Vec::new(),
        renamed_folders: Vec::new(),
        left_out: Default::default(),
        notes: Vec::new(),
        verification: Verification { compared: totals.imported + totals.already_there, different: 0 },
        differences: None,
        error: None,
    }
}

fn with_exceptions() -> Report {
    let mut report = sample(vec![
        folder("INBOX", "INBOX", counts(1_240, 1_239, 1)),
        folder("Gesendete Objekte", "Sent", counts(310, 310, 0)),
        folder("日本語/受信", "日本語/受信", counts(12, 2, 0)),
    ]);
    report.verdict = Verdict::CompleteWithExceptions;
    report.exceptions.push(Exception {
        folder: "INBOX".into(),
        uid: Some(17),
        class: "unreadable".into(),
        message: "The old server refuses to hand over this message.".into(),
        size: Some(1_024),
        date: Some("2019-03-01".into()),
        from: Some("Bob <bob@example.org>".into()),
        subject: Some("Evil \u{1b}[31mred".into()),
        retryable: true,
    });
    report.renamed_folders.push(RenamedFolder {
        source: "Gesendete Objekte".into(),
        destination: "Sent".into(),
        why: "It holds sent mail.".into(),
    });
    report.left_out.insert("Shared/Team".into(), "It is shared by several users.".into());
    report.notes.push(Note {
        folder: "INBOX".into(),
        class: "date_adjusted".into(),
        uids: "40:42".into(),
        message: "3 messages got another date.".into(),
    });
    report
}

#[test]
fn a_complete_import_reads_like_this() {
    insta::assert_snapshot!(report(&sample(vec![folder("INBOX", "INBOX", counts(2_000, 2_000, 0))])));
}

#[test]
fn an_import_with_exceptions_reads_like_this() {
    insta::assert_snapshot!(report(&with_exceptions()));
}

#[test]
fn the_json_document_is_like_this() {
    insta::assert_json_snapshot!(with_exceptions());
}

#[test]
fn numbers_that_do_not_balance_are_said_loudly() {
    let mut broken =
        sample(vec![folder("INBOX", "INBOX", Counts { listed: 9, imported: 7, ..Counts::default() })]);
    broken.verdict = Verdict::Incomplete;
    insta::assert_snapshot!(report(&broken));
}

#[test]
fn a_refused_login_reads_like_this() {
    let mut refused = sample(Vec::new());
    refused.error = Some(Stop {
        side: Side::Source,
        class: "auth".into(),
        message: "The old provider did not accept this user name or password. Many providers need an app password. \
                  (the server did not accept the login: Authentication failed (code 7).)"
            .into(),
    });
    insta::assert_snapshot!(report(&refused));
}

#[test]
fn a_refused_certificate_tells_how_to_accept_it() {
    let message = "We could not make a trusted, encrypted connection to this server. \
                   (the certificate of h is self-signed; its fingerprint is sha256:00ff)";
    insta::assert_snapshot!(stop(&Stop { side: Side::Source, class: "tls".into(), message: message.into() }));
}

#[test]
fn differences_read_like_this() {
    let mut different = sample(vec![folder("INBOX", "INBOX", counts(3, 0, 0))]);
    different.verdict = Verdict::Incomplete;
    different.differences = Some(vec![Difference {
        folder: "INBOX".into(),
        class: "bytes".into(),
        uids: "2".into(),
        message: "1 message has other octets.".into(),
    }]);
    insta::assert_snapshot!(report(&different));
}

#[test]
fn control_characters_and_direction_marks_do_not_reach_the_terminal() {
    assert_eq!(plain("a\u{1b}[31mb\u{202e}c\n"), "a\u{FFFD}[31mb\u{FFFD}c\u{FFFD}");
}

#[test]
fn every_name_of_the_fuzz_targets_corpus_is_harmless() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/report");
    let inputs: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() > 10);
    for input in inputs {
        fuzzed::check(&std::fs::read(&input).unwrap());
    }
}
