//! The ledger: what became of each message of each source folder.
//!
//! Key: account, folder, UIDVALIDITY (an *epoch*), UID. The engine writes a row only after the destination holds
//! the message durably, so a row `Imported` is a promise. A ledger must never forget a row it has acknowledged.

use std::future::Future;

use imap::{ModSeq, Uid, UidSet, UidValidity, WireName};

use crate::folder::FolderPath;

/// BLAKE3 of a message's bytes as received from the source.
pub type Digest = [u8; 32];

/// Which account's rows these are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountKey {
    /// Source account: `user@host`, host in lower case.
    pub source: String,
    /// The destination's key: `maildir:/srv/mail/alice` with its absolute path, `maildir:.` for the mailbox that
    /// the ledger itself lies in, or `imap:alice@imap.example.org:993`.
    pub destination: String,
}

/// The ledger's own number of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountId(pub i64);

/// An account's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its number.
    pub id: AccountId,
    /// Unix seconds of the first import; part of every delivered message's name, so it never changes.
    pub founded: i64,
}

/// The ledger's own number of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EpochId(pub i64);

/// One source folder under one UIDVALIDITY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub id: EpochId,
    /// The folder's name as on the wire.
    pub folder: WireName,
    /// The UIDVALIDITY that makes its UIDs mean anything.
    pub uid_validity: UidValidity,
    /// Whether this is the folder's newest epoch.
    pub current: bool,
    /// What the last finished pass over the folder saw; `None` until a pass was finished.
    pub seen: Option<Seen>,
}

/// What a finished pass over a folder saw: if the server says the same again, nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// UIDs listed by the server.
    pub listed: UidSet,
    /// UIDNEXT, when the server told it.
    pub uid_next: Option<Uid>,
    /// HIGHESTMODSEQ (RFC 7162), when the server told it. Without it flags must be read again.
    pub highest_mod_seq: Option<ModSeq>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// It lies (or lay, until the customer removed it) in the destination. Terminal.
    Imported,
    /// Left out on request (`--since`, `--max-size`) or because another folder brings the same message.
    Skipped,
    /// Something went wrong; the next run tries again.
    Failed,
    /// The server lists it and describes it but does not hand it over; the next run tries again.
    Unreadable,
    /// The server listed the UID but knows nothing of it.
    Phantom,
}

/// One message's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    /// UID in its epoch.
    pub uid: Uid,
    /// What became of it.
    pub state: State,
    /// The destination's identity of the message (Maildir: the base name; IMAP: `<uidvalidity>.<uid>`). `Some` exactly for `Imported`.
    pub identity: Option<String>,
    /// Octets as received.
    pub size: Option<u64>,
    /// Digest of the octets as received.
    pub digest: Option<Digest>,
    /// Flags and keywords as last applied, in wire form, sorted.
    pub flags: Vec<String>,
    /// `X-GM-MSGID` or `EMAILID`, where the server has one.
    pub object_id: Option<String>,
    /// Why it is not imported.
    pub cause: Option<Cause>,
}

/// Why a message was not imported: what the report says about it again and again until it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cause {
    /// Class as in the report (`unreadable`, `too_large`, ...).
    pub class: String,
    /// One plain sentence.
    pub message: String,
    /// `Date` header or INTERNALDATE, as far as known.
    pub date: Option<String>,
    /// `From` header, as far as known.
    pub from: Option<String>,
    /// `Subject` header, as far as known.
    pub subject: Option<String>,
}

/// What is about to be added to a folder of a destination that gives its messages identities of its own: written before
/// the first octet is sent, so that whoever comes after a crash looks before they send anything again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The destination folder.
    pub folder: FolderPath,
    /// Its UIDVALIDITY before the batch.
    pub uid_validity: UidValidity,
    /// Its UIDNEXT before the batch: none of the messages gets a lower UID.
    pub uid_next: u32,
    /// The messages, in the order in which they are sent.
    pub messages: Vec<Intended>,
}

