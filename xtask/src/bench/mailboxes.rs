//! The mailboxes that are copied: the same octets each time.

use testkit::factory::{AccountSpec, Content, FolderSpec, MessageSpec, generated_2000};

/// Which mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Size {
    /// 2,000 messages, 107 MB, nine folders.
    S,
    /// 20,000 messages, 101 MB, five folders.
    L,
    /// One message of 500 MB.
    One,
    /// Twenty accounts of 500 messages, 2.5 MB each.
    Twenty,
}

impl Size {
    /// As rows are named.
    pub(super) fn name(self) -> &'static str {
        match self {
            Size::S => "S",
            Size::L => "L",
            Size::One => "500 MB",
            Size::Twenty => "20 accounts",
        }
    }

    /// Who has such mailboxes at the old server.
    pub(super) fn users(self) -> Vec<String> {
        match self {
            Size::S => vec!["s".to_owned()],
            Size::L => vec!["l".to_owned()],
            Size::One => vec!["one".to_owned()],
            Size::Twenty => (1..=20).map(|number| format!("many{number:02}")).collect(),
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Size::S => "S: 2,000 messages, 107 MB, nine folders",
            Size::L => "L: 20,000 messages, 101 MB, five folders",
            Size::One => "500 MB: one message of that size",
            Size::Twenty => "20 accounts: 500 messages each, 50 MB together",
        }
    }

    pub(super) fn account(self) -> AccountSpec {
        match self {
            Size::S => generated_2000(),
            Size::L => large(),
            Size::One => {
                AccountSpec { folders: vec![FolderSpec::new(&["INBOX"], vec![message(1, 500_000_000)])] }
            }
            Size::Twenty => small_messages(&[("INBOX", 300), ("Sent", 150), ("Archiv", 50)]),
        }
    }
}

fn large() -> AccountSpec {
    small_messages(&[
        ("INBOX", 10_000),
        ("Archiv", 5_000),
        ("Liste", 3_000),
        ("Sent", 1_500),
        ("Rechnungen", 500),
    ])
}

/// Folders with so many messages, each of 600 to 9,500 octets, 5,050 on average.
fn small_messages(folders: &[(&str, u64)]) -> AccountSpec {
    let mut seed = 0;
    let folders = folders.iter().map(|(name, count)| {
        let messages = (0..*count).map(|_| {
            seed += 1;
            message(seed, 600 + usize::try_from(seed * 7_919 % 8_900).unwrap_or(0))
        });
        FolderSpec::new(&[name], messages.collect())
    });
    AccountSpec { folders: folders.collect() }
}

fn message(seed: u64, size: usize) -> MessageSpec {
    let internal_date = 1_300_000_000 + i64::try_from(seed).unwrap_or(0);
    MessageSpec {
        content: Content::Generated { seed, size },
        flags: Vec::new(),
        keywords: Vec::new(),
        internal_date,
    }
}
