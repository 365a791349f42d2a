//! The mailbox as a real Dovecot serves it, before, while and after it is written.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::server::{Dovecot, OWNER, base, deliver, flags, name, staged};
use maildir::{Arrival, Durability, FlagChange, FlagResult, Flags, FolderName, SystemFlags};

#[test]
fn awkward_messages_arrive_octet_for_octet_and_dovecot_believes_their_sizes() {
    let server = Dovecot::start();
    let folder = server.mailbox().create_folder(&name("Entw&APw-rfe.a b")).unwrap();
    let big = b"0123456789abcdef\r\n".repeat(60_000);
    let messages: [&[u8]; 9] = [
        b"Subject: plain\r\n\r\nbody\r\n",
        b"Subject: bare LF\n\nbody\nmore\n",
        b"Subject: mixed\r\n\nbody\r\nmore\nend",
        b"Subject: bare CR\r\n\r\nbo\rdy\r\r\n",
        b"no header at all",
        b"",
        b"\r\n",
        b"Subject: \xfc\xff\r\n\r\n\x80\r\n",
        &big,
    ];
    let batch =
        messages.iter().enumerate().map(|(n, m)| staged(&folder, n + 1, m, flags("S", &[]), 1_000_000_000));
    let delivered = folder.deliver(batch.collect(), Durability::SyncFs).unwrap();
    let mut client = server.client();
    client.ok("EXAMINE \"Entw&APw-rfe.a b\"");
    for (uid, (message, delivered)) in (1u32..).zip(messages.iter().zip(&delivered)) {
        let file = server.path().join(".Entw&APw-rfe.a b/cur").join(&delivered.file_name);
        assert_eq!(std::fs::read(&file).unwrap(), *message);
        let seen = crlf(message);
        assert_eq!(client.body(uid), seen, "message {uid}");
        let size = client.text(&format!("UID FETCH {uid} RFC822.SIZE"));
        assert!(size.contains(&format!("RFC822.SIZE {})", seen.len())), "{size}");
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
}

fn crlf(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &octet in octets {
        if octet == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(octet);
    }
    out
}

#[test]
fn a_wrong_w_is_seen_by_this_judge() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    let right = deliver(&folder, 1, Flags::default()).file_name;
    let (head, _) = right.split_once(",W=").unwrap();
    let cur = server.path().join("cur");
    std::fs::rename(cur.join(&right), cur.join(format!("{head},W=5:2,"))).unwrap();
    let mut client = server.client();
    client.ok("EXAMINE INBOX");
    assert!(client.text("UID FETCH 1 RFC822.SIZE").contains("RFC822.SIZE 5)"));
    // What the first test compares: a client gets the message truncated to what the name says.
    assert_eq!(client.body(1), b"Subje");
}

#[test]
fn uids_follow_the_source_while_a_client_is_busy_and_nothing_of_either_is_lost() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    let done = AtomicBool::new(false);
    let (batches, each) = (25, 60);
    let appended = std::thread::scope(|scope| {
        let mut client = server.client();
        let done = &done;
        let busy = scope.spawn(move || {
            client.ok("SELECT INBOX");
            let mut appended = 0;
            while !done.load(Ordering::Relaxed) {
                client.append("INBOX", &format!("Subject: own {appended}\r\n\r\n"));
                appended += 1;
                for command in ["NOOP", "STORE 1 +FLAGS (\\Flagged)", "STORE 1 -FLAGS (\\Flagged)", "CHECK"] {
                    client.ok(command);
                }
                client.ok(&format!("STORE {appended} +FLAGS (\\Answered mine)"));
            }
            appended
        });
        for batch in 0..batches {
            let numbers = batch * each + 1..=(batch + 1) * each;
            let message = |n| staged(&folder, n, b"Subject: x\r\n\r\n", flags("S", &["$Imported"]), 1);
            let delivered = folder.deliver(numbers.map(message).collect(), Durability::Automatic).unwrap();
            assert!(
                delivered.iter().all(|d| d.arrival == Arrival::Delivered && d.dropped_keywords.is_empty())
            );
        }
        done.store(true, Ordering::Relaxed);
        busy.join().unwrap()
    });
    let uids = server.uids("INBOX");
    let ours: Vec<usize> = uids.iter().filter_map(|(_, guid)| number(guid)).collect();
    assert_eq!(ours, (1..=batches * each).collect::<Vec<_>>());
    assert_eq!(uids.len(), ours.len() + appended);
    let mut client = server.client();
    client.ok("SELECT INBOX");
    let found = |text: String| text.split_whitespace().filter(|w| w.parse::<u32>().is_ok()).count();
    assert_eq!(found(client.text("SEARCH ANSWERED KEYWORD mine")), appended);
    assert_eq!(found(client.text("SEARCH KEYWORD $Imported")), ours.len());
    server.doveadm(&["force-resync", "-u", "bob", "INBOX"]);
    assert_eq!(server.uids("INBOX"), uids);
    assert!(!server.path().join("dovecot-uidlist.lock").exists());
    assert_eq!(std::fs::read_dir(server.path().join("tmp")).unwrap().count(), 0);
}

