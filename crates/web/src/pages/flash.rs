//! What the last action did, told once at the top of the next page.

use askama::Template;
use serde::{Deserialize, Serialize};
use service::model::Problem;

use crate::html::Html;
use crate::words::{Tone, Words, number};

/// What an action did. It holds no secret, so that it may travel in a cookie or a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Flash {
    /// An entry was added; its check has begun.
    EntryAdded {
        /// Its mailbox.
        mailbox: String,
    },
    /// An entry was added and cannot be used as it is.
    EntryAddedInvalid {
        /// Its mailbox.
        mailbox: String,
    },
    /// An entry was changed; its check has begun.
    EntrySaved {
        /// Its mailbox.
        mailbox: String,
    },
    /// An entry was changed and still cannot be used as it is.
    EntrySavedInvalid {
        /// Its mailbox.
        mailbox: String,
    },
    /// An entry was removed.
    EntryRemoved {
        /// Its mailbox.
        mailbox: String,
    },
    /// Entries with errors were removed.
    FailedRemoved {
        /// How many.
        count: u64,
    },
    /// Checks have begun again.
    CheckingAgain {
        /// How many.
        count: u64,
    },
    /// A CSV file was added.
    CsvAdded {
        /// Entries that are new.
        added: u64,
        /// Of these, with problems.
        with_problems: u64,
        /// Rows that were there already.
        duplicates: u64,
        /// What concerns the whole file.
        notes: Vec<Problem>,
    },
    /// A mailimport was started.
    RunStarted {
        /// Mailboxes in it.
        mailboxes: u64,
    },
    /// A run was paused.
    RunPaused,
    /// A run goes on.
    RunResumed,
    /// A run was cancelled.
    RunCancelled,
    /// An import was paused.
    ImportPaused,
    /// An import goes on.
    ImportResumed,
    /// An import was cancelled.
    ImportCancelled,
    /// Language, look or e-mail were saved.
    PreferencesSaved,
    /// How to be told was saved.
    NoticesSaved,
    /// A test is on its way.
    NoticeTestSent,
    /// The password is a new one.
    PasswordChanged,
    /// A second factor is asked for from now on.
    TotpAdded,
    /// No second factor any more.
    TotpRemoved,
    /// A token was revoked.
    TokenRevoked {
        /// Its name.
        name: String,
    },
    /// A customer may no longer sign in.
    CustomerDisabled {
        /// Whose name.
        name: String,
    },
    /// A customer may sign in again.
    CustomerEnabled {
        /// Whose name.
        name: String,
    },
    /// A domain was added.
    DomainAdded {
        /// Its name.
        name: String,
    },
    /// A domain was removed.
    DomainRemoved {
        /// Its name.
        name: String,
    },
    /// Signed out.
    SignedOut,
}

#[derive(Template)]
#[template(path = "flash.html")]
struct FlashTemplate {
    tone: Tone,
    sentence: String,
    notes: Vec<String>,
}

impl Flash {
    /// The message as it stands on the page.
    pub(crate) fn shown(&self, words: &Words) -> Html {
        let notes = match self {
            Flash::CsvAdded { with_problems, duplicates, notes, .. } => {
                csv_notes(words, *with_problems, *duplicates, notes)
            }
            _ => Vec::new(),
        };
        Html::of(&FlashTemplate { tone: self.tone(), sentence: self.sentence(words), notes })
    }

    fn tone(&self) -> Tone {
        match self {
            Flash::EntryAddedInvalid { .. } | Flash::EntrySavedInvalid { .. } => Tone::Attention,
            Flash::CsvAdded { with_problems, notes, added, .. } => {
                let clean = *with_problems == 0 && notes.is_empty() && *added > 0;
                if clean { Tone::Good } else { Tone::Attention }
            }
            _ => Tone::Good,
        }
    }

    fn sentence(&self, words: &Words) -> String {
        let said = match self {
            Flash::EntryAdded { mailbox } => words.naming("flash-entry-added", mailbox),
            Flash::EntryAddedInvalid { mailbox } => words.naming("flash-entry-added-invalid", mailbox),
            Flash::EntrySaved { mailbox } => words.naming("flash-entry-saved", mailbox),
            Flash::EntrySavedInvalid { mailbox } => words.naming("flash-entry-saved-invalid", mailbox),
            Flash::EntryRemoved { mailbox } => words.naming("flash-entry-removed", mailbox),
            Flash::FailedRemoved { count } => words.count("flash-failed-removed", *count),
            Flash::CheckingAgain { count } => words.count("flash-checking-again", *count),
            Flash::CsvAdded { added, .. } => words.count("flash-csv-added", *added),
            Flash::RunStarted { mailboxes } => words.count("flash-run-started", *mailboxes),
            Flash::RunPaused => words.say("flash-run-paused"),
            Flash::RunResumed => words.say("flash-run-resumed"),
            Flash::RunCancelled => words.say("flash-run-cancelled"),
            Flash::ImportPaused => words.say("flash-import-paused"),
            Flash::ImportResumed => words.say("flash-import-resumed"),
            Flash::ImportCancelled => words.say("flash-import-cancelled"),
            Flash::PreferencesSaved => words.say("flash-preferences-saved"),
            Flash::NoticesSaved => words.say("flash-notices-saved"),
            Flash::NoticeTestSent => words.say("flash-notice-test-sent"),
            Flash::PasswordChanged => words.say("flash-password-changed"),
            Flash::TotpAdded => words.say("flash-totp-added"),
            Flash::TotpRemoved => words.say("flash-totp-removed"),
            Flash::TokenRevoked { name } => words.naming("flash-token-revoked", name),
            Flash::CustomerDisabled { name } => words.naming("flash-customer-disabled", name),
            Flash::CustomerEnabled { name } => words.naming("flash-customer-enabled", name),
            Flash::DomainAdded { name } => words.naming("flash-domain-added", name),
            Flash::DomainRemoved { name } => words.naming("flash-domain-removed", name),
            Flash::SignedOut => words.say("flash-signed-out"),
        };
        said.into_owned()
    }
}

fn csv_notes(words: &Words, with_problems: u64, duplicates: u64, notes: &[Problem]) -> Vec<String> {
    let mut said = Vec::new();
    if with_problems > 0 {
        said.push(words.count("flash-csv-with-problems", with_problems).into_owned());
    }
    // The file's own note on duplicates names their lines; the number may hold more that were in the list already.
    let named = notes.iter().find(|note| note.code == "csv_duplicates");
    let in_file = named.and_then(|note| note.args.get("count")).and_then(|count| count.parse::<u64>().ok());
    let in_list = duplicates.saturating_sub(in_file.unwrap_or(0));
    if in_list > 0 {
        said.push(words.with("flash-csv-in-list", &[("n", number(in_list))]).into_owned());
    }
    said.extend(notes.iter().map(|note| words.problem(note)));
    said
}
