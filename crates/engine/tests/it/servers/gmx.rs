//! GMX, WEB.DE and T-Online let no mail program in until their user switches that on in the settings, or want a password
//! of its own for it.

use engine::report::Verdict;
use testkit::scripted::{Answer, Script};

use super::{files, folder, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_login_refused_because_imap_is_off_is_told_from_a_wrong_password_and_tried_once() {
    for (text, class) in [
        ("IMAP access is disabled for this account", "imap_disabled"),
        ("[AUTHENTICATIONFAILED] POP3/IMAP not enabled, please enable IMAP in the settings", "imap_disabled"),
        ("[ALERT] IMAP-Zugriff deaktiviert", "imap_disabled"),
        ("POP3/IMAP-Abruf ist nicht aktiviert", "imap_disabled"),
        ("IMAP ist nicht freigeschaltet", "imap_disabled"),
        ("[AUTHENTICATIONFAILED] authentication failed", "auth"),
        ("[AUTHENTICATIONFAILED] Bitte verwenden Sie Ihr E-Mail-Passwort", "auth"),
    ] {
        let answer = Answer::text(&format!("{{tag}} NO {text}\r\n"));
        let script = Script::default().on("AUTHENTICATE", move |_| answer.clone());
        let (server, rig) = serve(vec![folder("INBOX", 3)], script);
        let report = rig.import().await;
        let stop = report.error.as_ref().unwrap();
        assert_eq!((stop.class.as_str(), report.verdict), (class, Verdict::Incomplete), "{text}");
        let words = text.rsplit("] ").next().unwrap();
        assert!(stop.message.contains(words), "{}", stop.message);
        assert_eq!(files(&rig), 0);
        let commands = server.commands();
        let logins = commands.iter().filter(|c| matches!(c.name.as_str(), "AUTHENTICATE" | "LOGIN"));
        assert_eq!((logins.count(), server.connections()), (1, 1), "{text}");
        server.finish();
    }
}
