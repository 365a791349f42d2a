//! Encryption: nothing that was said before it counts, and nobody logs in where it cannot be trusted.

use std::path::Path;

use imap::{Security, TlsTrust};
use testkit::certificate::{self, Files, Kind};
use testkit::scripted::{Answer, Flood, Script, Scripted};

use super::{Refusals, account, twice_is_once};
use crate::servers::{assert_holds, serve_account};

/// What a server of before 2006 answers to the handshake (RFC 2246, 7.4.1.3): version 3.1, no more.
const TLS_1_0: [u8; 49] = {
    let mut hello = [0x11; 49];
    let head = [0x16, 0x03, 0x01, 0x00, 0x2c, 0x02, 0x00, 0x00, 0x28, 0x03, 0x01];
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    // No session; TLS_RSA_WITH_AES_128_CBC_SHA; no compression.
    [hello[43], hello[44], hello[45], hello[46], hello[47], hello[48]] = [0x00, 0x00, 0x2f, 0x00, 0x00, 0x00];
    hello
};

/// `protocol_version`, with which a server refuses a version that it does not have.
const TLS_1_0_ONLY: [u8; 7] = [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];

fn files(kind: Kind, directory: &Path) -> Files {
    let directory = directory.join(format!("{kind:?}"));
    std::fs::create_dir(&directory).unwrap();
    certificate::write(kind, &directory).unwrap()
}

fn trust(files: &Files) -> TlsTrust {
    let pem = std::fs::read(&files.ca).unwrap();
    TlsTrust { additional_roots: TlsTrust::parse_pem(&pem).unwrap(), pin: None }
}

