//! Why a use case did not do what it was asked: one variant for each answer that a caller gives.

use std::time::Duration;

use engine::ledger::LedgerError;
use sea_orm::DbErr;

use crate::entries::Readiness;
use crate::model::Problem;

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why it was not done. No text holds a secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is not there, or it belongs to somebody else: nobody learns which.
    #[error("There is no such thing here.")]
    NotFound,
    /// The actor's role or token does not allow it.
    #[error("This is not allowed with this sign-in or token.")]
    Forbidden,
    /// What was typed cannot be used.
    #[error("{}", .0.first().map_or("This cannot be used as it is.", |problem| problem.message.as_str()))]
    Invalid(Vec<Problem>),
    /// It cannot be done as things are now.
    #[error("{0}")]
    Conflict(Conflict),
    /// Too often.
    #[error("Too many attempts. Please wait {} s.", .retry_after.as_secs().max(1))]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// An internal fault: for the log; the customer is told that nothing is lost.
    #[error("An internal fault: {0}")]
    Internal(String),
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Nothing was prepared.
    #[error("There is nothing to import yet.")]
    Empty,
    /// Not every entry is verified.
    #[error("{} of {} entries are not verified yet.", .0.entries - .0.verified, .0.entries)]
    NotReady(Readiness),
    /// Somebody changed it meanwhile; look again.
    #[error("This was changed meanwhile. Please look again.")]
    Changed,
    /// The run or import does not work any more.
    #[error("This has ended already.")]
    Ended,
    /// The run works still.
    #[error("This is still working.")]
    StillWorking,
    /// Nothing failed that could be tried again.
    #[error("There is nothing to try again.")]
    NothingToRetry,
    /// The passwords were erased.
    #[error("The passwords of this mailimport were erased. Please add the accounts again.")]
    SecretsErased,
    /// Something of this name is there already.
    #[error("This name is taken.")]
    NameTaken,
    /// The domain still has runs that work.
    #[error("A mailimport of this domain is still working.")]
    DomainBusy,
    /// The same idempotency key came with another request, or the first one still works.
    #[error("This idempotency key was used for another request, or the first one is still being worked on.")]
    IdempotencyKeyReused,
}

impl Error {
    pub(crate) fn conflict(conflict: Conflict) -> Error {
        Error::Conflict(conflict)
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Error {
        Error::Internal(error.to_string())
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Error {
        Error::Internal(store::sentence(&error))
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Error {
        Error::Internal(error.to_string())
    }
}
