//! The mailboxes of the demo: awkward, large, and real.

use testkit::factory::{self, AccountSpec, Content, FolderSpec, MessageSpec};
use testkit::judge::Mapping;

/// A mailbox at the old provider.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// The name to log in with.
    pub(super) user: &'static str,
    /// What is special about it.
    pub(super) about: &'static str,
    /// What is in it.
    pub(super) content: AccountSpec,
}

impl Mailbox {
    /// How many messages are in it.
    pub(super) fn messages(&self) -> u64 {
        self.content.messages() as u64
    }
}

/// 2023-11-14 22:13:20 UTC: when the first of the tidy messages arrived.
const FIRST: i64 = 1_700_000_000;

/// Mail that breaks software which expects it to be tidy, in folders with names that do the same.
pub(super) fn anna() -> Mailbox {
    let mut folders: Vec<FolderSpec> = factory::awkward().folders.into_iter().take(1).collect();
    let names: [&[&str]; 7] = [
        &["Gesendete Objekte"],
        &["Büro & Ämter"],
        &["Projekte"],
        &["Projekte", "Größe", "Übersicht 2024"],
        &["日本語", "受信"],
        &["O'Brien (alt)"],
        &["Leerer Ordner"],
    ];
    for (folder, path) in (0..).zip(names) {
        let count = if path == ["Leerer Ordner"] { 0 } else { 6 };
        let messages = (0..count).map(|number| letter(path, folder * 100 + number)).collect();
        let mut spec = FolderSpec::new(path, messages);
        spec.subscribed = path != ["O'Brien (alt)"];
        folders.push(spec);
    }
    Mailbox {
        user: "anna",
        about: "awkward messages, folder names with umlauts, &, spaces and levels, flags, keywords",
        content: AccountSpec { folders },
    }
}

/// An ordinary mailbox, but for one message of 25 MB.
pub(super) fn bruno() -> Mailbox {
    let film = generated(500, 25_000_000);
    let folders = vec![
        FolderSpec::new(&["INBOX"], (0..150).map(|seed| generated(seed, 4_000)).collect()),
        FolderSpec::new(&["Rechnungen", "2024"], (150..190).map(|seed| generated(seed, 40_000)).collect()),
        FolderSpec::new(&["Fotos & Filme"], vec![generated(499, 900_000), film]),
    ];
    Mailbox { user: "bruno", about: "one attachment of 25 MB", content: AccountSpec { folders } }
}

/// Real mail, when the corpus is there.
pub(super) fn clara() -> Option<Mailbox> {
    let content = factory::corpus().ok()?;
    Some(Mailbox { user: "clara", about: "real mail, the SpamAssassin public corpus", content })
}

/// What the judge is to expect: every folder under its own name, but sent mail where mail programs look for it.
pub(super) fn expected() -> Mapping {
    Mapping::identity().rename("Gesendete Objekte", "Sent")
}

fn letter(path: &[&str], number: u32) -> MessageSpec {
    let text = format!(
        "From: Anna <anna@example.org>\r\nTo: Bruno <bruno@example.net>\r\nSubject: Message {number}\r\n\
         Message-ID: <{number}@demo.example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         This lay in {}.\r\n",
        path.join(" / ")
    );
    marked(Content::Exact(text.into_bytes()), number)
}

fn generated(number: u32, size: usize) -> MessageSpec {
    marked(Content::Generated { seed: u64::from(number), size }, number)
}

/// Flags, keywords and a date that differ from message to message.
fn marked(content: Content, number: u32) -> MessageSpec {
    let every = |words: &[(u32, &str)]| -> Vec<String> {
        let fitting = words.iter().filter(|(step, _)| number.is_multiple_of(*step));
        fitting.map(|(_, word)| (*word).to_owned()).collect()
    };
    MessageSpec {
        content,
        flags: every(&[(2, "\\Seen"), (3, "\\Answered"), (5, "\\Flagged"), (11, "\\Draft")]),
        keywords: every(&[(4, "$Forwarded"), (5, "Wichtig"), (7, "$Label1")]),
        internal_date: FIRST + i64::from(number) * 3_607,
    }
}
