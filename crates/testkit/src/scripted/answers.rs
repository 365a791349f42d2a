//! What the virtual account answers: the part of RFC 3501 that an importer asks for, and no more.
//!
//! It must never answer OK to a command it does not carry out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Command, Folder, Message, VirtualAccount};
use crate::imap_client::{format_date, quote};

/// The whole answer to a command, the tagged line included.
pub(super) fn answer(account: &VirtualAccount, selected: &mut Option<String>, command: &Command) -> Vec<u8> {
    let mut out = Vec::new();
    let words = words(&command.arguments);
    let first = words.first().map_or("", String::as_str);
    let result = match command.name.as_str() {
        "CAPABILITY" => {
            line(&mut out, &format!("CAPABILITY {}", account.capability));
            "OK done"
        }
        "NOOP" | "CHECK" | "ENABLE" => "OK done",
        "ID" => {
            line(&mut out, "ID (\"name\" \"scripted\")");
            "OK done"
        }
        "LOGOUT" => {
            line(&mut out, "BYE until next time");
            "OK done"
        }
        "LOGIN" => log_in(words == [account.user.as_str(), account.password.as_str()]),
        "AUTHENTICATE" => log_in(is_plain_login(account, &command.arguments)),
        "NAMESPACE" => {
            let (prefix, delimiter) = (quote(&account.prefix), delimiter(account));
            line(&mut out, &format!("NAMESPACE (({prefix} {delimiter})) NIL NIL"));
            "OK done"
        }
        "LIST" | "LSUB" => list(account, command, &words, &mut out),
        "STATUS" => status(account, command, first, &mut out),
        "EXAMINE" | "SELECT" => open(account, first, selected, &mut out),
        "CLOSE" | "UNSELECT" => {
            *selected = None;
            "OK done"
        }
        "UID FETCH" | "UID SEARCH" => match selected.as_deref().and_then(|name| find(account, name)) {
            Some(folder) if command.name == "UID FETCH" => fetch(folder, &command.arguments, &mut out),
            Some(folder) => search(folder, &command.arguments, &mut out),
            None => "BAD no folder is open",
        },
        _ => "BAD unknown command",
    };
    out.extend_from_slice(format!("{} {result}\r\n", command.tag).as_bytes());
    out
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("* {text}\r\n").as_bytes());
}

fn log_in(matches: bool) -> &'static str {
    if matches { "OK logged in" } else { "NO [AUTHENTICATIONFAILED] wrong user or password" }
}

fn is_plain_login(account: &VirtualAccount, arguments: &str) -> bool {
    let Some((mechanism, response)) = arguments.split_once(' ') else { return false };
    let expected = format!("\0{}\0{}", account.user, account.password);
    let decoded = STANDARD.decode(response).unwrap_or_default();
    mechanism.eq_ignore_ascii_case("PLAIN") && decoded.ends_with(expected.as_bytes())
}

/// A folder by wire name; INBOX in any case.
fn find<'a>(account: &'a VirtualAccount, wire: &str) -> Option<&'a Folder> {
    let same = |folder: &&Folder| {
        folder.wire == wire || (wire.eq_ignore_ascii_case("INBOX") && folder.wire == "INBOX")
    };
    account.folders.iter().find(same)
}

fn delimiter(account: &VirtualAccount) -> String {
    quote(&account.delimiter.to_string())
}

fn list(account: &VirtualAccount, command: &Command, words: &[String], out: &mut Vec<u8>) -> &'static str {
    let name = &command.name;
    let pattern = words.get(1).map_or("", String::as_str);
    if pattern.is_empty() {
        line(out, &format!("{name} (\\Noselect) {} \"\"", delimiter(account)));
        return "OK done";
    }
    let shown = |folder: &&Folder| {
        let wanted = match pattern.split_once(['*', '%']) {
            Some((start, _)) => folder.wire.starts_with(start),
            None => folder.wire == pattern,
        };
        wanted && (name == "LIST" || folder.subscribed)
    };
    for folder in account.folders.iter().filter(shown) {
        let attributes = folder.attributes.join(" ");
        line(out, &format!("{name} ({attributes}) {} {}", delimiter(account), quote(&folder.wire)));
    }
    "OK done"
}

fn next_uid(folder: &Folder) -> u32 {
    folder.messages.iter().map(|message| message.uid).max().unwrap_or(0).saturating_add(1)
}

fn status(account: &VirtualAccount, command: &Command, name: &str, out: &mut Vec<u8>) -> &'static str {
    let Some(folder) = find(account, name) else { return "NO [NONEXISTENT] no such folder" };
    let items = command.arguments.rsplit_once('(').map_or("", |(_, items)| items).to_ascii_uppercase();
    let unseen =
        folder.messages.iter().filter(|message| !message.flags.iter().any(|flag| flag == "\\Seen")).count();
    let size: usize = folder.messages.iter().map(|message| message.bytes.len()).sum();
    let mut values = Vec::new();
    for item in items.split([' ', ')']) {
        match item {
            "MESSAGES" => values.push(format!("MESSAGES {}", folder.messages.len())),
            "UIDNEXT" => values.push(format!("UIDNEXT {}", next_uid(folder))),
            "UIDVALIDITY" => values.push(format!("UIDVALIDITY {}", folder.uid_validity)),
            "UNSEEN" => values.push(format!("UNSEEN {unseen}")),
            "RECENT" => values.push("RECENT 0".to_owned()),
            "SIZE" => values.push(format!("SIZE {size}")),
            "" => {}
            _ => return "BAD unknown status item",
        }
    }
    line(out, &format!("STATUS {} ({})", quote(&folder.wire), values.join(" ")));
    "OK done"
}

