//! Servers that lie, and servers that mean harm: whatever one message, one folder's name or one answer holds, it costs at
//! most itself. The rest arrives, the numbers balance, a second run copies nothing, and nothing is written outside
//! the mailbox.

use std::path::Path;
use std::time::Duration;

use engine::report::{Report, Verdict};
use testkit::scripted::{Answer, Command, Folder, Message, Script, Scripted, VirtualAccount};

use crate::rig::{Rig, assert_balanced};

/// Messages of INBOX; the third is the odd one.
const MESSAGES: u32 = 5;
const ODD: u32 = 3;

fn text(uid: u32) -> String {
    format!("Subject: {uid}\r\n\r\nbody\r\n")
}

fn messages(count: u32) -> Vec<Message> {
    (1..=count).map(|uid| Message::new(uid, text(uid).as_bytes())).collect()
}

fn serve(folders: Vec<Folder>, script: Script) -> (Scripted, Rig) {
    let server = Scripted::start(VirtualAccount::new(folders), script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    // Who announces more than comes is not waited for long.
    let timeouts = &mut rig.settings.client.timeouts;
    for timeout in [&mut timeouts.connect, &mut timeouts.greeting, &mut timeouts.reply] {
        *timeout = Duration::from_secs(1);
    }
    (server, rig)
}

/// An ordinary message in an answer to FETCH.
fn ordinary(uid: u32, body: bool) -> String {
    let size = text(uid).len();
    let body = if body { format!(" BODY[] {{{size}}}\r\n{}", text(uid)) } else { String::new() };
    let date = "INTERNALDATE \"01-Jan-2020 00:00:00 +0000\"";
    format!("* {uid} FETCH (UID {uid} FLAGS () {date} RFC822.SIZE {size}{body})\r\n")
}

/// Answers FETCH for INBOX, and as `odd` says for the odd one; it is told whether the body is asked for.
fn fetches(odd: impl Fn(bool) -> String + Send + Sync + 'static) -> Script {
    Script::default().on("UID FETCH", move |command: &Command| {
        let Some((set, items)) = command.arguments.split_once(' ') else { return Answer::Usual };
        let set: imap::UidSet = set.replace('*', &MESSAGES.to_string()).parse().unwrap();
        let body = items.contains("BODY.PEEK[]");
        let uids = set.iter().map(|uid| uid.get()).filter(|uid| *uid <= MESSAGES);
        let answer: String =
            uids.map(|uid| if uid == ODD { odd(body) } else { ordinary(uid, body) }).collect();
        Answer::text(&format!("{answer}{{tag}} OK done\r\n"))
    })
}

/// Imports twice: the numbers balance each time, and the second run copies nothing that had arrived.
async fn twice(rig: &Rig) -> Report {
    let report = rig.import().await;
    assert!(report.error.is_none(), "{report:#?}");
    assert_balanced(&report);
    rig.assert_clean();
    let files = rig.files();
    let again = rig.import().await;
    assert_balanced(&again);
    assert_eq!(again.totals.imported, 0, "{again:#?}");
    assert_eq!(rig.files(), files);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_breaks_the_rules_arrives_as_it_is() {
    let long = format!("Subject: {}\r\n\r\nbody\r\n", "x".repeat(1 << 20));
    let contents: [&[u8]; 9] = [
        b"Subject: a NUL\r\n\r\nbefore\0after\r\n",
        b"Subject: a bare CR\r\n\r\nbefore\rafter\r\n",
        b"Subject: bare LFs\n\nbody\n",
        b"Subject: mixed\r\n\r\none\ntwo\r\nthree\rfour\n\r\n",
        b"Subject: 8 bit \xe4\xf6\xfc\xff\r\n\r\n\xde\xad\xbe\xef",
        b"no header at all",
        b"\r\n",
        b"",
        long.as_bytes(),
    ];
    let messages = (1..).zip(contents).map(|(uid, content)| Message::new(uid, content)).collect();
    let (server, rig) = serve(vec![Folder::new("INBOX", messages)], Script::default());
    let report = twice(&rig).await;
    assert_eq!((report.totals.listed, report.totals.imported), (9, 9), "{report:#?}");
    let mut arrived: Vec<Vec<u8>> = rig.files().keys().map(|path| std::fs::read(path).unwrap()).collect();
    let mut sent: Vec<Vec<u8>> = contents.iter().map(|content| content.to_vec()).collect();
    arrived.sort();
    sent.sort();
    assert_eq!(arrived, sent);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_folder_leads_out_of_the_mailbox_and_no_two_become_one() {
    let deep = vec!["deep"; 60].join("/");
    let long = "n".repeat(10_000);
    let names: Vec<&str> = vec![
        "INBOX",
        "inbox/below",
        "../../../outside",
        "..",
        ".",
        "a/../b",
        "a//b",
        "/leading",
        "trailing/",
        "a.b",
        ".hidden",
        "tmp",
        "cur",
        "new",
        "dovecot-uidlist",
        "subscriptions",
        "Twin",
        "twin",
        "TWIN",
        "&AOk-",
        "e&AwE-",
        "&AGE",
        "&&&-",
        "8bit-\u{fc}",
        " leading space",
        "trailing space ",
        "con\u{1}trol",
        "~home",
        "%percent*star",
        "-rf",
        "<script>",
        "it's \"quoted\"",
        "back\\slash",
        &deep,
        &long,
    ];
    let folder = |name: &&str| {
        Folder::new(name, vec![Message::new(1, format!("Subject: {name}\r\n\r\n.\r\n").as_bytes())])
    };
    let (server, rig) = serve(names.iter().map(folder).collect(), Script::default());
    let home = rig.server.maildir("bob");
    let beside = everything_beside(&home);
    let report = twice(&rig).await;
    assert_eq!(everything_beside(&home), beside, "something was written outside the mailbox");
    assert_eq!(rig.files().len(), names.len(), "{report:#?}");
    let mut places: Vec<_> = report.folders.iter().map(|folder| folder.destination.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), names.len(), "{places:?}");
    server.finish();
}

/// All that lies beside the mailbox, and beside what it lies in.
fn everything_beside(maildir: &Path) -> Vec<std::path::PathBuf> {
    let directories = maildir.ancestors().skip(1).take(3);
    let entries = directories.filter_map(|directory| std::fs::read_dir(directory).ok()).flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| !maildir.starts_with(path)).collect();
    found.sort();
    found
}

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

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_were_never_asked_for_are_not_believed() {
    for (what, odd) in [
        ("UID 0", "* 3 FETCH (UID 0 BODY[] {2}\r\nhi)\r\n"),
        ("a UID beyond 32 bits", "* 3 FETCH (UID 4294967299 BODY[] {2}\r\nhi)\r\n"),
        ("a UID that is not there", "* 3 FETCH (UID 77 BODY[] {2}\r\nhi)\r\n"),
    ] {
        let script = fetches(move |body| if body { odd.to_owned() } else { ordinary(ODD, false) });
        let (server, rig) = serve(vec![Folder::new("INBOX", messages(MESSAGES))], script);
        let report = rig.import().await;
        assert_balanced(&report);
        let told: Vec<_> = report.exceptions.iter().map(|e| (e.uid, e.class.as_str())).collect();
        assert_eq!(
            (told, report.totals.imported),
            (vec![(Some(ODD), "unreadable")], 4),
            "{what}: {report:#?}"
        );
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_makes_no_sense_does_not_cost_the_message() {
    let keywords = (0..500).map(|number| format!("Keyword{number}")).collect::<Vec<_>>().join(" ");
    let long = "k".repeat(10_000);
    let size = text(ODD).len();
    for (what, flags, date, told) in [
        ("year 0", "", "\"01-Jan-0000 00:00:00 +0000\"", size.to_string()),
        ("year 9999", "", "\"31-Dec-9999 23:59:59 +0000\"", size.to_string()),
        ("a zone that is none", "", "\"01-Jan-2020 00:00:00 +9999\"", size.to_string()),
        ("a date that is none", "", "\"32-Foo-2020 25:61:00 +0000\"", size.to_string()),
        ("no date", "", "NIL", size.to_string()),
        ("500 keywords", keywords.as_str(), "\"01-Jan-2020 00:00:00 +0000\"", size.to_string()),
        ("a long keyword", long.as_str(), "\"01-Jan-2020 00:00:00 +0000\"", size.to_string()),
        ("flags that are none", "\\ \\* $ a/b ../c :2,S", "\"01-Jan-2020 00:00:00 +0000\"", size.to_string()),
        ("a size of one", "", "\"01-Jan-2020 00:00:00 +0000\"", "1".to_owned()),
        ("a size beyond everything", "", "\"01-Jan-2020 00:00:00 +0000\"", u64::MAX.to_string()),
        ("no size", "", "\"01-Jan-2020 00:00:00 +0000\"", "NIL".to_owned()),
    ] {
        let head = format!("* 3 FETCH (UID 3 FLAGS ({flags}) INTERNALDATE {date} RFC822.SIZE {told}");
        let odd = move |body| match body {
            true => format!("{head} BODY[] {{{size}}}\r\n{})\r\n", text(ODD)),
            false => format!("{head})\r\n"),
        };
        let (server, rig) = serve(vec![Folder::new("INBOX", messages(MESSAGES))], fetches(odd));
        let report = twice(&rig).await;
        assert_eq!(report.totals.imported, u64::from(MESSAGES), "{what}: {report:#?}");
        assert_ne!(report.verdict, Verdict::Incomplete, "{what}: {report:#?}");
        let arrived = rig.bob().fetch_all("INBOX").unwrap();
        assert!(
            arrived.iter().any(|message| message.bytes.as_deref() == Some(text(ODD).as_bytes())),
            "{what}"
        );
        server.finish();
    }
}
