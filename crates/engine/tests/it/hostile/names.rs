//! Names of folders: whatever they hold, nothing is written outside of the mailbox, and no two become one.

use std::path::Path;

use engine::report::Verdict;
use testkit::scripted::{Answer, Command, Flood, Folder, Message, Script, Scripted};

use super::{Refusals, account, serve, twice};
use crate::servers::{assert_holds, folder, missed};

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_folder_leads_out_of_the_mailbox_and_no_two_become_one() {
    let deep = vec!["deep"; 60].join("/");
    let deepest = vec!["d"; 500].join("/");
    // Names that are longer than the limit are left out: see `limits.rs`.
    let long = "n".repeat(8_000);
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
        "&AGEAYg-",
        "&2D3-",
        "&ZeVnLIqe",
        "a\u{301}",
        "\u{e1}",
        "INBOX/",
        "Inbox.",
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
        &deepest,
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

/// A name that no line can hold is left out, and said: the folders after it arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_ten_megabytes_costs_its_own_folder_only() {
    for (what, first, again, last) in [
        ("quoted", "* LIST () \"/\" \"INBOX\"\r\n* LIST () \"/\" \"", "0123456789", "\"\r\n"),
        ("a literal", "* LIST () \"/\" \"INBOX\"\r\n* LIST () \"/\" {10000000}\r\n", "0123456789", "\r\n"),
    ] {
        let last = format!("{last}* LIST () \"/\" Work\r\n{{tag}} OK done\r\n");
        let (first, again) = (first.as_bytes().to_vec(), again.as_bytes().to_vec());
        let flood = Flood { first, again, times: 1_000_000, last: last.into_bytes() };
        let script = Script::default().on("LIST", move |_| Answer::Flood(flood.clone()));
        let (server, rig) = serve(vec![folder("INBOX", 3), folder("Work", 2)], script);
        let report = twice(&rig).await;
        assert_eq!(
            (report.verdict, missed(&report)),
            (Verdict::Incomplete, vec![("", None, "unlisted")]),
            "{what}"
        );
        assert_holds(&rig, "INBOX", "INBOX", 1..=3);
        assert_holds(&rig, "Work", "Work", 1..=2);
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_folders_and_names_that_fill_the_memory_are_not_accepted() {
    let long = format!("* LIST () \"/\" \"{{n}} {}\"\r\n", "x".repeat(60_000));
    let mut refusals = Refusals::begin();
    for (what, again, says) in [
        ("a million folders", "* LIST () \"/\" \"folder {n}\"\r\n", "the number of folders (100000)"),
        ("a million times one", "* LIST () \"/\" INBOX\r\n", "the number of folders (100000)"),
        ("long names", long.as_str(), "the length of all folder names"),
    ] {
        let (first, again, last) = (Vec::new(), again.as_bytes().to_vec(), b"{tag} OK done\r\n".to_vec());
        let flood = Flood { first, again, times: 1_000_000, last };
        let script = Script::default().on("LIST", move |_| Answer::Flood(flood.clone()));
        let server = Scripted::start(account(), script).unwrap();
        let report = refusals.assert_ends(what, &server, "limit").await;
        let message = report.error.unwrap().message;
        assert!(message.contains(says), "{what}: {message}");
        server.finish();
    }
    refusals.end().await;
}

/// As many as are allowed are looked through in no time worth speaking of: nothing is compared each with each.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_folders_are_planned() {
    let names = "* LIST (\\HasNoChildren) \"/\" \"folder {n}\"\r\n".as_bytes().to_vec();
    let subscribed = "* LSUB () \"/\" \"folder {n}\"\r\n".as_bytes().to_vec();
    let flood = |again: Vec<u8>| {
        let answer = Flood { first: Vec::new(), again, times: 20_000, last: b"{tag} OK done\r\n".to_vec() };
        move |_: &Command| Answer::Flood(answer.clone())
    };
    let script = Script::default()
        .on("LIST", flood(names))
        .on("LSUB", flood(subscribed))
        .on("STATUS", |_| Answer::text("{tag} NO not one of them\r\n"));
    let (server, rig) = serve(vec![folder("INBOX", 1)], script);
    let (survey, plan) = rig.dry_run().await.unwrap();
    assert_eq!((survey.folders.len(), plan.folders.len()), (20_001, 20_001));
    assert!(survey.folders.iter().filter(|folder| folder.subscribed).count() >= 20_000);
    server.finish();
}
