//! What answers a connection: nothing, nonsense, a goodbye, or something that is no IMAP server.

use std::time::Duration;

use testkit::scripted::{Answer, Flood, Script, Scripted};

use super::{Refusals, account};

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_greet_as_an_imap_server_does_is_told_apart() {
    let closes = |text: &str| Answer::SendAndClose(text.as_bytes().to_vec());
    let slow = "* OK this greeting never comes to its end ".repeat(50).into_bytes();
    let mut refusals = Refusals::begin();
    for (what, greeting, class) in [
        ("no greeting", Answer::text(""), "timeout"),
        ("half a greeting", Answer::text("* OK rea"), "timeout"),
        ("a greeting octet by octet", Answer::Trickle(slow, Duration::from_millis(5)), "timeout"),
        ("a greeting without an end", Answer::Flood(Flood::endless("* OK ", "hello ")), "limit"),
        ("octets without an end", Answer::Flood(Flood::endless("", "\0\u{7f}")), "limit"),
        ("the end at once", closes(""), "connect"),
        ("a goodbye", closes("* BYE go away\r\n"), "connect"),
        ("a goodbye for the moment", closes("* BYE [UNAVAILABLE] too many connections\r\n"), "unavailable"),
        ("SMTP", Answer::text("220 mail.example.org ESMTP Postfix\r\n"), "not_imap"),
        ("POP3", Answer::text("+OK POP3 ready <1@mail.example.org>\r\n"), "not_imap"),
        ("HTTP", closes("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<h1>no\r\n"), "not_imap"),
        ("SSH", Answer::text("SSH-2.0-OpenSSH_9.2\r\n"), "not_imap"),
        ("TLS", Answer::Send(b"\x15\x03\x03\x00\x02\x02\x28\r\n".to_vec()), "not_imap"),
        ("a refusal", Answer::text("* NO not today\r\n"), "not_imap"),
        ("another untagged response", Answer::text("* CAPABILITY IMAP4rev1\r\n"), "not_imap"),
        ("a message", Answer::text("* 1 FETCH (BODY[] {2}\r\nhi)\r\n"), "not_imap"),
    ] {
        let server = Scripted::start(account(), Script::default().greets(greeting)).unwrap();
        let report = refusals.assert_ends(what, &server, class).await;
        let said = report.error.unwrap().message;
        assert!(class != "not_imap" || said.contains("not a mail (IMAP) server"), "{what}: {said}");
        let asked: Vec<_> = server.commands().into_iter().map(|command| command.name).collect();
        assert!(asked.is_empty(), "{what}: {asked:?}");
        server.finish();
    }
    refusals.end().await;
}
