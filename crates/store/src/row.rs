//! Rows to the ledger's types and back.
//!
//! Unsigned 64-bit numbers are kept as their bits in a signed column (the database never compares or adds them).
//! Flags are a JSON array and a cause is a JSON object, both as text: PostgreSQL's own JSON type refuses NUL, and a
//! server's header may hold one. Reading must never guess: what this program does not write is reported as damage.

use engine::folder::FolderPath;
use engine::ledger::{
    AccountId, Cause, Digest, Epoch, EpochId, Intended, Intent, IntentId, LedgerError, MessageRecord,
    OpenIntent, Seen, State,
};
use imap::{ModSeq, Uid, UidSet, UidValidity, WireName};
use sea_orm::ActiveValue::{NotSet, Set};

use crate::entity::{epoch, intent, message};

/// What makes an account unique: the digest of its two names, which cannot hold NUL (`storable` sees to it).
pub(crate) fn account_key(source: &str, destination: &str) -> Vec<u8> {
    blake3::Hasher::new()
        .update(source.as_bytes())
        .update(b"\0")
        .update(destination.as_bytes())
        .finalize()
        .as_bytes()
        .to_vec()
}

/// What makes a folder unique within its account. INBOX is one folder however it is written (RFC 9051, section 5.1).
pub(crate) fn folder_key(folder: &WireName) -> Vec<u8> {
    let inbox = WireName::inbox();
    let name = if folder.is_inbox() { &inbox } else { folder };
    blake3::hash(name.as_bytes()).as_bytes().to_vec()
}

/// The text, unless it holds NUL, which PostgreSQL cannot keep; refused on SQLite as well, so that both do the same.
pub(crate) fn storable<'a>(what: &str, text: &'a str) -> Result<&'a str, LedgerError> {
    if text.contains('\0') {
        return Err(unwritable(format!("the {what} {:?} holds a NUL character", text)));
    }
    Ok(text)
}

/// The row of a message.
pub(crate) fn message_row(
    epoch: EpochId,
    record: &MessageRecord,
) -> Result<message::ActiveModel, LedgerError> {
    let text = |what: &str, value: &Option<String>| {
        value.as_deref().map(|text| storable(what, text).map(str::to_owned)).transpose()
    };
    let cause = record.cause.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?;
    Ok(message::ActiveModel {
        epoch_id: Set(epoch.0),
        uid: Set(i64::from(record.uid.get())),
        state: Set(state_text(record.state).to_owned()),
        identity: Set(text("destination identity", &record.identity)?),
        size: Set(record.size.map(u64::cast_signed)),
        digest: Set(record.digest.map(|digest| digest.to_vec())),
        flags: Set(serde_json::to_string(&record.flags).map_err(unwritable)?),
        object_id: Set(text("object id", &record.object_id)?),
        cause: Set(cause),
    })
}

/// The message of a row.
pub(crate) fn message_record(row: message::Model) -> Result<MessageRecord, LedgerError> {
    let place = format!("message {} of epoch {}", row.uid, row.epoch_id);
    let flags: Vec<String> =
        serde_json::from_str(&row.flags).map_err(|_| damaged(&place, "flags", &row.flags))?;
    let cause: Option<Cause> = match &row.cause {
        Some(text) => Some(serde_json::from_str(text).map_err(|_| damaged(&place, "cause", text))?),
        None => None,
    };
    let digest: Option<Digest> = match row.digest {
        Some(octets) => {
            let length = octets.len().to_string();
            Some(octets.try_into().map_err(|_| damaged(&place, "digest length", &length))?)
        }
        None => None,
    };
    Ok(MessageRecord {
        uid: uid(&place, row.uid)?,
        state: state(&place, &row.state)?,
        identity: row.identity,
        size: row.size.map(i64::cast_unsigned),
        digest,
        flags,
        object_id: row.object_id,
        cause,
    })
}

/// The epoch of a row.
pub(crate) fn epoch_record(row: epoch::Model) -> Result<Epoch, LedgerError> {
    let place = format!("epoch {}", row.id);
    let seen = match &row.listed {
        Some(listed) => Some(Seen {
            listed: listed.parse::<UidSet>().map_err(|_| damaged(&place, "set of UIDs", listed))?,
            uid_next: row.uid_next.map(|number| uid(&place, number)).transpose()?,
            highest_mod_seq: row.highest_mod_seq.map(|bits| ModSeq(bits.cast_unsigned())),
        }),
        None => None,
    };
    let uid_validity = u32::try_from(row.uid_validity)
        .map_err(|_| damaged(&place, "UIDVALIDITY", &row.uid_validity.to_string()))?;
    Ok(Epoch {
        id: EpochId(row.id),
        folder: WireName::new(row.folder),
        uid_validity: UidValidity(uid_validity),
        current: row.is_current,
        seen,
    })
}

/// A message of an intent as it stands in its row: UID, octets, digest, digest of the canonical form, flags, object id.
type IntendedRow = (u32, Option<u64>, Option<String>, String, Vec<String>, Option<String>);