/// `n` of our base names.
fn number(guid: &str) -> Option<usize> {
    guid.strip_prefix("1700000000.M")?.split_once('P')?.0.parse().ok()
}

#[test]
fn an_order_that_is_violated_is_seen_by_this_judge() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    let mut client = server.client();
    client.ok("SELECT INBOX");
    deliver(&folder, 2, Flags::default());
    client.ok("NOOP");
    deliver(&folder, 1, Flags::default());
    client.ok("NOOP");
    let order: Vec<_> = server.uids("INBOX").iter().filter_map(|(_, guid)| number(guid)).collect();
    assert_eq!(order, [2, 1]);
}

#[test]
fn keywords_of_the_import_and_of_a_live_client_live_side_by_side() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    let mut client = server.client();
    client.ok("SELECT INBOX");
    deliver(&folder, 1, flags("S", &["$Forwarded", "Work"]));
    client.ok("NOOP");
    client.ok("STORE 1 +FLAGS (client1)");
    for n in 2..=6 {
        deliver(&folder, n, flags("", &["Work", &format!("import{n}")]));
        client.ok("NOOP");
        client.ok(&format!("STORE {n} +FLAGS (client{n})"));
    }
    drop(client);
    let mut client = server.client();
    client.ok("SELECT INBOX");
    for n in 1..=6 {
        let text = client.text(&format!("FETCH {n} FLAGS"));
        let import = if n == 1 { "$Forwarded".to_owned() } else { format!("import{n}") };
        for keyword in ["Work", &import, &format!("client{n}")] {
            assert!(text.contains(keyword), "{keyword} in {text}");
        }
        assert_eq!(text.matches("import").count(), usize::from(n > 1), "{text}");
        assert_eq!(text.matches("client").count(), 1, "{text}");
    }
    let table = folder.keywords().unwrap();
    let mut names = Vec::new();
    folder.scan(&mut |entry| names.push(table.names(entry.keyword_letters).len())).unwrap();
    assert_eq!(names, [3; 6]);
}

