//! From a row to what is shown of it.

use store::tables::entry;

use crate::clock::time;
use crate::model::{DomainId, Entry, EntryId, EntryState};

const STATES: [(EntryState, &str); 5] = [
    (EntryState::Invalid, "invalid"),
    (EntryState::Queued, "queued"),
    (EntryState::Checking, "checking"),
    (EntryState::Verified, "verified"),
    (EntryState::CheckFailed, "check_failed"),
];

pub(crate) fn state_text(state: EntryState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("invalid", |(_, text)| text)
}

/// A state that this program does not write is shown as one that cannot be started.
pub(crate) fn state_from(text: &str) -> EntryState {
    STATES.iter().find(|(_, known)| *known == text).map_or(EntryState::Invalid, |(state, _)| *state)
}

pub(crate) fn entry_view(row: entry::Model) -> Entry {
    Entry {
        id: EntryId(row.id),
        domain: DomainId(row.domain_id),
        number: row.number.cast_unsigned(),
        server: row.server,
        username: row.username,
        has_password: row.password.is_some(),
        mailbox: row.mailbox,
        has_mailbox_password: row.mailbox_password.is_some(),
        state: state_from(&row.state),
        problems: serde_json::from_str(&row.problems).unwrap_or_default(),
        notes: serde_json::from_str(&row.notes).unwrap_or_default(),
        check: row.outcome.and_then(|outcome| serde_json::from_str(&outcome).ok()),
        revision: row.revision,
        updated_at: time(row.updated_at),
    }
}
