//! Folders on both sides, as plain values: what the survey found and where the plan puts it.

use imap::{Status, WireName};

/// A folder's path at the destination: Unicode components; no component means INBOX.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FolderPath(pub Vec<String>);

impl FolderPath {
    /// INBOX itself.
    pub fn inbox() -> FolderPath {
        FolderPath(Vec::new())
    }

    /// Whether this is INBOX.
    pub fn is_inbox(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for FolderPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_inbox() { f.write_str("INBOX") } else { f.write_str(&self.0.join("/")) }
    }
}

/// What a folder is for (RFC 6154, plus INBOX).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// INBOX.
    Inbox,
    /// `\Sent`.
    Sent,
    /// `\Drafts`.
    Drafts,
    /// `\Trash`.
    Trash,
    /// `\Junk`.
    Junk,
    /// `\Archive`.
    Archive,
    /// `\All`: a view of every message, copied last and only what no other folder brings.
    All,
    /// `\Flagged`: a view of flagged messages, not copied.
    Flagged,
    /// `\Important`: a view, not copied.
    Important,
}

/// Whose folders a namespace holds (RFC 2342).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The account's own.
    Personal,
    /// Another user's.
    OtherUser,
    /// Shared by many.
    Shared,
}

/// A folder that the source listed.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFolder {
    /// Name as on the wire, echoed byte for byte.
    pub name: WireName,
    /// The whole name decoded, for people.
    pub text: String,
    /// Whether the name was valid in its encoding.
    pub valid: bool,
    /// Decoded components below the namespace prefix; INBOX is `["INBOX"]`.
    pub components: Vec<String>,
    /// Role told by a special-use attribute (or XLIST).
    pub role: Option<Role>,
    /// Whose it is.
    pub ownership: Ownership,
    /// Whether it can be opened (`\Noselect`, `\NonExistent` absent).
    pub selectable: bool,
    /// Whether the source account is subscribed to it.
    pub subscribed: bool,
    /// STATUS as far as the server told it.
    pub status: Status,
}
