//! What customers are told when a run has ended, and how telling it went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::problem::Failure;
use super::run::{ImportState, RunState, StateCounts};

/// A way on which customers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To their e-mail address.
    Email,
    /// To a program of theirs, by HTTP.
    Webhook,
}

/// Where a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// Its first attempt is still to come.
    Waiting,
    /// An attempt failed; another one comes.
    Retrying,
    /// It was taken.
    Delivered,
    /// It is not tried any more.
    Failed,
}

/// How an attempt to tell somebody ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeOutcome {
    /// The other side took it.
    Delivered,
    /// The receiver answered with a status that means no.
    Status,
    /// The receiver has nothing at this address (404, 410).
    Gone,
    /// The receiver names another address.
    Redirect,
    /// Nothing answers there, or nothing that we may connect to: nobody learns which.
    NotAnswering,
    /// No trusted, encrypted connection.
    Tls,
    /// The mail server refuses it for good.
    MailRefused,
    /// The mail server does not take it now.
    MailUnavailable,
    /// A fault of ours.
    Internal,
}

impl NoticeOutcome {
    /// All of them.
    pub const ALL: [NoticeOutcome; 9] = [
        NoticeOutcome::Delivered,
        NoticeOutcome::Status,
        NoticeOutcome::Gone,
        NoticeOutcome::Redirect,
        NoticeOutcome::NotAnswering,
        NoticeOutcome::Tls,
        NoticeOutcome::MailRefused,
        NoticeOutcome::MailUnavailable,
        NoticeOutcome::Internal,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeOutcome::Delivered => "delivered",
            NoticeOutcome::Status => "status",
            NoticeOutcome::Gone => "gone",
            NoticeOutcome::Redirect => "redirect",
            NoticeOutcome::NotAnswering => "not_answering",
            NoticeOutcome::Tls => "tls",
            NoticeOutcome::MailRefused => "mail_refused",
            NoticeOutcome::MailUnavailable => "mail_unavailable",
            NoticeOutcome::Internal => "internal",
        }
    }

    /// The plain sentence in English.
    pub fn message(self) -> &'static str {
        match self {
            NoticeOutcome::Delivered => "It was delivered.",
            NoticeOutcome::Status => "The receiver answered with an error.",
            NoticeOutcome::Gone => "The receiver says that there is nothing at this address.",
            NoticeOutcome::Redirect => "The receiver names another address. Please enter that one.",
            NoticeOutcome::NotAnswering => "The receiver is not answering. Please check the address.",
            NoticeOutcome::Tls => "We could not make a trusted, encrypted connection to the receiver.",
            NoticeOutcome::MailRefused => "The mail server refused the e-mail. Please check your address.",
            NoticeOutcome::MailUnavailable => "The mail server does not take e-mail at the moment.",
            NoticeOutcome::Internal => "An internal fault stopped this.",
        }
    }
}

/// A notice, as its customer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// On which way.
    pub channel: Channel,
    /// Of which run; `None`: a test.
    pub run: Option<RunId>,
    /// Where it stands.
    pub state: NoticeState,
    /// How the latest attempt ended.
    pub outcome: Option<NoticeOutcome>,
    /// The status that the other side answered.
    pub code: Option<u16>,
    /// Attempts so far.
    pub attempts: u64,
    /// When the latest attempt ended, or when it was made.
    pub at: Timestamp,
    /// When the next attempt comes.
    pub retry_at: Option<Timestamp>,
}

/// How a customer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeSettings {
    /// Whether there is a mail server to send by.
    pub email_offered: bool,
    /// By e-mail, where there is an address.
    pub email: bool,
    /// The customer's e-mail address.
    pub address: Option<String>,
    /// The webhook's address.
    pub webhook: Option<String>,
    /// The newest e-mail.
    pub last_email: Option<Notice>,
    /// The newest call of the webhook.
    pub last_webhook: Option<Notice>,
}

impl NoticeSettings {
    /// Whether anything would be told at all.
    pub fn tells(&self) -> bool {
        self.webhook.is_some() || (self.email_offered && self.email && self.address.is_some())
    }
}

/// How a customer wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWishes {
    /// By e-mail.
    pub email: bool,
    /// By a webhook at this address.
    pub webhook: Option<String>,
}

/// How a run ended, as it stood at that moment: it may be working again when it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The run.
    pub run: RunId,
    /// Its number in the domain.
    pub number: u64,
    /// The domain's name.
    pub domain: String,
    /// How it ended.
    pub state: RunState,
    /// When.
    pub finished_at: Timestamp,
    /// Its imports by state.
    pub imports: StateCounts,
    /// Messages at the old servers.
    pub messages: u64,
    /// Messages that it brought.
    pub imported: u64,
    /// Octets done.
    pub octets: u64,
    /// Exceptions in all reports.
    pub exceptions: u64,
    /// Some mailboxes, those with troubles first.
    pub mailboxes: Vec<MailboxEnd>,
}

impl RunEnd {
    /// How many mailboxes it had.
    pub fn total(&self) -> u64 {
        let counts = &self.imports;
        counts.done + counts.done_with_exceptions + counts.failed + counts.cancelled
    }
}

/// How the import into one mailbox ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxEnd {
    /// `local-part@domain`.
    pub mailbox: String,
    /// How.
    pub state: ImportState,
    /// Messages at the old server.
    pub messages: u64,
    /// Exceptions in its report.
    pub exceptions: u64,
    /// Why it failed, without detail.
    pub failure: Option<Failure>,
}
