//! Response lines as real servers send them, and hostile ones: what becomes of each.
//!
//! Every line is fed in all ways of cutting it in two, and octet by octet; the result must be the same.
#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

mod decode;

use decode::{Event, decode, events};
use mailimport_imap::protocol::{Limits, Response};
use mailimport_imap::{Attribute, Body, Condition, DateItem, Flag, ResponseCode, Suspicion};

const MAIL_HEAD: &str = "UID 102 FLAGS () INTERNALDATE \"01-Jan-2024 00:00:00 +0000\"";

fn one(wire: &[u8]) -> Response {
    let mut responses: Vec<Response> = events(wire)
        .into_iter()
        .filter_map(|event| if let Event::Response(r) = event { Some(r) } else { None })
        .collect();
    assert_eq!(responses.len(), 1, "{}", wire.escape_ascii());
    responses.remove(0)
}

/// The one FETCH response of `wire`, with its body.
fn message(wire: &[u8]) -> (mailimport_imap::Fetched, Option<Vec<u8>>) {
    let mut body = None;
    let mut found = Vec::new();
    for event in events(wire) {
        match event {
            Event::Body { octets, .. } => body = Some(octets),
            Event::Response(Response::Fetch(fetched)) => found.push(fetched),
            Event::Response(_) => {}
        }
    }
    assert_eq!(found.len(), 1, "{}", wire.escape_ascii());
    (found.remove(0), body)
}

#[test]
fn messages_of_odd_servers_are_understood() {
    let good = [
        // QQ: a space before the end.
        format!("* 2 FETCH ({MAIL_HEAD} BODY[] {{5}}\r\nhello )\r\n"),
        // Exchange, Domino: the items after the body.
        "* 2 FETCH (BODY[] {5}\r\nhello UID 102 FLAGS () INTERNALDATE \"01-Jan-2024 00:00:00 +0000\")\r\n"
            .to_owned(),
        // Microsoft 365: without a space.
        "* 2 FETCH (BODY[] {5}\r\nhelloUID 102 FLAGS () INTERNALDATE \"1-Jan-2024 00:00:00 +0000\")\r\n"
            .to_owned(),
        // Domino: an item in parentheses.
        format!(
            "* 2 FETCH ({MAIL_HEAD} (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)) BODY[] {{5}}\r\nhello)\r\n"
        ),
        // Proton Bridge: 8-bit in quotes.
        format!(
            "* 2 FETCH ({MAIL_HEAD} ENVELOPE (NIL \"Café\" NIL NIL NIL NIL NIL NIL NIL NIL) BODY[] {{5}}\r\nhello)\r\n"
        ),
        // Xeams: the list ends after the body, items follow.
        "* 2 FETCH (BODY[] {5}\r\nhello) UID 102 FLAGS () INTERNALDATE \"01-Jan-2024 00:00:00 +0000\")\r\n"
            .to_owned(),
        // A body in quotes; binary literal; non-synchronizing literal; bare LF; no space before the list.
        format!("* 2 FETCH ({MAIL_HEAD} BODY[] \"hello\")\r\n"),
        format!("* 2 FETCH ({MAIL_HEAD} BINARY[] ~{{5}}\r\nhello)\r\n"),
        format!("* 2 FETCH ({MAIL_HEAD} RFC822 {{5+}}\r\nhello)\r\n"),
        format!("*  2  FETCH ({MAIL_HEAD} BODY[] {{5}}\nhello)\n"),
        format!("* 2 FETCH({MAIL_HEAD} BODY[] {{5}}\r\nhello)\r\n"),
        format!("* 2 fetch ({MAIL_HEAD} body[] {{5}}\r\nhello)\r\n"),
        format!("* 2 FETCH ({MAIL_HEAD} X-ODD {{3}}\r\n)\r\n BODY[] {{5}}\r\nhello)\r\n"),
    ];
    for wire in good {
        let (fetched, body) = message(wire.as_bytes());
        assert_eq!(fetched.suspicion, None, "{wire}");
        assert_eq!((fetched.sequence, fetched.uid.unwrap().get()), (2, 102), "{wire}");
        assert_eq!(body.as_deref(), Some(&b"hello"[..]), "{wire}");
        assert_eq!(fetched.body, Body::Received { octets: 5 }, "{wire}");
        assert_eq!(fetched.flags, Some(Vec::new()), "{wire}");
        assert!(
            matches!(fetched.internal_date, DateItem::Valid(date) if date.timestamp == 1_704_067_200),
            "{wire}"
        );
    }
}

