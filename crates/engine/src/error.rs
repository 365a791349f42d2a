//! Why an import stops: whose fault, which class, one plain sentence.

use crate::destination::Failure;
use crate::ledger::LedgerError;
use crate::report::{Side, Stop};

/// What ends an import (a single message's trouble never does).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source refused or failed for good.
    #[error("{}", sentence(.0))]
    Source(#[from] imap::Error),
    /// The source was silent or refused for longer than the patience allows.
    #[error("The old server is not answering ({0}). The same command goes on later where it stopped.")]
    PatienceOver(Box<imap::Error>),
    /// Too many messages in a row went wrong.
    #[error("{0} messages in a row failed; the import of this account was stopped.")]
    TooManyFailures(u32),
    /// The import has stored as much as it may.
    #[error(
        "This import may bring {} at a time (limits.octets_per_import), and there is more. Import again: it goes on where it stopped.",
        size(*.0)
    )]
    OctetsSpent(u64),
    /// The destination failed.
    #[error("{0}")]
    Destination(Failure),
    /// The ledger failed.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// UIDVALIDITY is another than when the folder was listed.
    #[error("The old server numbered the messages of a folder anew during the import.")]
    EpochChanged,
    /// Somebody asked to stop.
    #[error("The import was interrupted. The same command goes on where it stopped.")]
    Interrupted,
    /// A worker of ours ended abnormally.
    #[error("An internal fault stopped the import ({0}). It can be resumed; nothing is lost.")]
    Internal(String),
}

impl Error {
    /// For the report: side, class and sentence.
    pub fn stop(&self) -> Stop {
        let (side, class) = match self {
            Error::Source(error) => (Side::Source, source_class(error)),
            Error::PatienceOver(error) => (Side::Source, source_class(error)),
            Error::TooManyFailures(_) => (Side::Source, "unreadable"),
            Error::OctetsSpent(_) => (Side::Destination, "import_size"),
            Error::Destination(failure) => (Side::Destination, failure.class),
            Error::EpochChanged => (Side::Source, "uidvalidity_unstable"),
            Error::Ledger(LedgerError::LeaseLost) => (Side::Internal, "lease_lost"),
            Error::Ledger(_) => (Side::Destination, "ledger"),
            Error::Interrupted => (Side::Internal, "interrupted"),
            Error::Internal(_) => (Side::Internal, "internal"),
        };
        Stop { side, class: class.to_owned(), message: self.to_string() }
    }
}

/// The class of a source's error, as in the product's table.
pub fn source_class(error: &imap::Error) -> &'static str {
    use imap::{Error as E, ResponseCode as C};
    match (error, error.code()) {
        _ if names_daily_limit(error) => "daily_limit",
        _ if crate::line::suggested_pause(error).is_some() => "throttled",
        (_, Some(C::Throttled | C::Limit | C::InUse)) => "throttled",
        (_, Some(C::Unavailable)) => "unavailable",
        (_, Some(C::Expired)) => "oauth_expired",
        (E::Dns { .. }, _) => "dns",
        (E::AddressRefused { .. }, _) => "blocked_address",
        (E::Timeout { .. }, _) => "timeout",
        (E::Connect { .. } | E::Closed | E::Io(_) | E::Bye { .. }, _) => "connect",
        (E::Certificate(_) | E::Tls(_) | E::TlsSettings(_), _) => "tls",
        (E::StartTlsMissing | E::StartTlsInjection | E::PreAuthBeforeTls, _) => "tls",
        (E::NotImap { .. }, _) => "not_imap",
        (E::AuthenticationRefused { text, .. }, _) if names_switched_off_imap(text) => "imap_disabled",
        (
            E::AuthenticationRefused { .. }
            | E::ServerNotAuthentic(_)
            | E::LoginDisabled
            | E::NoMechanism { .. }
            | E::AttemptsExhausted
            | E::UnsendableCredentials,
            _,
        ) => "auth",
        (E::LimitExceeded { .. }, _) => "limit",
        _ => "protocol",
    }
}

