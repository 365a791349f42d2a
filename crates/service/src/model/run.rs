//! What was started: runs and their imports.

use engine::report::Report;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::Estimate;
use super::id::{DomainId, ImportId, RunId};
use super::problem::Failure;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Works.
    Running,
    /// Was paused by somebody.
    Paused,
    /// Everything arrived.
    Completed,
    /// Everything that can be had arrived.
    CompletedWithExceptions,
    /// At least one import failed.
    Failed,
    /// Was cancelled; what was copied stays.
    Cancelled,
}

impl RunState {
    /// Whether it works or can go on.
    pub fn is_current(self) -> bool {
        matches!(self, RunState::Running | RunState::Paused)
    }
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Its turn has not come.
    Waiting,
    /// The mailbox is being made.
    Creating,
    /// Folders and messages are being counted.
    Scanning,
    /// Messages come.
    Copying,
    /// The old server has to be waited for.
    Retrying,
    /// Was paused by somebody.
    Paused,
    /// Everything arrived.
    Done,
    /// Everything that can be had arrived.
    DoneWithExceptions,
    /// It stopped; see the failure.
    Failed,
    /// Was cancelled; what was copied stays.
    Cancelled,
}

impl ImportState {
    /// Whether nothing more happens unless somebody asks.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            ImportState::Done
                | ImportState::DoneWithExceptions
                | ImportState::Failed
                | ImportState::Cancelled
        )
    }
}

/// How far it is. Never decreases within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Folders; 0 until they were counted.
    pub folders: u64,
    /// Messages that the old server has.
    pub messages_total: u64,
    /// Messages of which it is known what became of them.
    pub messages_done: u64,
    /// Octets, when the server told.
    pub octets_total: Option<u64>,
    /// Octets done.
    pub octets_done: u64,
    /// Messages that this run brought.
    pub imported: u64,
    /// Octets a second, lately; 0 while nothing comes.
    pub speed: u64,
    /// Time left, once it can be told.
    pub remaining: Option<Estimate>,
}

impl Progress {
    /// Hundredths done, 0 to 100; never 100 before all is done. By octets where they are known.
    pub fn percent(&self) -> u8 {
        let part = |done: u64, total: u64| (u128::from(done) * 100 / u128::from(total.max(1))).min(99) as u8;
        if self.messages_total > 0 && self.messages_done >= self.messages_total {
            return 100;
        }
        match self.octets_total {
            Some(total) if total > 0 => part(self.octets_done, total),
            _ => part(self.messages_done, self.messages_total),
        }
    }
}

/// One point of the curve of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Messages done.
    pub messages: u64,
    /// Octets done.
    pub octets: u64,
}

/// A folder while it is imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderProgress {
    /// Name at the old server.
    pub name: String,
    /// Name in the new mailbox.
    pub destination: String,
    /// Messages that it has.
    pub messages_total: u64,
    /// Messages done.
    pub messages_done: u64,
    /// Octets, when the server told.
    pub octets_total: Option<u64>,
    /// Octets done.
    pub octets_done: u64,
}

/// One source account of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Import {
    /// Id.
    pub id: ImportId,
    /// Its run.
    pub run: RunId,
    /// Its place in the run, from 1.
    pub number: u64,
    /// IMAP server, as used.
    pub server: String,
    /// IMAP user name.
    pub username: String,
    /// `local-part@domain`.
    pub mailbox: String,
    /// State.
    pub state: ImportState,
    /// How far.
    pub progress: Progress,
    /// The folder that is worked on.
    pub current_folder: Option<String>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// Why it failed or waits.
    pub failure: Option<Failure>,
    /// Exceptions in its report.
    pub exceptions: u64,
    /// Whether the mailbox was made by this run.
    pub mailbox_created: bool,
    /// When the first work on it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Grows with each change: what an SSE stream compares.
    pub revision: i64,
    /// How often a worker had to take it over from one that vanished.
    pub takeovers: u32,
    /// Folders while it works (only where one import is asked for).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<FolderProgress>,
    /// The curve (only where one import is asked for).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// The report (only where one import is asked for and it has one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

/// How many imports of a run are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StateCounts {
    /// Waiting.
    pub waiting: u64,
    /// Creating, scanning, copying.
    pub working: u64,
    /// Retrying.
    pub retrying: u64,
    /// Paused.
    pub paused: u64,
    /// Done.
    pub done: u64,
    /// Done with exceptions.
    pub done_with_exceptions: u64,
    /// Failed.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

/// A run as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// Id.
    pub id: RunId,
    /// Its domain.
    pub domain: DomainId,
    /// The domain's name.
    pub domain_name: String,
    /// Its number in the domain, from 1.
    pub number: u64,
    /// State.
    pub state: RunState,
    /// Start.
    pub started_at: Timestamp,
    /// End.
    pub finished_at: Option<Timestamp>,
    /// Sum over the imports.
    pub progress: Progress,
    /// Imports by state.
    pub imports: StateCounts,
    /// Exceptions in all reports.
    pub exceptions: u64,
    /// Grows with each change of it or of one of its imports.
    pub revision: i64,
}

/// A run with its imports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// The run.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Its imports by number.
    pub imports: Vec<Import>,
    /// The curve of all together.
    pub samples: Vec<Sample>,
}
