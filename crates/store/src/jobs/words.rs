//! The words that a job's row holds, and how they are written there.

use std::time::Duration;

use engine::ledger::LedgerError;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$each])* $variant,)*
        }

        impl $name {
            /// The word in the database.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = LedgerError;

            fn from_str(word: &str) -> Result<$name, LedgerError> {
                match word {
                    $($word => Ok($name::$variant),)*
                    other => Err(LedgerError::Damaged(format!("a job holds the unknown word {other:?}"))),
                }
            }
        }
    )*};
}

words! {
    /// What is to be done.
    Kind {
        /// Try an entry's connection, folders and destination.
        Check = "check",
        /// Bring an account.
        Import = "import",
        /// Tell a customer that a run has ended.
        Tell = "tell",
    }

    /// Where a job stands.
    State {
        /// Waits to be claimed, perhaps until a time.
        Queued = "queued",
        /// A worker holds it, or held it and has vanished.
        Running = "running",
        /// Waits for people.
        Paused = "paused",
        /// Did what it was for.
        Done = "done",
        /// Gave up.
        Failed = "failed",
        /// Was ended by people.
        Cancelled = "cancelled",
    }

    /// What people ask of a job.
    Want {
        /// That it works.
        Run = "run",
        /// That it waits for them.
        Pause = "pause",
        /// That it ends. Nobody can want otherwise afterwards.
        Cancel = "cancel",
    }
}

impl State {
    /// Whether it stays so for ever.
    pub fn is_final(self) -> bool {
        matches!(self, State::Done | State::Failed | State::Cancelled)
    }
}

/// How a worker puts a job down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was for.
    Done,
    /// It gives up; only people can ask again, by a new job.
    Failed,
    /// It waits for people, on its own account. (To stop because a pause was wanted is [`Outcome::GiveBack`].)
    Paused,
    /// It ended unfinished, because that was wanted.
    Cancelled,
    /// It is to be tried again, not before this time: milliseconds since 1970 by the database's clock
    /// ([`Store::now`](crate::Store::now)). Counts as an attempt.
    RetryAt(i64),
    /// The same, after this time from now on.
    RetryAfter(Duration),
    /// It was interrupted and can go on. What people want by then decides: it is queued, paused or cancelled.
    GiveBack,
}