/// How providers say so in a refused login, in lower case.
const SWITCHED_OFF: [&str; 6] =
    ["disabled", "not enabled", "enable imap", "deaktiviert", "nicht aktiviert", "nicht freigeschaltet"];

fn names_switched_off_imap(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("imap") && SWITCHED_OFF.iter().any(|words| text.contains(words))
}

/// Gmail lets 2,500 MB a day out, and says "Account exceeded command or bandwidth limits" afterwards, with one code or
/// another or none. Others say OVERQUOTA: to somebody who only reads, that is an allowance too (RFC 5530, section 3).
pub(crate) fn names_daily_limit(error: &imap::Error) -> bool {
    use imap::Error as E;
    if !matches!(error, E::Bye { .. } | E::AuthenticationRefused { .. } | E::Refused { .. }) {
        return false;
    }
    if matches!(error.code(), Some(imap::ResponseCode::OverQuota)) {
        return true;
    }
    let text = error.to_string().to_lowercase();
    ["bandwidth limit", "daily limit", "download limit"].iter().any(|words| text.contains(words))
}

/// The plain sentence, and behind it what the server or the system said.
fn sentence(error: &imap::Error) -> String {
    let plain = match source_class(error) {
        "auth" => match error {
            imap::Error::AuthenticationRefused { .. } => {
                "The old provider did not accept this user name or password. Many providers need an app password."
            }
            _ => "Logging in at the old provider is not possible this way.",
        },
        "imap_disabled" => {
            "Mail-program access is switched off at your old provider. Switch it on there, then check again."
        }
        "oauth_expired" => "The permission has expired. Please sign in again.",
        "dns" => "We cannot find that mail server. Please check the spelling.",
        "blocked_address" => "This server's address is not allowed here.",
        "connect" => "The old server cannot be reached, or it ended the connection.",
        "timeout" => "The old server is not answering.",
        "tls" => "We could not make a trusted, encrypted connection to this server.",
        "not_imap" => "What answers at this address is not a mail (IMAP) server.",
        "daily_limit" => "Today's download allowance at the old provider is used up.",
        "throttled" | "unavailable" => "The old server refuses for the moment.",
        "limit" => "The old server sends more than can be accepted.",
        _ => "The old server answered in a way that cannot be used.",
    };
    match error {
        imap::Error::LimitExceeded { what, .. } if setting(what).is_some() => {
            format!("{plain} ({error}; it is set by {})", setting(what).unwrap_or_default())
        }
        _ => format!("{plain} ({error})"),
    }
}

/// The operator's setting behind a limit of a connection.
fn setting(what: &str) -> Option<&'static str> {
    match what {
        "the number of folders" => Some("limits.folders"),
        _ => None,
    }
}

/// A size for people, in powers of 1000.
pub(crate) fn size(octets: u64) -> String {
    match octets {
        0..10_000 => format!("{octets} octets"),
        10_000..10_000_000 => format!("{} kB", octets / 1_000),
        10_000_000..10_000_000_000 => format!("{} MB", octets / 1_000_000),
        _ => format!("{} GB", octets / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stay_distinct() {
        let refused = |text: &str| imap::Error::AuthenticationRefused { code: None, text: text.into() };
        let cases = [
            (refused("Authentication failed"), "auth"),
            (refused("Your account is not enabled for IMAP use"), "imap_disabled"),
            (refused("[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"), "daily_limit"),
            (
                imap::Error::Bye { code: None, text: "Account exceeded command or bandwidth limits".into() },
                "daily_limit",
            ),
            (imap::Error::Closed, "connect"),
            (imap::Error::AddressRefused { host: "h".into() }, "blocked_address"),
            (imap::Error::StartTlsMissing, "tls"),
            (imap::Error::NotImap { banner: "220 smtp".into() }, "not_imap"),
            (
                imap::Error::Bye { code: Some(imap::ResponseCode::Throttled), text: String::new() },
                "throttled",
            ),
        ];
        for (error, class) in cases {
            assert_eq!(source_class(&error), class, "{error}");
        }
    }
}
