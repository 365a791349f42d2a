//! What a database says, in a plain sentence.
//!
//! The known causes are named so that a person can act on them; the rest is passed on as the database put it. No
//! sentence here may hold a password or an address with one in it.

use engine::ledger::LedgerError;
use sea_orm::sqlx::Error as SqlxError;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

pub(crate) fn unreadable(error: DbErr) -> LedgerError {
    LedgerError::Storage { action: "read", reason: sentence(&error) }
}

pub(crate) fn unwritten(error: DbErr) -> LedgerError {
    LedgerError::Storage { action: "written", reason: sentence(&error) }
}

/// The cause of a failure: a plain sentence without secrets.
pub fn sentence(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => sqlx_sentence(inner),
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => "no connection became free in time".to_owned(),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => "it has been closed".to_owned(),
        // The migrator's only error of its own: the database knows a step that this program does not.
        DbErr::Custom(text) if text.contains("its file is missing") => {
            "it was written by a newer version of this program".to_owned()
        }
        other => other.to_string(),
    }
}

/// The cause of a failure in sqlx.
pub(crate) fn sqlx_sentence(error: &SqlxError) -> String {
    match error {
        SqlxError::Database(inner) => {
            let known = inner.code().and_then(|code| {
                if code.len() == 5 { postgres_sentence(&code) } else { sqlite_sentence(&code) }
            });
            known.map_or_else(|| inner.message().to_owned(), str::to_owned)
        }
        SqlxError::Io(inner) => format!("the database cannot be reached: {inner}"),
        SqlxError::PoolTimedOut => "the database gave no connection in time".to_owned(),
        SqlxError::PoolClosed => "it has been closed".to_owned(),
        // Its text may repeat parts of the address.
        SqlxError::Configuration(_) => "the database's address is not valid".to_owned(),
        other => other.to_string(),
    }
}

/// SQLSTATE, from PostgreSQL's manual, appendix A.
fn postgres_sentence(code: &str) -> Option<&'static str> {
    Some(match code {
        "28P01" | "28000" => "the database refused the user or the password",
        "3D000" => "the database does not exist on that server",
        "42501" => "the database user may not do that",
        "53100" => "the database server's disk is full",
        "53300" => "the database server has no connection left",
        "57P01" | "57P02" | "57P03" => "the database server is starting or stopping",
        "57014" => "the database took too long",
        "25006" => "the database is read-only",
        _ => return None,
    })
}

/// The low octet of SQLite's (extended) result code.
fn sqlite_sentence(code: &str) -> Option<&'static str> {
    let code: u32 = code.parse().ok()?;
    Some(match code & 0xff {
        5 | 6 => "another program holds it locked",
        8 => "it cannot be written to",
        10 => "the disk reported an error",
        11 => "the file is damaged",
        13 => "the disk is full",
        14 => "the file, or one that SQLite keeps beside it, cannot be opened",
        26 => "the file is not an SQLite database, or it is damaged",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_of_sqlite_mean_what_their_low_octet_means() {
        assert_eq!(sqlite_sentence("517"), sqlite_sentence("5"));
        assert_eq!(sqlite_sentence("1"), None);
    }

    #[test]
    fn a_database_of_a_newer_version_is_called_that() {
        let text = "Migration file of version 'm9' is missing, this migration has been applied but its file is missing";
        assert!(sentence(&DbErr::Custom(text.to_owned())).contains("newer version"));
    }
}
