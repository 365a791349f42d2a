//! Answers that cannot be cut into messages: each costs its own message at most, and never the connection for good.

use testkit::scripted::{Answer, Command, Folder, Script};

use super::{MESSAGES, ODD, fetches, messages, ordinary, serve};
use crate::rig::assert_balanced;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_cut_costs_its_own_message_at_most() {
    for (what, odd) in [
        ("a literal that ends too early", "* 3 FETCH (UID 3 BODY[] {3}\r\nSubject: 3\r\n\r\nbody\r\n)\r\n"),
        ("a literal of more than comes", "* 3 FETCH (UID 3 BODY[] {4000}\r\nSubject: 3\r\n\r\nbody\r\n)\r\n"),
        ("four gigabytes", "* 3 FETCH (UID 3 BODY[] {4294967296}\r\nSubject: 3\r\n"),
        ("more than a number holds", "* 3 FETCH (UID 3 BODY[] {18446744073709551616}\r\nSubject: 3\r\n)\r\n"),
        ("less than nothing", "* 3 FETCH (UID 3 BODY[] {-1}\r\nSubject: 3\r\n)\r\n"),
        ("a literal in an atom", "* 3 FETCH (UID 3 BO{2}\r\nDY[] {2}\r\nhi)\r\n"),
        ("no end of a list", "* 3 FETCH (UID 3 BODY[] {2}\r\nhi\r\n"),
        ("a list without an end", "* 3 FETCH ((((((((((((((((((((((((((((((((((((((((((((((((((((((((\r\n"),
    ] {
        let (server, rig) = serve(
            vec![Folder::new("INBOX", messages(MESSAGES)), Folder::new("Other", messages(2))],
            fetches_in_inbox(move |body| if body { odd.to_owned() } else { ordinary(ODD, false) }),
        );
        let report = rig.import().await;
        assert!(report.error.is_none(), "{what}: {report:#?}");
        assert_balanced(&report);
        let told: Vec<_> = report.exceptions.iter().map(|e| (e.uid, e.class.as_str())).collect();
        assert_eq!(
            (told, report.totals.imported),
            (vec![(Some(ODD), "unreadable")], 6),
            "{what}: {report:#?}"
        );
        server.finish();
    }
}

/// As [`fetches`], while INBOX is what is open.
fn fetches_in_inbox(odd: impl Fn(bool) -> String + Send + Sync + 'static) -> Script {
    let open = std::sync::Arc::new(std::sync::Mutex::new(std::collections::HashMap::new()));
    let opened = open.clone();
    let examine = move |command: &Command| {
        opened.lock().unwrap().insert(command.connection, command.arguments.contains("INBOX"));
        Answer::Usual
    };
    fetches(odd)
        .only_when(move |command| open.lock().unwrap().get(&command.connection) == Some(&true))
        .on("EXAMINE", examine)
}