#[test]
fn items_are_read_whatever_they_hold() {
    let fetch =
        |items: &str| message(format!("* 2 FETCH (UID 102 {items} BODY[] {{5}}\r\nhello)\r\n").as_bytes()).0;
    let flags = fetch("FLAGS (\\Seen OIB-Seen-[Gmail]/Trash \"\\\\Deleted\" $Forwarded )").flags.unwrap();
    let keyword = |name: &str| Flag::Keyword(name.to_owned());
    assert_eq!(flags, [Flag::Seen, keyword("OIB-Seen-[Gmail]/Trash"), Flag::Deleted, keyword("$Forwarded")]);
    assert_eq!(fetch("INTERNALDATE NIL").internal_date, DateItem::Invalid("NIL".to_owned()));
    assert!(matches!(
        fetch("INTERNALDATE \"00-Jan-0000 00:00:00 +0000\"").internal_date,
        DateItem::Invalid(_)
    ));
    assert_eq!(fetch("FLAGS ()").internal_date, DateItem::Absent);
    assert_eq!(fetch("RFC822.SIZE 4294967300").size, Some(4_294_967_300));
    assert_eq!(fetch("RFC822.SIZE NIL").size, None);
    let gmail = fetch("X-GM-THRID 7 X-GM-MSGID 1552072915674217519 X-GM-LABELS (\"\\\\Important\" Foo)");
    assert_eq!(gmail.gmail_message_id, Some(1_552_072_915_674_217_519));
    assert_eq!(gmail.gmail_labels.unwrap(), [b"\\Important".to_vec(), b"Foo".to_vec()]);
    assert_eq!(fetch("MODSEQ (12121231000)").mod_seq.unwrap().0, 12_121_231_000);
    assert_eq!(fetch("EMAILID (M6d99)").email_id.as_deref(), Some("M6d99"));
    let header = fetch("BODY[HEADER.FIELDS (DATE FROM)] {9}\r\nDate: x\r\n");
    assert_eq!(header.header.as_deref(), Some(&b"Date: x\r\n"[..]));
    for wire in ["* 2 FETCH (UID 102 BODY[] NIL)\r\n", "* 2 FETCH (BODY[] NIL UID 102)\r\n"] {
        assert_eq!(message(wire.as_bytes()).0.body, Body::Nil);
    }
    let (empty, body) = message(b"* 2 FETCH (UID 102 BODY[] \"\")\r\n");
    assert_eq!((empty.body, body), (Body::Received { octets: 0 }, Some(Vec::new())));
    assert_eq!(message(b"* 2 FETCH (UID 102 FLAGS ())\r\n").0.body, Body::NotSent);
}

#[test]
fn a_message_whose_end_looks_wrong_is_suspect_and_the_next_one_is_not() {
    let deep = format!("X-DEEP {}{}", "(".repeat(3_000), ")".repeat(3_000));
    for (items, suspicion) in [
        ("UID 102 BODY[] {3}\r\nhello)", Suspicion::LiteralTooShort),
        ("UID 102 BODY[] {5}\r\nhello :))", Suspicion::AttributeWithoutValue),
        ("UID 102 BODY[] {5}\r\nhello\r\n)", Suspicion::Unbalanced),
        ("UID 102 BODY[] {6}\r\nhello)", Suspicion::LiteralTooLong),
        ("UID 102 BODY[] {5}\r\nhello", Suspicion::Unbalanced),
        ("UID 102 BODY[] {5}\r\nhello))", Suspicion::Unbalanced),
        ("BODY[] {5}\r\nhello UID)", Suspicion::AttributeWithoutValue),
        ("BODY[] {5}\r\nhello) what is this", Suspicion::TrailingGarbage),
        ("BODY[] {5}\r\nhello BODY[] {5}\r\nworld)", Suspicion::RepeatedBody),
        ("BODY[] {5}\r\nhello BODY[] \"world\")", Suspicion::RepeatedBody),
        ("BODY[] \"hello\" BODY[] {5}\r\nworld)", Suspicion::RepeatedBody),
        ("BODY[] NIL BODY[] {5}\r\nworld)", Suspicion::RepeatedBody),
        (&deep, Suspicion::Unbalanced),
        ("BODY[] {5}\r\nhello X-NEW 5 UID)", Suspicion::AttributeWithoutValue),
    ] {
        let wire = format!("* 1 FETCH ({items}\r\n* 2 FETCH (UID 103 BODY[] {{2}}\r\nok)\r\nm1 OK done\r\n");
        let all = events(wire.as_bytes());
        let messages: Vec<_> = all
            .iter()
            .filter_map(|event| match event {
                Event::Response(Response::Fetch(fetched)) => Some((fetched.sequence, fetched.suspicion)),
                _ => None,
            })
            .collect();
        assert_eq!(messages, [(1, Some(suspicion)), (2, None)], "{items}");
        assert!(matches!(all.last(), Some(Event::Response(Response::Tagged { tag: 1, .. }))), "{items}");
    }
}

