//! What an import leaves behind for people and programs: schema `mailimport.report/1`.
//!
//! A report stays small: sets, not lists, for anything that can be a million.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::folder::Role;

/// The schema's name, first field of every report.
pub const SCHEMA: &str = "mailimport.report/1";

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every listed message is accounted for and nothing is wrong.
    Complete,
    /// Everything that can be had was imported; trying again now would not help.
    CompleteWithExceptions,
    /// Trying again can help, or the numbers do not balance.
    Incomplete,
}

/// Which side an error belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The old server.
    Source,
    /// The new mailbox.
    Destination,
    /// mailimport itself.
    Internal,
}

/// Why an import stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Whose fault.
    pub side: Side,
    /// Class as in the product's table (`auth`, `dns`, `tls`, `interrupted`, ...).
    pub class: String,
    /// One plain sentence.
    pub message: String,
}

/// The identity that must hold: `listed` equals the sum of the other seven counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// UIDs the source listed.
    pub listed: u64,
    /// New at the destination through this run.
    pub imported: u64,
    /// At the destination since an earlier run.
    pub already_there: u64,
    /// Imported earlier, since then removed or moved by the customer.
    pub removed_by_user: u64,
    /// Left out on request or because another folder brings the same message.
    pub skipped: u64,
    /// Went wrong; retried at the next run.
    pub failed: u64,
    /// Listed and described but not handed over.
    pub unreadable: u64,
    /// Listed but unknown to the server itself.
    pub phantom: u64,
    /// Messages whose flags were brought up to date.
    pub flags_updated: u64,
    /// Octets imported by this run.
    pub bytes: u64,
}

impl Counts {
    /// Whether the identity holds.
    pub fn balances(&self) -> bool {
        self.listed == self.accounted()
    }

    /// Messages of which it is known what became of them.
    pub fn accounted(&self) -> u64 {
        self.imported
            + self.already_there
            + self.removed_by_user
            + self.skipped
            + self.failed
            + self.unreadable
            + self.phantom
    }

    /// Adds another folder's numbers.
    pub fn add(&mut self, other: &Counts) {
        self.listed += other.listed;
        self.imported += other.imported;
        self.already_there += other.already_there;
        self.removed_by_user += other.removed_by_user;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.unreadable += other.unreadable;
        self.phantom += other.phantom;
        self.flags_updated += other.flags_updated;
        self.bytes += other.bytes;
    }
}

/// The source, for the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// Host.
    pub host: String,
    /// User.
    pub user: String,
    /// What the server calls itself (ID), or `null`.
    pub server: Option<String>,
}

/// One folder's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderLine {
    /// Decoded source name.
    pub source: String,
    /// Destination, components joined by `/`.
    pub destination: String,
    /// Role, if it has one.
    pub role: Option<Role>,
    /// UIDVALIDITY at the source.
    pub uidvalidity: u32,
    /// The numbers.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A message (or with `uid: null` a folder) that the customer should know did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Decoded source folder.
    pub folder: String,
    /// UID, `null` for a whole folder.
    pub uid: Option<u32>,
    /// Class.
    pub class: String,
    /// One plain sentence.
    pub message: String,
    /// Octets, as far as known.
    pub size: Option<u64>,
    /// Date, as far as known.
    pub date: Option<String>,
    /// Sender, as far as known.
    pub from: Option<String>,
    /// Subject, as far as known.
    pub subject: Option<String>,
    /// Whether a retry can help.
    pub retryable: bool,
}

/// A folder that has another name at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenamedFolder {
    /// Decoded source name.
    pub source: String,
    /// Destination, components joined by `/`.
    pub destination: String,
    /// Why, in one plain sentence.
    pub why: String,
}

/// Something worth knowing that needs no action; one for each folder and class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Decoded source folder.
    pub folder: String,
    /// `phantom`, `date_adjusted`, `keyword_dropped`, `uid_ignored`, `shown_in_part`, `changed_by_destination`.
    pub class: String,
    /// UID set.
    pub uids: String,
    /// One plain sentence.
    pub message: String,
}

/// What was compared at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verification {
    /// Messages looked for at the destination.
    pub compared: u64,
    /// Of these, missing or different.
    pub different: u64,
}

/// A difference found by `verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Decoded source folder.
    pub folder: String,
    /// `missing`, `bytes`, `flags`, `keywords`, `date`, `subscription`, `folder_missing`, `unreadable`.
    pub class: String,
    /// UID set at the source; empty for a folder.
    pub uids: String,
    /// One plain sentence.
    pub message: String,
}

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: Cow<'static, str>,
    /// How it ended.
    pub verdict: Verdict,
    /// From where.
    pub source: SourceLine,
    /// To where, as the operator wrote it.
    pub destination: String,
    /// Start.
    pub started_at: jiff::Timestamp,
    /// End.
    pub finished_at: jiff::Timestamp,
    /// Sums over the folders.
    pub totals: Counts,
    /// The folders in the plan's order.
    pub folders: Vec<FolderLine>,
    /// What did not arrive.
    pub exceptions: Vec<Exception>,
    /// Folders with another name.
    pub renamed_folders: Vec<RenamedFolder>,
    /// Folders that were left out, with the reason (`\Noselect`, shared, excluded, a view).
    pub left_out: BTreeMap<String, String>,
    /// Worth knowing.
    pub notes: Vec<Note>,
    /// The final look at the destination.
    pub verification: Verification,
    /// What `verify` found; absent in an import's report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Vec<Difference>>,
    /// Why it stopped early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Stop>,
}

impl Report {
    /// A report's bones: nothing is known of any folder yet, and it is incomplete.
    pub fn blank(source: SourceLine, destination: String, now: jiff::Timestamp) -> Report {
        Report {
            schema: SCHEMA.into(),
            verdict: Verdict::Incomplete,
            source,
            destination,
            started_at: now,
            finished_at: now,
            totals: Counts::default(),
            folders: Vec::new(),
            exceptions: Vec::new(),
            renamed_folders: Vec::new(),
            left_out: BTreeMap::new(),
            notes: Vec::new(),
            verification: Verification::default(),
            differences: None,
            error: None,
        }
    }
}