#[test]
fn a_folder_takes_26_keywords_and_the_rest_is_reported() {
    let server = Dovecot::start();
    let folder = server.mailbox().create_folder(&name("Many")).unwrap();
    let all: Vec<String> = (0..27).map(|n| format!("kw{n:02}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let delivered = deliver(&folder, 1, flags("", &all));
    assert_eq!(delivered.dropped_keywords, ["kw26"]);
    let mut client = server.client();
    client.ok("SELECT Many");
    let text = client.text("FETCH 1 FLAGS");
    assert_eq!(text.matches("kw").count(), 26, "{text}");
    assert!(!text.contains("kw26"), "{text}");
}

#[test]
fn dates_are_kept_and_those_dovecot_cannot_hold_are_clamped() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    let cases = [
        (1_000_000_000, false, "09-Sep-2001 01:46:40 +0000"),
        (-5, true, "01-Jan-1970 00:00:00 +0000"),
        (0, false, "01-Jan-1970 00:00:00 +0000"),
        (1 << 33, true, "07-Feb-2106 06:28:15 +0000"),
    ];
    let mut batch = Vec::new();
    for (n, (received, adjusted, _)) in cases.iter().enumerate() {
        let delivery = staged(&folder, n + 1, b"a: b\r\n\r\n", Flags::default(), *received);
        assert_eq!(delivery.staged.date_adjusted(), *adjusted);
        batch.push(delivery);
    }
    folder.deliver(batch, Durability::FsyncEach).unwrap();
    let mut client = server.client();
    client.ok("SELECT INBOX");
    for (uid, (received, _, date)) in (1..).zip(cases) {
        let text = client.text(&format!("UID FETCH {uid} INTERNALDATE"));
        let shown = text.split('"').nth(1).unwrap_or_default().to_owned();
        assert_eq!(utc(&shown), utc(date), "{received}");
    }
}

/// A date of IMAP as `date` reads it, in unix seconds.
fn utc(date: &str) -> String {
    let (day, time) = date.trim().split_once(' ').unwrap();
    let date = format!("{} {time}", day.replace('-', " "));
    let output = std::process::Command::new("date").args(["-u", "-d", &date, "+%s"]).output().unwrap();
    assert!(output.status.success(), "{date}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_base_that_is_there_is_not_delivered_again_and_keeps_its_flags() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    deliver(&folder, 1, flags("", &[]));
    let mut client = server.client();
    client.ok("SELECT INBOX");
    client.ok("STORE 1 +FLAGS (\\Flagged mine)");
    let before = server.uids("INBOX");
    let again = deliver(&folder, 1, flags("S", &["other"]));
    assert_eq!(again.arrival, Arrival::AlreadyThere);
    let fresh = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    assert_eq!(deliver(&fresh, 1, flags("", &[])).arrival, Arrival::AlreadyThere);
    assert_eq!(server.uids("INBOX"), before);
    assert_eq!(std::fs::read_dir(server.path().join("cur")).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(server.path().join("tmp")).unwrap().count(), 0);
    assert!(client.text("FETCH 1 FLAGS").contains("\\Flagged"));
    // What the customer removed is not there, so it can be delivered when the caller wants it.
    client.ok("STORE 1 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    assert_eq!(deliver(&folder, 1, flags("", &[])).arrival, Arrival::Delivered);
}

#[test]
fn flags_of_the_import_are_added_to_those_a_client_sets_meanwhile() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    for n in 1..=40 {
        deliver(&folder, n, flags("F", &["old"]));
    }
    let change = |n: usize| FlagChange {
        base: base(n).as_str().to_owned(),
        add: SystemFlags::SEEN,
        remove: SystemFlags::FLAGGED,
        add_keywords: ["new".to_owned()].into(),
        remove_keywords: ["OLD".to_owned()].into(),
    };
    std::thread::scope(|scope| {
        let mut client = server.client();
        client.ok("SELECT INBOX");
        let busy = scope.spawn(move || {
            for n in 1..=40 {
                client.ok(&format!("STORE {n} +FLAGS (\\Answered mine)"));
            }
        });
        let changes: Vec<FlagChange> = (1..=41).map(change).collect();
        let outcomes = folder.set_flags(&changes).unwrap();
        assert!(
            outcomes[..40].iter().all(|o| o.result == FlagResult::Changed && o.dropped_keywords.is_empty())
        );
        assert_eq!(outcomes[40].result, FlagResult::Gone);
        busy.join().unwrap();
    });
    let mut client = server.client();
    client.ok("SELECT INBOX");
    for n in 1..=40 {
        let text = client.text(&format!("FETCH {n} FLAGS"));
        for (flag, there) in
            [("\\Seen", 1), ("\\Answered", 1), ("new", 1), ("mine", 1), ("\\Flagged", 0), ("old", 0)]
        {
            assert_eq!(text.matches(flag).count(), there, "{flag} in {text}");
        }
    }
    assert_eq!(folder.set_flags(&[change(1)]).unwrap()[0].result, FlagResult::Unchanged);
}

#[test]
fn a_message_in_new_moves_to_cur_with_its_flags() {
    let server = Dovecot::start();
    let folder = server.mailbox().folder(&FolderName::inbox()).unwrap().unwrap();
    std::fs::write(server.path().join("new/1.M1.host"), "a: b\r\n\r\n").unwrap();
    std::os::unix::fs::chown(server.path().join("new/1.M1.host"), Some(OWNER.uid), Some(OWNER.gid)).unwrap();
    let change = FlagChange { base: "1.M1.host".into(), add: SystemFlags::FLAGGED, ..FlagChange::default() };
    assert_eq!(folder.set_flags(&[change]).unwrap()[0].result, FlagResult::Changed);
    assert!(server.path().join("cur/1.M1.host:2,F").exists());
    let mut client = server.client();
    client.ok("SELECT INBOX");
    assert!(client.text("FETCH 1 FLAGS").contains("\\Flagged"));
}

#[test]
fn subscriptions_are_merged_with_those_of_clients_in_both_versions() {
    for version in [1, 2] {
        let server = Dovecot::start();
        let mailbox = server.mailbox();
        let mut client = server.client();
        let ours = [name("A.B"), name("Entw&APw-rfe"), FolderName::inbox()];
        for folder in ["A.B", "Entw&APw-rfe", "own", "later"].map(name) {
            mailbox.create_folder(&folder).unwrap();
        }
        if version == 1 {
            std::fs::write(server.path().join("subscriptions"), "own\n").unwrap();
            std::os::unix::fs::chown(server.path().join("subscriptions"), Some(OWNER.uid), Some(OWNER.gid))
                .unwrap();
        } else {
            client.ok("SUBSCRIBE own");
        }
        assert_eq!(mailbox.subscribe(&ours).unwrap(), 3);
        assert_eq!(mailbox.subscribe(&ours).unwrap(), 0);
        client.ok("SUBSCRIBE later");
        let text = client.text("LSUB \"\" *");
        for folder in ["A.B", "Entw&APw-rfe", "INBOX", "own", "later"] {
            assert!(text.contains(&format!(" {folder}\r\n")), "{folder} in {text}");
        }
        let raw = std::fs::read_to_string(server.path().join("subscriptions")).unwrap();
        assert_eq!(raw.starts_with("V\t2\n"), version == 2, "{raw}");
        assert_eq!(mailbox.subscriptions().unwrap().len(), 5);
    }
}

#[test]
fn everything_that_is_made_belongs_to_the_mail_user_alone() {
    use std::os::unix::fs::MetadataExt;
    let server = Dovecot::start();
    let mailbox = server.mailbox();
    let folder = mailbox.create_folder(&name("A")).unwrap();
    deliver(&folder, 1, flags("", &["kw"]));
    mailbox.subscribe(&[name("A")]).unwrap();
    let mut pending = vec![server.path()];
    let mut seen = 0;
    while let Some(path) = pending.pop() {
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (OWNER.uid, OWNER.gid), "{path:?}");
        assert_eq!(metadata.mode() & 0o7777, if metadata.is_dir() { 0o700 } else { 0o600 }, "{path:?}");
        if metadata.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
        seen += 1;
    }
    assert_eq!(seen, 12);
}
