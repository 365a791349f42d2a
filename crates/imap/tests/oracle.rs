//! Valid responses, read by us and by `imap-codec`, must say the same.
#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

mod decode;

use decode::{Event, events};
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder as _;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::{Data, Response as Theirs};
use imap_codec::imap_types::status::StatusDataItem;
use mailimport_imap::protocol::Response;
use mailimport_imap::{Body, DateItem, InternalDate, StatusText};
use proptest::prelude::*;

fn theirs(wire: &str) -> Theirs<'_> {
    match ResponseCodec::default().decode(wire.as_bytes()) {
        Ok((rest, response)) => {
            assert!(rest.is_empty(), "{wire}");
            response
        }
        Err(error) => panic!("the generator made something invalid: {wire} {error:?}"),
    }
}

fn ours(wire: &str) -> (Option<Vec<u8>>, Response) {
    let mut body = None;
    for event in events(wire.as_bytes()) {
        match event {
            Event::Body { octets, .. } => body = Some(octets),
            Event::Response(response) => return (body, response),
        }
    }
    panic!("no response: {wire}");
}

fn name_of(mailbox: &Mailbox<'_>) -> Vec<u8> {
    match mailbox {
        Mailbox::Inbox => b"INBOX".to_vec(),
        Mailbox::Other(other) => other.as_ref().to_vec(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A string in quotes or as a literal.
fn string(text: &str, literal: bool) -> String {
    if literal { format!("{{{}}}\r\n{text}", text.len()) } else { quoted(text) }
}

const FLAGS: [&str; 8] =
    ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent", "$Forwarded", "Junk"];

proptest! {
    #[test]
    fn fetch_responses_agree(
        sequence in 1..u32::MAX, uid in 1..u32::MAX, size in 0..u32::MAX,
        flags in prop::sample::subsequence(FLAGS.to_vec(), 0..8),
        timestamp in 0..4_000_000_000_i64, offset_minutes in -720..=840_i16,
        body in "[ -~\r\n]{0,200}", kind in 0..4_u8,
        order in Just(vec![0, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let date = InternalDate { timestamp, offset_minutes };
        let one_line = body.replace(['\r', '\n'], "");
        let (body_text, expected) = match kind {
            0 => ("NIL".to_owned(), None),
            1 => (quoted(&one_line), Some(one_line.into_bytes())),
            _ => (string(&body, true), Some(body.clone().into_bytes())),
        };
        let items = [
            format!("UID {uid}"),
            format!("FLAGS ({})", flags.join(" ")),
            format!("INTERNALDATE \"{date}\""),
            format!("RFC822.SIZE {size}"),
            format!("BODY[] {body_text}"),
        ];
        let items: Vec<&str> = order.iter().map(|&at: &usize| items[at].as_str()).collect();
        let wire = format!("* {sequence} FETCH ({})\r\n", items.join(" "));

        let (received, response) = ours(&wire);
        let Response::Fetch(fetched) = response else { panic!("{wire}") };
        prop_assert_eq!(fetched.suspicion, None);
        prop_assert_eq!(&received, &expected);
        let Theirs::Data(Data::Fetch { seq, items }) = theirs(&wire) else { panic!("{wire}") };
        prop_assert_eq!(fetched.sequence, seq.get());
        for item in items.as_ref() {
            match item {
                MessageDataItem::Uid(uid) => prop_assert_eq!(fetched.uid.unwrap().get(), uid.get()),
                MessageDataItem::Flags(flags) => {
                    let shown: Vec<String> = fetched.flags.clone().unwrap().iter().map(ToString::to_string).collect();
                    let other: Vec<String> = flags.iter().map(|flag| match flag {
                        imap_codec::imap_types::flag::FlagFetch::Flag(flag) => flag.to_string(),
                        imap_codec::imap_types::flag::FlagFetch::Recent => "\\Recent".to_owned(),
                    }).collect();
                    prop_assert_eq!(shown, other);
                }
                MessageDataItem::InternalDate(date) => {
                    let DateItem::Valid(ours) = fetched.internal_date else { panic!("{wire}") };
                    prop_assert_eq!(ours.timestamp, date.as_ref().timestamp());
                    prop_assert_eq!(i32::from(ours.offset_minutes) * 60, date.as_ref().offset().local_minus_utc());
                }
                MessageDataItem::Rfc822Size(size) => prop_assert_eq!(fetched.size, Some(u64::from(*size))),
                MessageDataItem::BodyExt { data, .. } => {
                    let data = data.0.as_ref().map(|string| string.as_ref().to_vec());
                    match fetched.body {
                        Body::Nil => prop_assert_eq!(data, None),
                        Body::Received { octets } => {
                            prop_assert_eq!(octets, data.as_ref().unwrap().len() as u64);
                            prop_assert_eq!(data, received.clone());
                        }
                        Body::NotSent => panic!("{wire}"),
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn list_responses_agree(
        name in "[ -~]{1,30}", literal in any::<bool>(), separator in prop::sample::select(vec!["/", ".", "\\"]),
    ) {
        let wire = format!("* LIST (\\HasNoChildren) {} {}\r\n", quoted(separator), string(&name, literal));
        let Response::List(entry) = ours(&wire).1 else { panic!("{wire}") };
        let Theirs::Data(Data::List { delimiter, mailbox, .. }) = theirs(&wire) else { panic!("{wire}") };
        prop_assert_eq!(entry.separator, delimiter.map(|delimiter| delimiter.inner()));
        if !entry.name.is_inbox() {
            prop_assert_eq!(entry.name.as_bytes(), name_of(&mailbox));
        }
    }

    #[test]
    fn status_responses_agree(
        name in "[ -~]{1,30}", literal in any::<bool>(), messages in any::<u32>(), next in 1..u32::MAX,
        validity in 1..u32::MAX, unseen in any::<u32>(),
    ) {
        let numbers = format!("(MESSAGES {messages} UIDNEXT {next} UIDVALIDITY {validity} UNSEEN {unseen})");
        let wire = format!("* STATUS {} {numbers}\r\n", string(&name, literal));
        let Response::FolderStatus(found, status) = ours(&wire).1 else { panic!("{wire}") };
        let Theirs::Data(Data::Status { mailbox, items }) = theirs(&wire) else { panic!("{wire}") };
        if !found.is_inbox() {
            prop_assert_eq!(found.as_bytes(), name_of(&mailbox));
        }
        for item in items.iter() {
            match item {
                StatusDataItem::Messages(number) => prop_assert_eq!(status.messages, Some(*number)),
                StatusDataItem::UidNext(number) => prop_assert_eq!(status.uid_next, Some(number.get())),
                StatusDataItem::UidValidity(number) => {
                    prop_assert_eq!(status.uid_validity.map(|validity| validity.0), Some(number.get()));
                }
                StatusDataItem::Unseen(number) => prop_assert_eq!(status.unseen, Some(*number)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn search_responses_agree(numbers in prop::collection::vec(1..u32::MAX, 0..50)) {
        let list: String = numbers.iter().map(|number| format!(" {number}")).collect();
        let wire = format!("* SEARCH{list}\r\n");
        let Response::Search(found) = ours(&wire).1 else { panic!("{wire}") };
        let Theirs::Data(Data::Search(mut theirs, ..)) = theirs(&wire) else { panic!("{wire}") };
        theirs.sort_unstable();
        theirs.dedup();
        prop_assert!(found.iter().map(|uid| uid.get()).eq(theirs.iter().map(|number| number.get())));
    }

    #[test]
    fn completions_agree(tag in 1..u32::MAX, word in prop::sample::select(vec!["OK", "NO", "BAD"]), text in "[!-Z^-~][ -Z^-~]{0,40}[!-Z^-~]") {
        let wire = format!("m{tag} {word} [ALERT] {text}\r\n");
        let Response::Tagged { tag: ours, status: StatusText { text: ours_text, code, .. } } = ours(&wire).1 else {
            panic!("{wire}")
        };
        prop_assert_eq!(ours, tag);
        prop_assert_eq!(code, Some(mailimport_imap::ResponseCode::Alert));
        let Theirs::Status(imap_codec::imap_types::response::Status::Tagged(theirs)) = theirs(&wire) else {
            panic!("{wire}")
        };
        prop_assert_eq!(theirs.tag.as_ref(), format!("m{tag}"));
        prop_assert_eq!(ours_text, theirs.body.text.as_ref());
    }
}