/// A message of an [`Intent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intended {
    /// UID in its epoch.
    pub uid: Uid,
    /// Octets as received.
    pub size: Option<u64>,
    /// Digest of the octets as received.
    pub digest: Option<Digest>,
    /// Digest of the canonical form, by which it is known again.
    pub canonical: Digest,
    /// Flags and keywords that go with it.
    pub flags: Vec<String>,
    /// `X-GM-MSGID` or `EMAILID`, where the server has one.
    pub object_id: Option<String>,
}

impl Intended {
    /// The row of the message once it is known to lie in the destination.
    pub fn arrived(self, identity: String) -> MessageRecord {
        MessageRecord {
            uid: self.uid,
            state: State::Imported,
            identity: Some(identity),
            size: self.size,
            digest: self.digest,
            flags: self.flags,
            object_id: self.object_id,
            cause: None,
        }
    }
}

/// The ledger's own number of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IntentId(pub i64);

/// An intent of which the end is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// Its number.
    pub id: IntentId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The epoch that its messages belong to.
    pub epoch: EpochId,
    /// What was intended.
    pub intent: Intent,
}

/// The ledger could not do what it was asked; nothing was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file or database cannot be opened, or is not a ledger.
    #[error("the ledger {place} cannot be opened: {reason}")]
    Open {
        /// File or address (without secrets).
        place: String,
        /// The cause.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("the ledger could not be {action}: {reason}")]
    Storage {
        /// `read` or `written`.
        action: &'static str,
        /// The cause.
        reason: String,
    },
    /// A row holds something that no version of this program writes.
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
    /// Somebody else does this work by now; whoever is told so must stop at once.
    #[error("another worker has taken over this work")]
    LeaseLost,
}

/// The record that makes an import resumable and provable. Every writing call is one durable transaction.
pub trait Ledger: Send + Sync {
    /// The account's row, founded now (`now` in unix seconds) if it is new.
    fn account(
        &self,
        key: &AccountKey,
        now: i64,
    ) -> impl Future<Output = Result<AccountRecord, LedgerError>> + Send;

    /// All epochs of the account, oldest first.
    fn epochs(&self, account: AccountId) -> impl Future<Output = Result<Vec<Epoch>, LedgerError>> + Send;

    /// The epoch of this folder and UIDVALIDITY, made if it is new; it becomes the folder's current one.
    fn open_epoch(
        &self,
        account: AccountId,
        folder: &WireName,
        uid_validity: UidValidity,
    ) -> impl Future<Output = Result<Epoch, LedgerError>> + Send;

    /// Remembers what a finished pass over the folder saw.
    fn finish_pass(
        &self,
        epoch: EpochId,
        seen: &Seen,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Writes rows, replacing those of the same UID.
    fn record(
        &self,
        epoch: EpochId,
        messages: &[MessageRecord],
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Notes what is about to be sent to the destination.
    fn begin_batch(
        &self,
        epoch: EpochId,
        intent: &Intent,
    ) -> impl Future<Output = Result<IntentId, LedgerError>> + Send;

    /// Writes rows as [`Ledger::record`] does and forgets the intent, both or neither.
    fn end_batch(
        &self,
        epoch: EpochId,
        intent: IntentId,
        messages: &[MessageRecord],
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Intents without an end, of all accounts that go to this destination ([`AccountKey::destination`]), oldest first.
    fn open_intents(
        &self,
        destination: &str,
    ) -> impl Future<Output = Result<Vec<OpenIntent>, LedgerError>> + Send;

    /// Asked before each batch of changes at the destination: whether they are still ours to make. A ledger that only
    /// one process can have has no reason to doubt it.
    fn still_ours(&self) -> impl Future<Output = Result<(), LedgerError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Rows in UID order, beginning above `after`, at most `limit` of them.
    fn messages(
        &self,
        epoch: EpochId,
        after: Option<Uid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<MessageRecord>, LedgerError>> + Send;
}