#[test]
fn other_responses_of_odd_servers_are_understood() {
    let Response::Capability(found) = one(b"* CAPABILITY IMAP4rev1  SASL-IR LOGIN-REFERRALS ID\r\n") else {
        panic!()
    };
    assert!(found.has("id") && found.iter().count() == 4);
    let keyword = |name: &str| Flag::Keyword(name.to_owned());
    for (wire, flags) in [
        (&b"* FLAGS (\\Answered $Forwarded )\r\n"[..], vec![Flag::Answered, keyword("$Forwarded")]),
        (
            b"* FLAGS (\\Answered OIB-[Gmail]/All Mail)\r\n",
            vec![Flag::Answered, keyword("OIB-[Gmail]/All"), keyword("Mail")],
        ),
        (b"* FLAGS (\"\\\\Deleted\" \\Answered)\r\n", vec![Flag::Deleted, Flag::Answered]),
        (b"* FLAGS (\\Seen $Forwarded \x80\x80\x85\x04Junk)\r\n", vec![Flag::Seen, keyword("$Forwarded")]),
    ] {
        assert_eq!(one(wire), Response::Flags(flags));
    }
    assert_eq!(one(b"*  1843 EXISTS\r\n"), Response::Exists(1_843));
    assert_eq!(one(b"* 5 EXISTS\n"), Response::Exists(5));
    assert!(matches!(one(b"* STATUS INBOX ()\r\n"), Response::FolderStatus(name, _) if name.is_inbox()));
    assert!(matches!(one(b"* STATUS My Mail (MESSAGES 3)\r\n"), Response::FolderStatus(name, status)
        if name.as_bytes() == b"My Mail" && status.messages == Some(3)));
    assert!(
        matches!(one(b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"), Response::Namespace(found) if found.personal.len() == 1)
    );
    assert!(matches!(one(b"[COPYUID 124 10 233]\r\n"), Response::Unintelligible { .. }));
    assert!(matches!(one(b"* SEARCH 1 2 x\r\n"), Response::Unintelligible { word } if word == "SEARCH"));
    assert!(
        matches!(one(b"* SEARCH 2 1 3 (MODSEQ 9)\r\n"), Response::Search(uids) if uids.to_string() == "1:3")
    );
    assert!(
        matches!(one(b"* ESEARCH (TAG \"m2\") UID\r\n"), Response::ESearch(found) if found.all.is_empty())
    );
    assert!(
        matches!(one(b"* ESEARCH (TAG \"m2\") UID ALL 5:7,9\r\n"), Response::ESearch(found) if found.all.len() == 4)
    );
    assert!(matches!(one(b"* VANISHED (EARLIER) 1:3,5\r\n"), Response::Vanished(uids) if uids.len() == 4));
    assert_eq!(one(b"+ aGk=\r\n"), Response::Continuation(b"aGk=".to_vec()));
}

#[test]
fn folders_of_odd_servers_keep_their_names() {
    for (wire, separator, name) in [
        (
            &b"* LIST (\\HasNoChildren \\UnMarked) \"/\" [Gmail]/Starred\r\n"[..],
            Some('/'),
            &b"[Gmail]/Starred"[..],
        ),
        (b"* LIST () \"/\" \"Envoy\xe9s\"\r\n", Some('/'), b"Envoy\xe9s"),
        (b"* XLIST (\\HasNoChildren \\Inbox) \"/\" \"INBOX\"\r\n", Some('/'), b"INBOX"),
        (b"* LIST () \"/\" All Mail\r\n", Some('/'), b"All Mail"),
        (b"* LIST () NIL {4}\r\na\"\xffb\r\n", None, b"a\"\xffb"),
        (b"* LIST () \"\\\\\" \"a\\\\b\"\r\n", Some('\\'), b"a\\b"),
        (b"* LIST () \"\\\" a\\b\r\n", Some('\\'), b"a\\b"),
        (b"* LIST () \"/\" \"a \"b\" c\"\r\n", Some('/'), b"a \"b\" c"),
        (b"* LIST (\\X) \".\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n", Some('.'), b"a"),
        (b"* LSUB () \"/\" \"\"\r\n", Some('/'), b""),
    ] {
        let Response::List(entry) = one(wire) else { panic!("{}", wire.escape_ascii()) };
        assert_eq!((entry.separator, entry.name.as_bytes()), (separator, name), "{}", wire.escape_ascii());
    }
    let Response::List(entry) = one(b"* XLIST (\\Noselect \\AllMail \\Odd) \"/\" x\r\n") else { panic!() };
    assert_eq!(entry.attributes, [Attribute::NoSelect, Attribute::All, Attribute::Other("Odd".to_owned())]);
}

#[test]
fn status_responses_keep_code_and_text() {
    let Response::Status(status) = one(b"* OK [UIDVALIDITY 0] UIDs valid\r\n") else { panic!() };
    assert_eq!(status.code, Some(ResponseCode::UidValidity(mailimport_imap::UidValidity(0))));
    let Response::Status(status) =
        one(b"* BAD [ALERT] Please enable IMAP access in your account settings first.\r\n")
    else {
        panic!()
    };
    assert_eq!((status.condition, status.code), (Condition::Bad, Some(ResponseCode::Alert)));
    let wire = b"* OK [Error=\"Microsoft.X:Cross Server access\" Proxy=X.COM:1993:SSL Service=Imap4] AUTHENTICATE completed.\r\n";
    let Response::Status(status) = one(wire) else { panic!() };
    assert_eq!(status.text, "AUTHENTICATE completed.");
    let Response::Status(status) = one(b"* OK [PERMANENTFLAGS (a] \\*)] Flags {5}\r\n") else { panic!() };
    assert_eq!(status.text, "Flags {5}");
    let Response::Tagged { tag: 7, status } = one(b"m7 NO [THROTTLED] slow\r\n") else { panic!() };
    assert_eq!(status.code, Some(ResponseCode::Throttled));
}

#[test]
fn overlong_lines_are_skipped_in_bounded_memory() {
    let mut wire = b"* LIST () \"/\" \"".to_vec();
    wire.extend(vec![b'x'; 10_000_000]);
    wire.extend_from_slice(b"\"\r\n* 1 EXISTS\r\nm1 OK ");
    wire.extend(vec![b'y'; 1_000_000]);
    wire.extend_from_slice(b"\r\n");
    let (events, waiting) = decode(&wire, 1_000, &Limits::default()).unwrap();
    assert!(waiting <= 70_000, "{waiting}");
    assert_eq!(events.len(), 3);
    assert!(matches!(&events[0], Event::Response(Response::Unintelligible { word }) if word == "LIST"));
    assert_eq!(events[1], Event::Response(Response::Exists(1)));
    assert!(
        matches!(&events[2], Event::Response(Response::Tagged { tag: 1, status }) if status.text.len() == 1_000)
    );

    let mut limits = Limits::default();
    limits.skip = 1_000_000;
    assert!(decode(&vec![b'z'; 3_000_000], 1_000, &limits).is_err());
}

#[test]
fn literal_lengths_that_cannot_be_are_text() {
    for length in ["18446744073709551616", "9223372036854775808", "-5", "", "1x"] {
        let wire = format!("* 2 FETCH (UID 1 BODY[] {{{length}}}\r\n* 1 EXISTS\r\n");
        let all = events(wire.as_bytes());
        assert_eq!(all.last(), Some(&Event::Response(Response::Exists(1))), "{length}");
        assert!(matches!(&all[0], Event::Response(Response::Fetch(fetched)) if fetched.suspicion.is_some()));
    }
}
