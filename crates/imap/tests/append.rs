//! APPEND against servers that answer from a script: literals, answers in the middle, UIDs.
#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mailimport_imap::{
    AppendBody, AppendMessage, Appended, Connection, Error, Flag, InternalDate, Options, ResponseCode, Uid,
    UidValidity, WireName,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// Reads up to each text, and answers with the other one. Gives all that was read until the client leaves.
fn serve(capabilities: &str, script: &[(&str, &str)]) -> (DuplexStream, JoinHandle<String>) {
    let (client, mut server) = duplex(1 << 12);
    let greeting = format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\r\n");
    let script: Vec<(String, String)> =
        script.iter().map(|&(expected, answer)| (expected.to_owned(), answer.to_owned())).collect();
    let task = tokio::spawn(async move {
        server.write_all(greeting.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let mut from = 0;
        for (expected, answer) in script {
            while !read[from..].windows(expected.len()).any(|window| window == expected.as_bytes()) {
                let mut buffer = [0; 4_096];
                let length = server.read(&mut buffer).await.unwrap();
                assert!(length > 0, "expected {expected}, read {}", String::from_utf8_lossy(&read));
                read.extend_from_slice(&buffer[..length]);
            }
            from = read.len();
            server.write_all(answer.as_bytes()).await.unwrap();
        }
        let _ = server.shutdown().await;
        let _ = server.read_to_end(&mut read).await;
        String::from_utf8_lossy(&read).into_owned()
    });
    (client, task)
}

/// A body that is made while it is read, and counts what was read of it.
struct Body {
    left: u64,
    read: Arc<AtomicU64>,
}

impl AppendBody for Body {
    async fn next(&mut self) -> std::io::Result<Bytes> {
        let length = self.left.min(1_000);
        self.left -= length;
        self.read.fetch_add(length, Ordering::SeqCst);
        Ok(Bytes::from(vec![b'x'; usize::try_from(length).unwrap()]))
    }
}

fn message(size: u64) -> AppendMessage<Body> {
    let date = Some(InternalDate { timestamp: 837_596_665, offset_minutes: -420 });
    let body = Body { left: size, read: Arc::default() };
    AppendMessage { flags: vec![Flag::Seen, Flag::Recent], date, size, has_nul: false, body }
}

async fn append(
    capabilities: &str,
    script: &[(&str, &str)],
    commands: Vec<Vec<AppendMessage<Body>>>,
) -> (Vec<Appended>, Result<(), Error>, bool, String) {
    let (stream, server) = serve(capabilities, script);
    let mut connection = Connection::over(stream, &Options::default()).await.unwrap();
    let (outcomes, result) = connection.append(&WireName::new("A b"), commands).await;
    let usable = connection.is_usable();
    drop(connection);
    (outcomes, result, usable, server.await.unwrap())
}

fn uids(appended: &Appended) -> Option<Vec<u32>> {
    match appended {
        Appended::Saved(Some(uids)) => {
            assert_eq!(uids.uid_validity, UidValidity(38_505));
            Some(uids.uids.iter().map(|uid| uid.get()).collect())
        }
        _ => None,
    }
}

#[tokio::test]
async fn messages_go_together_without_waiting_and_their_uids_come_back_in_order() {
    let script = [("xxx\r\n", "* 3 EXISTS\r\nm1 OK [APPENDUID 38505 7,9:10] done\r\n")];
    let commands = vec![vec![message(3), message(5), message(3)]];
    let (outcomes, result, usable, read) = append("MULTIAPPEND LITERAL+", &script, commands).await;
    result.unwrap();
    assert!(usable);
    assert_eq!(uids(&outcomes[0]), Some(vec![7, 9, 10]));
    let head = "(\\Seen) \"17-Jul-1996 02:44:25 -0700\"";
    assert_eq!(
        read,
        format!("m1 APPEND \"A b\" {head} {{3+}}\r\nxxx {head} {{5+}}\r\nxxxxx {head} {{3+}}\r\nxxx\r\n")
    );
}

#[tokio::test]
async fn commands_do_not_wait_for_each_other_and_each_has_its_own_answer() {
    // All three have come before the first one is answered, and the answers come in any order.
    let answers =
        "m3 OK [APPENDUID 38505 9] done\r\nm1 OK [APPENDUID 38505 7] done\r\nm2 NO [LIMIT] too large\r\n";
    let script = [("{2+}\r\nxx\r\n", answers)];
    let commands = vec![vec![message(1)], vec![message(1)], vec![message(2)]];
    let (outcomes, result, usable, _) = append("LITERAL+", &script, commands).await;
    result.unwrap();
    assert!(usable);
    assert_eq!((uids(&outcomes[0]), uids(&outcomes[2])), (Some(vec![7]), Some(vec![9])));
    let Appended::Refused(refused) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!(refused.code(), Some(&ResponseCode::Limit));
}

#[tokio::test]
async fn a_uid_set_of_another_size_is_not_believed() {
    for code in ["38505 7:8", "38505 0", "x 7", "38505"] {
        let answer = format!("m1 OK [APPENDUID {code}] done\r\n");
        let script = [("x\r\n", answer.as_str())];
        let (outcomes, result, _, _) = append("LITERAL+", &script, vec![vec![message(1)]]).await;
        result.unwrap();
        assert!(matches!(outcomes[0], Appended::Saved(None)), "{outcomes:?}");
    }
}

#[tokio::test]
async fn literals_wait_where_they_must() {
    let script = [("{2}\r\n", "* OK news\r\n+ go on\r\n"), ("xx\r\n", "m1 OK done\r\n")];
    let (outcomes, result, _, _) = append("", &script, vec![vec![message(2)]]).await;
    result.unwrap();
    assert!(matches!(outcomes[0], Appended::Saved(None)));
    // LITERAL-: up to 4,096 octets need not wait (RFC 7888, section 5).
    let script = [("{4096+}\r\n", ""), ("x {4097}\r\n", "+ go on\r\n"), ("x\r\n", "m1 OK done\r\n")];
    let commands = vec![vec![message(4_096)], vec![message(4_097)]];
    let script_of_two = [script[0], ("{4097}\r\n", "m1 OK done\r\n+ go on\r\n"), ("x\r\n", "m2 OK done\r\n")];
    let (outcomes, result, _, _) = append("LITERAL-", &script_of_two, commands).await;
    result.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Appended::Saved(None))), "{outcomes:?}");
}