fn open(
    account: &VirtualAccount,
    name: &str,
    selected: &mut Option<String>,
    out: &mut Vec<u8>,
) -> &'static str {
    *selected = None;
    let Some(folder) = find(account, name) else { return "NO [NONEXISTENT] no such folder" };
    *selected = Some(folder.wire.clone());
    line(out, "FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)");
    line(out, "OK [PERMANENTFLAGS ()] read only");
    line(out, &format!("{} EXISTS", folder.messages.len()));
    line(out, "0 RECENT");
    line(out, &format!("OK [UIDVALIDITY {}] valid", folder.uid_validity));
    line(out, &format!("OK [UIDNEXT {}] next", next_uid(folder)));
    "OK [READ-ONLY] done"
}

/// Whether a set such as `1:3,7,9:*` holds the UID (RFC 3501, 9: `*` is the largest there is, and a range
/// may stand the wrong way round).
fn holds(set: &str, uid: u32, largest: u32) -> bool {
    let number = |text: &str| if text == "*" { largest } else { text.parse().unwrap_or(0) };
    set.split(',').any(|range| {
        let (from, to) =
            range.split_once(':').map_or((number(range), number(range)), |(a, b)| (number(a), number(b)));
        (from.min(to)..=from.max(to)).contains(&uid)
    })
}

fn search(folder: &Folder, arguments: &str, out: &mut Vec<u8>) -> &'static str {
    let upper = arguments.to_ascii_uppercase();
    let set = match upper.strip_prefix("UID ") {
        Some(set) => set.trim(),
        None if upper == "ALL" => "1:*",
        None => return "BAD the scripted server searches ALL and UID only",
    };
    let largest = next_uid(folder) - 1;
    let found = folder.messages.iter().filter(|message| holds(set, message.uid, largest));
    let uids: String = found.map(|message| format!(" {}", message.uid)).collect();
    line(out, &format!("SEARCH{uids}"));
    "OK done"
}

fn fetch(folder: &Folder, arguments: &str, out: &mut Vec<u8>) -> &'static str {
    let Some((set, items)) = arguments.split_once(' ') else { return "BAD no items" };
    let largest = next_uid(folder) - 1;
    for (number, message) in (1..).zip(&folder.messages) {
        if !holds(set, message.uid, largest) {
            continue;
        }
        out.extend_from_slice(b"* ");
        match &message.response {
            Some(octets) => out.extend_from_slice(octets),
            None => {
                out.extend_from_slice(format!("{number} FETCH (UID {}", message.uid).as_bytes());
                for item in fetch_items(items) {
                    if !fetch_item(message, &item, out) {
                        return "BAD unknown fetch item";
                    }
                }
                out.push(b')');
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    "OK done"
}

/// The items of a FETCH; those with a section may hold spaces between brackets.
fn fetch_items(text: &str) -> Vec<String> {
    let text = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(text);
    let mut items = vec![String::new()];
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = items.last_mut() {
            last.push(c.to_ascii_uppercase());
        }
    }
    items
}

fn fetch_item(message: &Message, item: &str, out: &mut Vec<u8>) -> bool {
    let text = match item {
        "UID" => return true,
        "FLAGS" => format!(" FLAGS ({})", message.flags.join(" ")),
        "INTERNALDATE" => format!(" INTERNALDATE \"{}\"", format_date(message.internal_date)),
        "RFC822.SIZE" => format!(" RFC822.SIZE {}", message.bytes.len()),
        _ => match message.items.iter().find(|(name, _)| name == item) {
            Some((name, value)) => format!(" {name} {value}"),
            None => return fetch_section(message, item, out),
        },
    };
    out.extend_from_slice(text.as_bytes());
    true
}

fn fetch_section(message: &Message, item: &str, out: &mut Vec<u8>) -> bool {
    let item = item.replace("BODY.PEEK[", "BODY[");
    let Some((section, rest)) = item.strip_prefix("BODY[").and_then(|inner| inner.split_once(']')) else {
        return false;
    };
    let end = message
        .bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(message.bytes.len(), |at| at + 4);
    let whole = match section {
        "" => message.bytes.as_slice(),
        "TEXT" => message.bytes.get(end..).unwrap_or_default(),
        // A server may send more header fields than asked for; clients look at what they know.
        _ if section.starts_with("HEADER") => message.bytes.get(..end).unwrap_or_default(),
        _ => return false,
    };
    // RFC 3501, 6.4.5: `<offset.length>` in the command, `<offset>` in the response.
    let part = rest.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).and_then(|inner| {
        let (offset, length) = inner.split_once('.')?;
        Some((offset.parse::<usize>().ok()?, length.parse::<usize>().ok()?))
    });
    let (origin, octets) = match part {
        Some((offset, length)) => {
            let from = whole.get(offset..).unwrap_or_default();
            (format!("<{offset}>"), from.get(..length).unwrap_or(from))
        }
        None => (String::new(), whole),
    };
    out.extend_from_slice(format!(" BODY[{section}]{origin} {{{}}}\r\n", octets.len()).as_bytes());
    out.extend_from_slice(octets);
    true
}

/// Atoms and quoted strings, separated by spaces.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut word = String::new();
        match c {
            ' ' => continue,
            '"' => {
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    word.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
                }
            }
            _ => {
                word.push(c);
                while let Some(c) = chars.next_if(|c| *c != ' ') {
                    word.push(c);
                }
            }
        }
        words.push(word);
    }
    words
}
