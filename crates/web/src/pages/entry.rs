//! One entry: its row in the prepared list, the page to correct it, the page that asks before it is removed.

use askama::Template;
use service::model::{Entry, EntryState, FoundBy, FoundServer, Problem};

use super::field;
use super::frame::Frame;
use super::mailimport::{EntryValues, Focus, Passwords, base_of, entry_form};
use crate::html::Html;
use crate::names::shown;
use crate::words::{Chip, Words};

#[derive(Template)]
#[template(path = "entry_row.html")]
struct EntryRow<'a> {
    w: &'a Words,
    e: &'a Entry,
    base: String,
    name: String,
    chip: Chip,
    seen: Option<String>,
    trouble: Trouble,
    server: String,
    notes: Vec<String>,
}

/// What is wrong with an entry, in words.
struct Trouble {
    /// What cannot be used, or what the check found.
    sentences: Vec<String>,
    /// What the old provider asks for.
    hint: Option<String>,
    /// The provider's own page.
    help: Option<String>,
    /// For the administrator.
    detail: Option<String>,
}

/// A row of the prepared list; its id is `entry-` and the entry's.
pub(crate) fn entry_row(words: &Words, domain: &str, entry: &Entry) -> Html {
    let row = EntryRow {
        w: words,
        e: entry,
        base: base_of(domain),
        name: name(words, domain, entry),
        chip: words.entry_state(entry.state),
        seen: words.seen(entry),
        trouble: trouble(words, entry),
        server: server(words, entry),
        notes: notes(words, entry),
    };
    Html::of(&row)
}

/// What an entry is called: its mailbox, or its number where it has none.
pub(crate) fn name(words: &Words, domain: &str, entry: &Entry) -> String {
    match entry.mailbox.as_str() {
        "" => words.count("entry-number", entry.number).into_owned(),
        mailbox => format!("{mailbox}@{}", shown(domain)),
    }
}

fn trouble(words: &Words, entry: &Entry) -> Trouble {
    let mut trouble = Trouble { sentences: Vec::new(), hint: None, help: None, detail: None };
    if entry.state == EntryState::Invalid {
        trouble.sentences = entry.problems.iter().map(|problem| words.problem(problem)).collect();
    }
    let Some(check) = entry.check.as_ref().filter(|_| entry.state == EntryState::CheckFailed) else {
        return trouble;
    };
    if let Some(failure) = &check.failure {
        trouble.sentences.push(words.failure(failure));
        trouble.detail.clone_from(&failure.detail);
    }
    let provider = check.server.as_ref().and_then(|server| server.provider.as_deref());
    trouble.hint = check.hint.map(|hint| words.hint(hint, provider));
    // Only what a browser opens as a page; the table is ours, the check costs nothing.
    trouble.help = check.hint_url.clone().filter(|url| url.starts_with("https://"));
    trouble
}

/// The old server: as typed, or what was found, and how.
fn server(words: &Words, entry: &Entry) -> String {
    match entry.check.as_ref().and_then(|check| check.server.as_ref()) {
        Some(found @ FoundServer { by: FoundBy::Given, .. }) if entry.server.is_empty() => found.url.clone(),
        Some(FoundServer { by: FoundBy::Given, .. }) => entry.server.clone(),
        Some(found) => {
            let by = match &found.provider {
                Some(provider) => words.naming("found-named", provider).into_owned(),
                None => words.found_by(found.by),
            };
            format!("{} ({by})", found.url)
        }
        None if entry.server.is_empty() => words.say("server-to-be-found").into_owned(),
        None => entry.server.clone(),
    }
}

fn notes(words: &Words, entry: &Entry) -> Vec<String> {
    let mut notes: Vec<String> = entry.notes.iter().map(|note| words.problem(note)).collect();
    let exists = entry.check.as_ref().is_some_and(|check| check.mailbox_exists);
    if entry.state == EntryState::Verified && exists {
        notes.push(words.say("mailbox-exists").into_owned());
    }
    notes
}

/// The page to correct an entry.
#[derive(Template)]
#[template(path = "entry_edit.html")]
pub struct EntryEdit {
    /// The frame.
    pub f: Frame,
    /// The domain's name.
    pub domain: String,
    /// The entry as it is.
    pub entry: Entry,
    /// What was typed, where it could not be taken; otherwise what the entry holds.
    pub values: EntryValues,
    /// Why it could not be taken (`entry_duplicate`); the entry's own problems are shown anyway.
    pub problems: Vec<Problem>,
    /// Whether somebody else changed it meanwhile.
    pub meanwhile: Meanwhile,
}

/// Whether an entry was changed by somebody else while it was being corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// No.
    Unchanged,
    /// Yes: what is shown is theirs.
    Changed,
}

impl EntryEdit {
    /// The page with what the entry holds.
    pub fn new(f: Frame, domain: &str, entry: Entry) -> EntryEdit {
        let values = EntryValues {
            server: entry.server.clone(),
            username: entry.username.clone(),
            mailbox: entry.mailbox.clone(),
        };
        let domain = domain.to_owned();
        EntryEdit { f, domain, entry, values, problems: Vec::new(), meanwhile: Meanwhile::Unchanged }
    }

    pub(crate) fn name(&self) -> String {
        name(&self.f.words, &self.domain, &self.entry)
    }

    pub(crate) fn base(&self) -> String {
        base_of(&self.domain)
    }

    pub(crate) fn changed_meanwhile(&self) -> bool {
        self.meanwhile == Meanwhile::Changed
    }

    fn all_problems(&self) -> Vec<Problem> {
        let own = self.entry.problems.iter().filter(|_| self.entry.state == EntryState::Invalid);
        self.problems.iter().chain(own).cloned().collect()
    }

    pub(crate) fn summary_of_errors(&self) -> Html {
        field::summary(&self.f.words, &self.all_problems(), field::same_id)
    }

    /// What the check found.
    pub(crate) fn failure(&self) -> Html {
        if self.entry.state != EntryState::CheckFailed {
            return Html::EMPTY;
        }
        Html::of(&TroubleBox { w: &self.f.words, trouble: trouble(&self.f.words, &self.entry) })
    }

    pub(crate) fn form(&self) -> Html {
        let kept = if self.entry.has_password { Passwords::Kept } else { Passwords::New };
        entry_form(&self.f.words, &self.domain, &self.values, &self.all_problems(), kept, Focus::Nowhere)
    }
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroubleBox<'a> {
    w: &'a Words,
    trouble: Trouble,
}

/// The page that asks once before an entry is removed.
#[derive(Template)]
#[template(path = "entry_remove.html")]
pub struct EntryRemove {
    /// The frame.
    pub f: Frame,
    /// The domain's name.
    pub domain: String,
    /// The entry.
    pub entry: Entry,
}

impl EntryRemove {
    pub(crate) fn name(&self) -> String {
        name(&self.f.words, &self.domain, &self.entry)
    }

    pub(crate) fn base(&self) -> String {
        base_of(&self.domain)
    }
}
