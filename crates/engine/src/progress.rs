//! What happens, told to whoever watches. Listeners must return at once: they are called on the import's own path.

/// Something that happened in an import.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The source was surveyed: what the plan will look at. Other events name a folder by its place in `folders`.
    Surveyed {
        /// Folders in the plan.
        folders: Vec<FolderTotals>,
        /// Messages in them.
        messages: u64,
        /// Octets in them, when the server told.
        octets: Option<u64>,
    },
    /// Work on a folder begins, or begins anew because the server numbered its messages anew: what was counted of it
    /// before is counted again.
    Folder {
        /// Which one.
        folder: usize,
        /// Its decoded source name.
        name: String,
    },
    /// Messages are settled without being copied (already there, skipped ...).
    Settled {
        /// Of which folder.
        folder: usize,
        /// How many.
        messages: u64,
        /// Their octets, as far as known.
        octets: u64,
    },
    /// Octets of message bodies arrived.
    Received {
        /// How many.
        octets: u64,
    },
    /// Messages lie durably in the destination and in the ledger.
    Delivered {
        /// Of which folder.
        folder: usize,
        /// How many.
        messages: u64,
        /// Their octets.
        octets: u64,
    },
    /// Nothing more happens to a folder: it is known what became of each of its messages, whatever the survey had
    /// counted.
    FolderDone {
        /// Which one.
        folder: usize,
    },
    /// A connection failed or the server asked for a pause.
    Retrying {
        /// Until the next attempt.
        pause: std::time::Duration,
        /// The cause, in plain words.
        why: String,
    },
}

/// What the survey found in a folder of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderTotals {
    /// Its decoded source name.
    pub name: String,
    /// Its name at the destination.
    pub destination: String,
    /// Messages in it.
    pub messages: u64,
    /// Octets in it, when the server told.
    pub octets: Option<u64>,
}

/// A listener.
pub trait Progress: Send + Sync {
    /// Takes one event.
    fn event(&self, event: &Event);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: &Event) {}
}
