//! The client against servers that answer from a script.
#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::time::Duration;

use mailimport_imap::{
    AttemptBudget, Connection, Credentials, Endpoint, Error, FetchEvent, FetchItem, Options, SearchQuery,
    Security, Stage, Timeouts, Tls, TlsTrust, WireName,
};
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Says the greeting; then, for each pair, reads a line that must contain the first text and answers
/// with the second, in which `TAG` stands for the command's tag. Gives all that was read.
fn serve(greeting: &str, script: &[(&str, &str)]) -> (DuplexStream, JoinHandle<String>) {
    let (client, server) = duplex(1 << 20);
    let greeting = greeting.to_owned();
    let script: Vec<(String, String)> =
        script.iter().map(|&(expected, answer)| (expected.to_owned(), answer.to_owned())).collect();
    let task = tokio::spawn(async move {
        let mut server = BufReader::new(server);
        let (mut read, mut tag) = (String::new(), String::new());
        server.write_all(greeting.as_bytes()).await.unwrap();
        for (expected, answer) in script {
            let mut line = String::new();
            server.read_line(&mut line).await.unwrap();
            assert!(line.contains(&expected), "expected {expected}, read {line}");
            if line.starts_with('m') {
                tag = line.split(' ').next().unwrap_or_default().to_owned();
            }
            read.push_str(&line);
            server.write_all(answer.replace("TAG", &tag).as_bytes()).await.unwrap();
        }
        // Stay until the client leaves.
        let _ = server.read(&mut [0; 1]).await;
        read
    });
    (client, task)
}

fn quick() -> Options {
    let timeouts = Timeouts {
        greeting: Duration::from_millis(300),
        reply: Duration::from_millis(300),
        ..Timeouts::default()
    };
    Options { timeouts, ..Options::default() }
}

fn password() -> Credentials {
    let password = SecretString::from("secret".to_owned());
    Credentials::Password { user: "u".to_owned(), password, authorization_id: None }
}

fn oauth() -> Credentials {
    Credentials::OAuth { user: "u@x".to_owned(), token: SecretString::from("t0ken".to_owned()) }
}

async fn login(
    capabilities: &str,
    script: &[(&str, &str)],
    credentials: &Credentials,
) -> Result<Connection, Error> {
    let (stream, _server) = serve(&format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] hi\r\n"), script);
    let mut connection = Connection::over(stream, &Options::default()).await.unwrap();
    connection.authenticate(credentials, &AttemptBudget::default()).await.map(|()| connection)
}

#[tokio::test]
async fn an_oauth_token_logs_in() {
    let ok = "TAG OK [CAPABILITY IMAP4rev1 X-AFTER] in\r\n";
    for (capabilities, script) in [
        ("AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR", vec![("AUTHENTICATE OAUTHBEARER bixh", ok)]),
        ("AUTH=XOAUTH2 SASL-IR", vec![("AUTHENTICATE XOAUTH2 dXNlcj11QHgB", ok)]),
        ("AUTH=XOAUTH2", vec![("AUTHENTICATE XOAUTH2\r\n", "+ \r\n"), ("dXNlcj11QHgB", ok)]),
    ] {
        let connection = login(capabilities, &script, &oauth()).await.unwrap();
        assert!(connection.capabilities().has("X-AFTER") && !connection.capabilities().has("AUTH=XOAUTH2"));
    }
}

#[tokio::test]
async fn a_refused_oauth_token_is_acknowledged_and_reported_with_its_status() {
    // {"status":"401","schemes":"bearer"}
    let challenge = "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=\r\n";
    for (mechanism, acknowledgement) in [("OAUTHBEARER", "AQ==\r\n"), ("XOAUTH2", "\r\n")] {
        let script = [(mechanism, challenge), (acknowledgement, "TAG NO no\r\n")];
        let error = login(&format!("AUTH={mechanism} SASL-IR"), &script, &oauth()).await.unwrap_err();
        let Error::AuthenticationRefused { text, .. } = &error else { panic!("{error:?}") };
        assert!(text.contains("401") && !text.contains("t0ken"), "{text}");
    }
}

#[tokio::test]
async fn passwords_go_by_what_the_server_offers_and_only_once() {
    let ok = "TAG OK [CAPABILITY IMAP4rev1] in\r\n";
    login("AUTH=PLAIN SASL-IR", &[("AUTHENTICATE PLAIN AHUAc2VjcmV0", ok)], &password()).await.unwrap();
    login("", &[("LOGIN \"u\" \"secret\"", ok)], &password()).await.unwrap();
    // The mechanism itself is unusable: the next one is tried.
    let fallback = [("PLAIN", "TAG BAD unknown\r\n"), ("LOGIN", ok)];
    login("AUTH=PLAIN SASL-IR", &fallback, &password()).await.unwrap();
    // A plain NO is an answer.
    let error = login("AUTH=PLAIN SASL-IR", &[("PLAIN", "TAG NO no\r\n")], &password()).await.unwrap_err();
    assert!(matches!(error, Error::AuthenticationRefused { .. }));
    let busy = [("PLAIN", "TAG NO [UNAVAILABLE] later\r\n")];
    let error = login("AUTH=PLAIN SASL-IR", &busy, &password()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }));
    assert!(matches!(login("LOGINDISABLED", &[], &password()).await.unwrap_err(), Error::LoginDisabled));
    assert!(matches!(login("AUTH=GSSAPI", &[], &oauth()).await.unwrap_err(), Error::NoMechanism { .. }));
}

