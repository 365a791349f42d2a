//! What happens, told to whoever watches. Listeners must return at once: they are called on the import's own path.

/// Something that happened in an import.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The source was surveyed: totals of what the plan will look at.
    Surveyed {
        /// Folders in the plan.
        folders: u64,
        /// Messages in them.
        messages: u64,
        /// Octets in them, when the server told.
        octets: Option<u64>,
    },
    /// Work on a folder begins.
    Folder {
        /// Its decoded source name.
        name: String,
    },
    /// Messages are settled without being copied (already there, skipped ...).
    Settled {
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
        /// How many.
        messages: u64,
        /// Their octets.
        octets: u64,
    },
    /// A connection failed or the server asked for a pause.
    Retrying {
        /// Until the next attempt.
        pause: std::time::Duration,
        /// The cause, in plain words.
        why: String,
    },
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