/// Neither the name nor a login was heard, in whatever form.
fn assert_not_logged_in(server: &Scripted, what: &str) {
    let told = format!("{:?}", server.commands()).to_ascii_uppercase();
    assert!(["LOGIN", "AUTHENTICATE", "ALICE"].iter().all(|word| !told.contains(word)), "{what}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_over_an_encryption_that_is_not_to_be_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let files = files(Kind::Good, directory.path());
    let unknown = Script::default().tls(certificate::server_config(&files).unwrap());
    let says = |octets: &[u8]| Script::default().greets(Answer::SendAndFallSilent(octets.to_vec()));
    let mut refusals = Refusals::begin();
    refusals.rig.security = Security::ImplicitTls;
    for (what, script, class, words) in [
        ("an unknown authority", unknown, "tls", "sha256:"),
        ("TLS 1.0", says(&TLS_1_0), "tls", "no encrypted connection"),
        ("a server that has TLS 1.0 only", says(&TLS_1_0_ONLY), "tls", "no encrypted connection"),
        ("a handshake that stalls", says(b""), "timeout", "TLS handshake"),
        ("half a handshake", says(&TLS_1_0[..20]), "timeout", "TLS handshake"),
        ("no TLS at all", says(b"* OK IMAP4rev1 ready, in plain text\r\n"), "tls", "no encrypted connection"),
        ("the end", Script::default().greets(Answer::SendAndClose(Vec::new())), "tls", "handshake"),
    ] {
        let server = Scripted::start(account(), script).unwrap();
        let report = refusals.assert_ends(what, &server, class).await;
        let message = report.error.unwrap().message;
        assert!(message.contains(words), "{what}: {message}");
        assert_not_logged_in(&server, what);
        server.finish();
    }
    refusals.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_refused_by_what_is_wrong_with_it() {
    for (kind, words) in [
        (Kind::WrongHost, "is for other names (elsewhere.example)"),
        (Kind::Expired, "has expired"),
        (Kind::SelfSigned, "is self-signed"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let files = files(kind, directory.path());
        let mut refusals = Refusals::begin();
        refusals.rig.security = Security::ImplicitTls;
        refusals.rig.trust = trust(&files);
        let script = Script::default().tls(certificate::server_config(&files).unwrap());
        let server = Scripted::start(account(), script).unwrap();
        let report = refusals.assert_ends(words, &server, "tls").await;
        let message = report.error.unwrap().message;
        assert!(message.contains(words), "{message}");
        assert_not_logged_in(&server, words);
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_where_starttls_does_not_lead_to_encryption() {
    let answers = |answer: Answer| offering("IMAP4rev1 STARTTLS").on("STARTTLS", move |_| answer.clone());
    let says = |text: &str| answers(Answer::text(text));
    let endless = |again: &str| answers(Answer::Flood(Flood::endless("", again)));
    let silent = answers(Answer::SendAndFallSilent(b"{tag} OK go on\r\n".to_vec()));
    let injected = "{tag} OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n";
    let mut refusals = Refusals::begin();
    refusals.rig.security = Security::StartTls;
    for (what, script, class, words) in [
        (
            "PREAUTH",
            offering("IMAP4rev1 STARTTLS").greeting(b"* PREAUTH you are in\r\n"),
            "tls",
            "before encryption",
        ),
        ("no STARTTLS", offering("IMAP4rev1 AUTH=PLAIN"), "tls", "STARTTLS"),
        ("NO to STARTTLS", says("{tag} NO not now\r\n"), "tls", "STARTTLS"),
        ("BAD to STARTTLS", says("{tag} BAD what?\r\n"), "tls", "STARTTLS"),
        ("an answer behind the OK", says(injected), "tls", "tampering"),
        ("half an answer behind the OK", says("{tag} OK go on\r\n* OK "), "tls", "tampering"),
        ("silence behind the OK", silent, "timeout", "TLS handshake"),
        ("endless +", endless("+ \r\n"), "protocol", "again and again"),
        ("endless words", endless("* OK wait\r\n"), "limit", ""),
    ] {
        refusals.rig.settings.client.limits.unasked = 5_000;
        let server = Scripted::start(account(), script).unwrap();
        let report = refusals.assert_ends(what, &server, class).await;
        let message = report.error.unwrap().message;
        assert!(message.contains(words), "{what}: {message}");
        assert_not_logged_in(&server, what);
        server.finish();
    }
    refusals.end().await;
}

/// A server in plain text that offers this.
fn offering(capability: &str) -> Script {
    let answer = format!("* CAPABILITY {capability}\r\n{{tag}} OK done\r\n");
    Script::default().on("CAPABILITY", move |_| Answer::text(&answer))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_offered_before_encryption_is_forgotten_and_everything_after_it_is_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    let files = files(Kind::Good, directory.path());
    let config = || certificate::server_config(&files).unwrap();
    let more = "IMAP4rev1 STARTTLS AUTH=XOAUTH2 SASL-IR ID LIST-EXTENDED LIST-STATUS SPECIAL-USE STATUS=SIZE CONDSTORE \
                X-GM-EXT-1 COMPRESS=DEFLATE ENABLE NAMESPACE";
    for (what, security, script) in [
        ("from the first octet", Security::ImplicitTls, Script::default().tls(config())),
        ("after STARTTLS", Security::StartTls, Script::default().start_tls(config(), more)),
    ] {
        let mut account = account();
        account.capability = "IMAP4rev1 AUTH=PLAIN".to_owned();
        let (server, mut rig) = serve_account(account, script);
        (rig.security, rig.trust) = (security, trust(&files));
        rig.settings.compression = engine::account::Compression::On;
        rig.import_all().await;
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&rig, "Work", "Work", 1..=2);
        for command in server.commands() {
            let before = ["CAPABILITY", "STARTTLS"].contains(&command.name.as_str());
            assert!(command.encrypted || before, "{what}: {command:?}");
            let offered_before = ["ID", "ENABLE", "NAMESPACE", "COMPRESS"].contains(&command.name.as_str())
                || ["RETURN", "SIZE)", "HIGHESTMODSEQ", "X-GM", "CONDSTORE"]
                    .iter()
                    .any(|word| command.arguments.contains(word) && command.name != "UID FETCH")
                || command.arguments.contains("X-GM");
            assert!(!offered_before, "{what}: {command:?}");
        }
        twice_is_once(&rig).await;
        server.finish();
    }
}