#[tokio::test]
async fn a_server_that_asks_on_for_ever_is_left() {
    let again = "+ \r\n".repeat(20);
    let error = login("AUTH=PLAIN SASL-IR", &[("PLAIN", again.as_str())], &password()).await.unwrap_err();
    assert!(matches!(error, Error::Framing { .. } | Error::Closed), "{error:?}");
    let error =
        login("AUTH=SCRAM-SHA-256 SASL-IR", &[("SCRAM", "TAG OK in\r\n")], &password()).await.unwrap_err();
    assert!(matches!(error, Error::ServerNotAuthentic(_)), "{error:?}");
}

#[tokio::test]
async fn what_is_no_imap_server_is_said_so() {
    for (greeting, matches) in [
        (
            "220 mail ESMTP\r\n",
            (|e| matches!(e, Error::NotImap { banner } if banner.contains("ESMTP"))) as fn(&Error) -> bool,
        ),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", |e| matches!(e, Error::NotImap { .. })),
        ("* BYE [UNAVAILABLE] full\r\n", |e| matches!(e, Error::Bye { .. }) && e.code().is_some()),
        ("", |e| matches!(e, Error::Timeout { stage: Stage::Greeting })),
        (&"x".repeat(100_000), |e| matches!(e, Error::LimitExceeded { .. })),
    ] {
        let (stream, _server) = serve(greeting, &[]);
        let error = Connection::over(stream, &quick()).await.unwrap_err();
        assert!(matches(&error), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_from_before_encryption_is_trusted() {
    for (greeting, answers, matches) in [
        ("* PREAUTH in\r\n", vec![], (|e| matches!(e, Error::PreAuthBeforeTls)) as fn(&Error) -> bool),
        ("* OK hi\r\n", vec!["* CAPABILITY IMAP4rev1\r\nm1 OK\r\n"], |e| matches!(e, Error::StartTlsMissing)),
        ("* OK [CAPABILITY STARTTLS] hi\r\n", vec!["m1 NO not now\r\n"], |e| {
            matches!(e, Error::StartTlsMissing)
        }),
        ("* OK [CAPABILITY STARTTLS] hi\r\n", vec!["m1 OK go\r\n* CAPABILITY X\r\n"], |e| {
            matches!(e, Error::StartTlsInjection)
        }),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Vec<String> = answers.into_iter().map(str::to_owned).collect();
        let greeting = greeting.to_owned();
        let server = tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            stream.write_all(greeting.as_bytes()).await.unwrap();
            for answer in answers {
                stream.read_line(&mut String::new()).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            let _ = stream.read(&mut [0; 1]).await;
        });
        let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port, security: Security::StartTls };
        let tls = Tls::new(TlsTrust::default()).unwrap();
        let error = Connection::open(&endpoint, &tls, &Options::default()).await.unwrap_err();
        assert!(matches(&error), "{error:?}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn every_fetch_on_the_wire_is_completed_whatever_stands_between() {
    let junk =
        "* 9 FETCH (UID 9 BODY[] {2}\r\nabcd)\r\n* XYZZY\r\nnonsense\r\nm999 OK who\r\n* 2 EXPUNGE\r\n";
    let first = format!("* 1 FETCH (UID 1 BODY[] {{2}}\r\nhi)\r\n{junk}TAG NO [UNAVAILABLE] some failed\r\n");
    let script =
        [("UID FETCH 1:2 (UID BODY.PEEK[])", first.as_str()), ("UID FETCH 3 (UID FLAGS)", "TAG OK\r\n")];
    let (stream, server) = serve("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", &script);
    let mut connection = Connection::over(stream, &Options::default()).await.unwrap();
    let mut pipeline = connection.fetch();
    let one = pipeline.send(&"1:2".parse().unwrap(), &[FetchItem::Body], None).await.unwrap();
    let two = pipeline.send(&"3".parse().unwrap(), &[FetchItem::Flags], None).await.unwrap();
    assert_eq!(pipeline.in_flight(), 2);
    let (mut messages, mut completed) = (Vec::new(), Vec::new());
    while let Some(event) = pipeline.next().await.unwrap() {
        match event {
            FetchEvent::Message(message) => {
                messages.push((message.uid.unwrap().get(), message.suspicion.is_some()))
            }
            FetchEvent::Completed { id, outcome } => completed.push((id, outcome.code.is_some())),
            _ => {}
        }
    }
    assert_eq!(messages, [(1, false), (9, true)]);
    assert_eq!(completed, [(one, true), (two, false)]);
    assert_eq!(connection.skipped_lines(), 3);
    assert!(connection.is_usable());
    drop(connection);
    server.await.unwrap();
}

#[tokio::test]
async fn a_search_answer_that_is_missing_or_garbled_is_no_empty_folder() {
    for answer in ["TAG OK done\r\n", "* SEARCH 1 2 oops\r\nTAG OK done\r\n"] {
        let (stream, _server) =
            serve("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", &[("UID SEARCH ALL", answer)]);
        let mut connection = Connection::over(stream, &Options::default()).await.unwrap();
        let error = connection.search(&SearchQuery::All).await.unwrap_err();
        assert!(matches!(error, Error::Framing { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn silence_goodbye_and_the_end_are_told_apart() {
    for (answer, matches) in [
        ("", (|e| matches!(e, Error::Timeout { stage: Stage::Reply })) as fn(&Error) -> bool),
        ("* BYE shutting down\r\n", |e| matches!(e, Error::Bye { .. })),
    ] {
        let (stream, _server) = serve("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", &[("NOOP", answer)]);
        let mut connection = Connection::over(stream, &quick()).await.unwrap();
        let error = connection.noop().await.unwrap_err();
        assert!(matches(&error) && error.is_connection_lost(), "{error:?}");
        assert!(!connection.is_usable());
    }
}

#[tokio::test]
async fn a_name_that_needs_a_literal_waits_for_the_server() {
    let status = "* STATUS {8}\r\nEnvoy\u{e9}s (MESSAGES 3)\r\nTAG OK\r\n";
    let script = [("STATUS {8}", "+ go on\r\n"), ("Envoy\u{e9}s (MESSAGES)", status)];
    let (stream, _server) = serve("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", &script);
    let mut connection = Connection::over(stream, &Options::default()).await.unwrap();
    let items = [mailimport_imap::StatusItem::Messages];
    let name = WireName::new("Envoy\u{e9}s".as_bytes());
    let answers = connection.status_many(&[name], &items).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().messages, Some(3));
}

#[tokio::test]
async fn a_decompression_bomb_ends_the_connection() {
    use async_compression::tokio::write::DeflateEncoder;
    let (client, server) = duplex(1 << 20);
    let server = tokio::spawn(async move {
        let mut server = BufReader::new(server);
        let greeting = "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hi\r\n";
        server.write_all(greeting.as_bytes()).await.unwrap();
        server.read_line(&mut String::new()).await.unwrap();
        server.write_all(b"m1 OK go\r\n").await.unwrap();
        let mut bomb = DeflateEncoder::new(server);
        let lines = format!("* OK {}\r\n", "x".repeat(10_000)).repeat(12);
        // 120 MB, some 300 kB on the wire.
        for _ in 0..1_000 {
            if bomb.write_all(lines.as_bytes()).await.is_err() {
                return;
            }
        }
        let _ = bomb.shutdown().await;
    });
    let mut options = Options::default();
    options.limits.compression_ratio = 20;
    let mut connection = Connection::over(client, &options).await.unwrap();
    connection.compress().await.unwrap();
    let error = connection.noop().await.unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { what: "the compression ratio", limit: 20 }), "{error:?}");
    drop(connection);
    server.await.unwrap();
}

#[tokio::test]
async fn a_fetch_that_is_read_in_interrupted_steps_loses_nothing() {
    let (client, mut server) = duplex(64);
    let body = "0123456789".repeat(500);
    let answer = format!("* 1 FETCH (UID 1 BODY[] {{{}}}\r\n{body})\r\nm1 OK\r\n", body.len());
    let task = tokio::spawn(async move {
        server.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n").await.unwrap();
        for piece in answer.as_bytes().chunks(37) {
            server.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let _ = server.read(&mut [0; 64]).await;
    });
    let mut connection = Connection::over(client, &Options::default()).await.unwrap();
    let mut pipeline = connection.fetch();
    pipeline.send_all(&[FetchItem::Body], None).await.unwrap();
    let (mut octets, mut interrupted) = (Vec::new(), 0);
    loop {
        // The step is given up as soon as it would have to wait.
        let step = tokio::select! {
            biased;
            event = pipeline.next() => Some(event.unwrap()),
            () = std::future::ready(()) => None,
        };
        match step {
            None => {
                interrupted += 1;
                tokio::task::yield_now().await;
            }
            Some(None) => break,
            Some(Some(FetchEvent::BodyData(data))) => octets.extend_from_slice(&data),
            Some(Some(_)) => {}
        }
    }
    assert!(interrupted > 10, "{interrupted}");
    assert_eq!(octets, body.as_bytes());
    drop(connection);
    task.await.unwrap();
}