/// A refusal in place of `+` is clean: nothing of the literal was sent.
#[tokio::test]
async fn a_refusal_before_the_literal_leaves_the_connection_good() {
    let script = [
        ("{2}\r\n", "m1 NO [TRYCREATE] no such folder\r\n"),
        ("{3}\r\n", "+ ok\r\n"),
        ("xxx\r\n", "m2 OK done\r\n"),
    ];
    let commands = vec![vec![message(2)], vec![message(3)]];
    let (outcomes, result, usable, read) = append("", &script, commands).await;
    result.unwrap();
    assert!(usable);
    assert!(
        matches!(&outcomes[0], Appended::Refused(error) if error.code() == Some(&ResponseCode::TryCreate))
    );
    assert!(matches!(outcomes[1], Appended::Saved(None)));
    assert!(!read.contains("xx\r\nm2"), "{read}");
}

/// The server refuses in the middle of what it did not ask for, and stops reading: no hang, and the connection is done.
#[tokio::test]
async fn an_answer_in_the_middle_of_a_literal_is_heard_and_ends_the_connection() {
    for (answer, is_refusal) in [
        ("m1 NO [OVERQUOTA] full\r\n", true),
        ("m1 OK done\r\n", false),
        ("* BYE [UNAVAILABLE] going down\r\n", false),
    ] {
        let many = message(50_000_000);
        let counter = Arc::clone(&many.body.read);
        let script = [("{50000000+}", answer)];
        let (outcomes, result, usable, _) = append("LITERAL+", &script, vec![vec![many]]).await;
        assert!(result.is_err() && !usable, "{answer}");
        match &outcomes[0] {
            Appended::Refused(error) => assert!(is_refusal && error.code() == Some(&ResponseCode::OverQuota)),
            other => assert!(!is_refusal && matches!(other, Appended::Unknown), "{answer}: {other:?}"),
        }
        if is_refusal {
            assert!(counter.load(Ordering::SeqCst) <= 50_000_000);
        }
    }
}

#[tokio::test]
async fn what_the_server_never_answered_is_unknown_beside_what_it_did() {
    let script = [("m3 APPEND", "m1 OK [APPENDUID 38505 7] done\r\n* BYE enough\r\n")];
    let commands = vec![vec![message(1)], vec![message(1)], vec![message(2)], vec![message(4)]];
    let (outcomes, result, usable, _) = append("LITERAL+", &script, commands).await;
    assert!(matches!(result, Err(Error::Bye { .. } | Error::Closed | Error::Io(_))), "{result:?}");
    assert!(!usable);
    assert_eq!(uids(&outcomes[0]), Some(vec![7]));
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes[1..].iter().all(|outcome| matches!(outcome, Appended::Unknown)), "{outcomes:?}");
}

#[tokio::test]
async fn a_body_of_another_length_never_becomes_a_message() {
    for (size, announced) in [(3, 5), (5, 3)] {
        let wrong = AppendMessage { size: announced, ..message(size) };
        let (outcomes, result, usable, _) = append("LITERAL+", &[], vec![vec![wrong]]).await;
        assert!(matches!(result, Err(Error::Unsendable { .. } | Error::Closed)), "{result:?}");
        assert!(!usable && matches!(outcomes[0], Appended::Unknown));
    }
}

#[tokio::test]
async fn nuls_travel_as_literal8_where_the_server_takes_it() {
    for (capabilities, marker) in [("LITERAL+ BINARY", " ~{1+}\r\n"), ("LITERAL+", "\" {1+}\r\n")] {
        let message = AppendMessage { has_nul: true, ..message(1) };
        let script = [(marker, ""), ("x\r\n", "m1 OK done\r\n")];
        let script = &script[1..];
        let (_, result, _, read) = append(capabilities, script, vec![vec![message]]).await;
        result.unwrap();
        assert!(read.contains(marker), "{read}");
    }
}

#[tokio::test]
async fn several_messages_need_multiappend() {
    let (outcomes, result, usable, read) = append("LITERAL+", &[], vec![vec![message(1), message(1)]]).await;
    assert!(matches!(result, Err(Error::Unsupported { extension: "MULTIAPPEND" })));
    assert!(usable && read.is_empty() && matches!(outcomes[0], Appended::Unknown));
    assert_eq!(Uid::new(0), None);
}
