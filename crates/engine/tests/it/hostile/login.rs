//! Logging in: refused, put off, asked for again and again. Credentials are sent twice at most, and what the server says
//! reaches people without anything that could steer a terminal.

use std::sync::{Arc, Mutex};

use testkit::scripted::{Answer, Flood, Script, Scripted};

use super::{Refusals, account};
use crate::servers::{assert_holds, serve_account};

/// {"status":"401","schemes":"bearer"}
const OAUTH_REFUSAL: &str = "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=\r\n";
const PLAIN: &str = "IMAP4rev1 AUTH=PLAIN SASL-IR";

/// What a login is answered with, whichever command it is.
fn answered(answer: Answer) -> Script {
    let again = answer.clone();
    Script::default().on("AUTHENTICATE", move |_| answer.clone()).on("LOGIN", move |_| again.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_fails_says_why_and_is_not_tried_again() {
    let markup =
        "{tag} NO [ALERT] <script>alert(1)</script> <b>Pay</b>\u{1b}[31m \u{7} at http://x.example\r\n";
    let endless = |first: &str, again: &str| answered(Answer::Flood(Flood::endless(first, again)));
    let oauth = || imap::Credentials::OAuth { user: "alice".into(), token: "t0ken-t0ken".to_owned().into() };
    let no = |text: &str| answered(Answer::text(text));
    let mut refusals = Refusals::begin();
    for (what, capability, script, by_token, class, says) in [
        ("LOGINDISABLED", "IMAP4rev1 LOGINDISABLED", Script::default(), false, "auth", "encrypted"),
        ("no mechanism", "IMAP4rev1 AUTH=GSSAPI", Script::default(), true, "auth", "GSSAPI"),
        ("a wrong password", PLAIN, no("{tag} NO [AUTHENTICATIONFAILED] Nope\r\n"), false, "auth", "Nope"),
        ("no without a code", PLAIN, no("{tag} NO Nope\r\n"), false, "auth", "Nope"),
        ("not now", PLAIN, no("{tag} NO [UNAVAILABLE] Later\r\n"), false, "unavailable", "Later"),
        ("too fast", PLAIN, no("{tag} NO [LIMIT] Slowly\r\n"), false, "throttled", "Slowly"),
        ("an old permission", PLAIN, no("{tag} NO [EXPIRED] Old\r\n"), false, "oauth_expired", "Old"),
        ("BAD to everything", PLAIN, no("{tag} BAD What?\r\n"), false, "protocol", "What?"),
        ("a refused token", "IMAP4rev1 AUTH=XOAUTH2 SASL-IR", no(OAUTH_REFUSAL), true, "timeout", "silent"),
        ("markup", PLAIN, no(markup), false, "auth", "<script>alert(1)</script> <b>Pay</b>[31m"),
        (
            "a goodbye",
            PLAIN,
            answered(Answer::SendAndClose(b"* BYE Enough\r\n".into())),
            false,
            "connect",
            "Enough",
        ),
        ("silence", PLAIN, answered(Answer::SendAndFallSilent(Vec::new())), false, "timeout", ""),
        ("endless +", PLAIN, endless("", "+ \r\n"), false, "protocol", "again and again"),
        ("endless + to LOGIN", "IMAP4rev1", endless("", "+ more\r\n"), false, "protocol", "again and again"),
        ("an endless line", PLAIN, endless("* OK ", "still here "), false, "limit", ""),
        ("endless words", PLAIN, endless("", "* OK still here\r\n"), false, "limit", ""),
        ("an endless answer", PLAIN, endless("{tag} OK ", "welcome "), false, "limit", ""),
    ] {
        let mut account = account();
        account.capability = capability.to_owned();
        let server = Scripted::start(account, script).unwrap();
        refusals.rig.settings.client.limits.unasked = 5_000;
        refusals.rig.credentials = if by_token { oauth() } else { crate::rig::Rig::password() };
        let report = refusals.assert_ends(what, &server, class).await;
        let message = report.error.unwrap().message;
        assert!(message.contains(says), "{what}: {message}");
        assert!(!message.contains("t0ken"), "{what}: {message}");
        let sent = |name: &str| server.commands().iter().filter(|command| command.name == name).count();
        assert!(sent("LOGIN") + sent("AUTHENTICATE") <= 2, "{what}: {:?}", server.commands());
        assert_eq!(server.connections(), 1, "{what}");
        server.finish();
    }
    refusals.end().await;
}

/// RFC 7628, 3.2.3: the refusal comes as a challenge, is acknowledged by the client, and only then ends with NO.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_reported_with_the_status_and_never_shown() {
    let mut refusals = Refusals::begin();
    refusals.rig.credentials =
        imap::Credentials::OAuth { user: "alice".into(), token: "t0ken-t0ken".to_owned().into() };
    for (mechanism, acknowledged) in [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")] {
        let mut account = account();
        account.capability = format!("IMAP4rev1 AUTH={mechanism} SASL-IR");
        // The acknowledgement is a line without a command's name; only then comes the end.
        let tag = Arc::new(Mutex::new(String::new()));
        let asked = Arc::clone(&tag);
        let script = Script::default()
            .on("AUTHENTICATE", move |command| {
                asked.lock().unwrap().clone_from(&command.tag);
                Answer::text(OAUTH_REFUSAL)
            })
            .on("", move |line| match line.tag == acknowledged {
                true => Answer::text(&format!("{} NO no\r\n", tag.lock().unwrap())),
                false => Answer::Usual,
            });
        let server = Scripted::start(account, script).unwrap();
        let report = refusals.assert_ends(mechanism, &server, "auth").await;
        let message = report.error.unwrap().message;
        assert!(message.contains("status 401") && !message.contains("t0ken"), "{mechanism}: {message}");
        server.finish();
    }
    refusals.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_with_the_login_is_no_hindrance() {
    let script = Script::default().on("LOGIN", |_| {
        Answer::SendThenUsual(b"* OK [ALERT] <i>Your mailbox\x1b[2J is full</i>\r\n".to_vec())
    });
    let mut account = account();
    account.capability = "IMAP4rev1".to_owned();
    let (server, rig) = serve_account(account, script);
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=3);
    super::twice_is_once(&rig).await;
    server.finish();
}
