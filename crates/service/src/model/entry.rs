//! The prepared list: one entry for each source account that is to come.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::id::{DomainId, EntryId};
use super::problem::{Failure, Problem};

/// What a person types (or a CSV line or an API call holds) for one entry.
#[derive(Debug, Clone, Default)]
pub struct NewEntry {
    /// IMAP server: `host`, `host:port`, `imaps://host`, or empty when the user name is an e-mail address.
    pub server: String,
    /// IMAP user name.
    pub username: String,
    /// IMAP password, exactly as given. `None` when an entry is edited: unchanged.
    pub password: Option<SecretString>,
    /// The part before the @ of the new mailbox.
    pub mailbox: String,
    /// Password of the new mailbox if it does not exist yet. `None` when an entry is edited: unchanged.
    pub mailbox_password: Option<SecretString>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// What was typed cannot be used: see the problems.
    Invalid,
    /// Waits for its check.
    Queued,
    /// Is being checked.
    Checking,
    /// Ready.
    Verified,
    /// The check found something: see the failure.
    CheckFailed,
}

/// How the server was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// It was given.
    Given,
    /// A known provider.
    KnownProvider,
    /// DNS SRV records (RFC 6186, RFC 8314).
    Srv,
    /// The domain's autoconfig document.
    Autoconfig,
}

/// The server that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundServer {
    /// `imaps://host:993` or `imap://host:143` (STARTTLS).
    pub url: String,
    /// User name to log in with, where it differs from what was typed.
    pub username: Option<String>,
    /// How.
    pub by: FoundBy,
    /// The provider's name, where known.
    pub provider: Option<String>,
}

/// What a provider asks of its customers before their mail can be retrieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderHint {
    /// Make an app password; names the page's address.
    AppPassword,
    /// Switch IMAP on in the webmail's settings.
    SwitchOnImap,
    /// Make a password of its own for mail programs.
    MailProgramPassword,
    /// Nothing helps: it lets nobody in by password any more, only through its own sign-in page.
    SignInPage,
}

/// How long an import may take, in seconds, as a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// At least about.
    pub low: u64,
    /// At most about.
    pub high: u64,
}

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// When it ended.
    pub at: Timestamp,
    /// The server that was asked; `None` when none was found.
    pub server: Option<FoundServer>,
    /// What the old server calls itself.
    pub software: Option<String>,
    /// Folders that will come.
    pub folders: u64,
    /// Messages in them.
    pub messages: u64,
    /// Their octets, when the server told.
    pub octets: Option<u64>,
    /// How long it may take.
    pub estimate: Option<Estimate>,
    /// Whether the mailbox exists already (its password then stays as it is).
    pub mailbox_exists: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What the provider asks for, with the failure that needs it.
    pub hint: Option<ProviderHint>,
    /// The provider's own page about it.
    pub hint_url: Option<String>,
}

/// A line of the prepared list. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Id.
    pub id: EntryId,
    /// Where it belongs.
    pub domain: DomainId,
    /// Its place in the list, from 1, with gaps where entries were removed.
    pub number: u64,
    /// IMAP server as typed; may be empty.
    pub server: String,
    /// IMAP user name as typed.
    pub username: String,
    /// Whether an IMAP password is kept.
    pub has_password: bool,
    /// The part before the @ of the new mailbox.
    pub mailbox: String,
    /// Whether a password for a new mailbox is kept.
    pub has_mailbox_password: bool,
    /// State.
    pub state: EntryState,
    /// What cannot be used as it is.
    pub problems: Vec<Problem>,
    /// Worth knowing, no reason not to start (`mailbox_shared`, `csv_encoding_guessed`, ...).
    pub notes: Vec<Problem>,
    /// What the latest check saw.
    pub check: Option<CheckOutcome>,
    /// Grows with each change.
    pub revision: i64,
    /// When it changed last.
    pub updated_at: Timestamp,
}
