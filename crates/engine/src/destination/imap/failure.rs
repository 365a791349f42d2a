//! What goes wrong at the new server, in words for people.

use imap::ResponseCode;

use crate::destination::Failure;
use crate::error::{Error, source_class};

/// Of an error of the line to the new server.
pub(super) fn of(error: Error) -> Failure {
    match error {
        Error::Source(error) => of_server(&error),
        Error::PatienceOver(error) => {
            let Failure { class, .. } = of_server(&error);
            let message = format!(
                "The new server is not answering ({error}). The same command goes on later where it stopped."
            );
            Failure { class, message }
        }
        Error::Interrupted => {
            let message = "The import was interrupted. The same command goes on where it stopped.".to_owned();
            Failure { class: "interrupted", message }
        }
        other => internal(&other.to_string()),
    }
}

/// Of something that the new server said or did.
pub(super) fn of_server(error: &imap::Error) -> Failure {
    let class = match error.code() {
        Some(ResponseCode::OverQuota) => "quota",
        Some(ResponseCode::NoPerm | ResponseCode::ReadOnly) => "not_writable",
        _ => source_class(error),
    };
    let plain = match class {
        "quota" => "The new mailbox is full. Make room there; the import goes on where it stopped.",
        "not_writable" => "The new server does not let us write into this mailbox.",
        "auth" => "The new server did not accept this user name or password.",
        "imap_disabled" => "Mail-program access is switched off at the new server.",
        "oauth_expired" => "The permission at the new server has expired.",
        "dns" => "We cannot find the new mail server. Please check the spelling.",
        "blocked_address" => "The new server's address is not allowed here.",
        "connect" => "The new server cannot be reached, or it ended the connection.",
        "timeout" => "The new server is not answering.",
        "tls" => "We could not make a trusted, encrypted connection to the new server.",
        "not_imap" => "What answers at the new server's address is not a mail (IMAP) server.",
        "throttled" | "unavailable" | "daily_limit" => "The new server refuses for the moment.",
        "limit" => "The new server sends more than can be accepted.",
        _ => "The new server answered in a way that cannot be used.",
    };
    Failure { class, message: format!("{plain} ({error})") }
}

pub(super) fn internal(what: &str) -> Failure {
    let message =
        format!("An internal fault stopped the import ({what}). It can be resumed; nothing is lost.");
    Failure { class: "internal", message }
}