/// The row of an intent.
pub(crate) fn intent_row(epoch: EpochId, intent: &Intent) -> Result<intent::ActiveModel, LedgerError> {
    let hex = |digest: &Digest| blake3::Hash::from_bytes(*digest).to_string();
    let messages: Vec<IntendedRow> = intent
        .messages
        .iter()
        .map(|message| {
            let (digest, canonical) = (message.digest.as_ref().map(hex), hex(&message.canonical));
            (
                message.uid.get(),
                message.size,
                digest,
                canonical,
                message.flags.clone(),
                message.object_id.clone(),
            )
        })
        .collect();
    Ok(intent::ActiveModel {
        id: NotSet,
        epoch_id: Set(epoch.0),
        folder: Set(serde_json::to_string(&intent.folder.0).map_err(unwritable)?),
        uid_validity: Set(i64::from(intent.uid_validity.0)),
        uid_next: Set(i64::from(intent.uid_next)),
        messages: Set(serde_json::to_string(&messages).map_err(unwritable)?),
    })
}

/// The intent of a row.
pub(crate) fn open_intent(account: AccountId, row: intent::Model) -> Result<OpenIntent, LedgerError> {
    let place = format!("intent {}", row.id);
    let levels = serde_json::from_str(&row.folder).map_err(|_| damaged(&place, "folder", &row.folder))?;
    let rows: Vec<IntendedRow> =
        serde_json::from_str(&row.messages).map_err(|_| damaged(&place, "messages", &row.messages))?;
    let digest = |hex: &str| {
        blake3::Hash::from_hex(hex).map(|hash| *hash.as_bytes()).map_err(|_| damaged(&place, "digest", hex))
    };
    let number =
        |what, value: i64| u32::try_from(value).map_err(|_| damaged(&place, what, &value.to_string()));
    let message = |(message, size, octets, canonical, flags, object_id): IntendedRow| {
        Ok(Intended {
            uid: uid(&place, i64::from(message))?,
            size,
            digest: octets.as_deref().map(digest).transpose()?,
            canonical: digest(&canonical)?,
            flags,
            object_id,
        })
    };
    let intent = Intent {
        folder: FolderPath(levels),
        uid_validity: UidValidity(number("UIDVALIDITY", row.uid_validity)?),
        uid_next: number("UIDNEXT", row.uid_next)?,
        messages: rows.into_iter().map(message).collect::<Result<_, _>>()?,
    };
    Ok(OpenIntent { id: IntentId(row.id), account, epoch: EpochId(row.epoch_id), intent })
}

fn uid(place: &str, number: i64) -> Result<Uid, LedgerError> {
    u32::try_from(number).ok().and_then(Uid::new).ok_or_else(|| damaged(place, "UID", &number.to_string()))
}

fn state_text(state: State) -> &'static str {
    match state {
        State::Imported => "imported",
        State::Skipped => "skipped",
        State::Failed => "failed",
        State::Unreadable => "unreadable",
        State::Phantom => "phantom",
    }
}

fn state(place: &str, text: &str) -> Result<State, LedgerError> {
    match text {
        "imported" => Ok(State::Imported),
        "skipped" => Ok(State::Skipped),
        "failed" => Ok(State::Failed),
        "unreadable" => Ok(State::Unreadable),
        "phantom" => Ok(State::Phantom),
        _ => Err(damaged(place, "state", text)),
    }
}

fn damaged(place: &str, what: &str, value: &str) -> LedgerError {
    let start: String = value.chars().take(80).collect();
    LedgerError::Damaged(format!("{place} has the {what} {start:?}"))
}

fn unwritable(reason: impl ToString) -> LedgerError {
    LedgerError::Storage { action: "written", reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> message::Model {
        message::Model {
            epoch_id: 1,
            uid: 7,
            state: "imported".into(),
            identity: Some("1.M7Pa.mailimport".into()),
            size: Some(3),
            digest: Some(vec![0; 32]),
            flags: r#"["\\Seen"]"#.into(),
            object_id: None,
            cause: None,
        }
    }

    #[test]
    fn a_row_as_this_program_writes_it_is_read() {
        let record = message_record(row()).unwrap();
        assert_eq!((record.uid, record.state, record.size), (Uid::new(7).unwrap(), State::Imported, Some(3)));
        assert_eq!(record.flags, ["\\Seen"]);
    }

    #[test]
    fn a_row_that_this_program_does_not_write_is_damage_and_says_where() {
        type Harm = (&'static str, fn(&mut message::Model));
        let table: [Harm; 6] = [
            ("UID", |row| row.uid = 0),
            ("UID", |row| row.uid = 1 << 32),
            ("state", |row| row.state = "perhaps".into()),
            ("digest length", |row| row.digest = Some(vec![0; 31])),
            ("flags", |row| row.flags = "\\Seen".into()),
            ("cause", |row| row.cause = Some("{}".into())),
        ];
        for (what, change) in table {
            let mut damaged = row();
            change(&mut damaged);
            let error = message_record(damaged).unwrap_err();
            assert!(matches!(error, LedgerError::Damaged(_)), "{what}: {error}");
            assert!(error.to_string().contains(what) && error.to_string().contains("epoch 1"), "{error}");
        }
    }

    #[test]
    fn every_spelling_of_inbox_is_one_folder_and_other_names_keep_their_case() {
        let key = |name: &str| folder_key(&WireName::new(name));
        assert_eq!(key("INBOX"), key("Inbox"));
        assert_ne!(key("Archive"), key("archive"));
    }
}
