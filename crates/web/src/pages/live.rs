//! What is told to a page that is being looked at: the parts of it that changed, rendered anew.
//!
//! A part is found by its id. The sentence for a screen reader is one for the whole list, never one for each row.

use serde::Serialize;
use service::Readiness;
use service::model::{Domain, Entry, EntryId, Import, RunSummary, Sample};

use super::run::Show;
use super::{entry, import, mailimport, run};
use crate::words::Words;

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// The id of its element.
    pub id: String,
    /// The element; empty when it is gone.
    pub html: String,
}

/// An event of a page's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Everything up to here is told; also the event's `id`.
    pub revision: i64,
    /// What changed.
    pub fragments: Vec<Fragment>,
    /// The page's new title; empty when it stays.
    pub title: String,
    /// What a screen reader is told: how many are in which state, so that it stays the same while only numbers move.
    pub announce: String,
}

/// The row of an entry.
pub fn fragment_entry(words: &Words, domain: &str, entry: &Entry) -> Fragment {
    let html = entry::entry_row(words, domain, entry).into_string();
    Fragment { id: format!("entry-{}", entry.id), html }
}

/// An entry that is gone.
pub fn fragment_removed(id: EntryId) -> Fragment {
    Fragment { id: format!("entry-{id}"), html: String::new() }
}

/// The counts of the prepared list and the start button.
pub fn fragment_summary(words: &Words, domain: &str, readiness: &Readiness) -> Fragment {
    Fragment { id: "summary".to_owned(), html: mailimport::summary(words, domain, readiness).into_string() }
}

/// A run on the page *Mailimport*: its card while it works, its line among the finished ones afterwards.
pub fn fragments_run(words: &Words, run: &RunSummary) -> Vec<Fragment> {
    let card = format!("run-{}", run.id);
    if run.state.is_current() {
        return vec![Fragment { id: card, html: run::run_card(words, run).into_string() }];
    }
    let line = run::run_line(words, run).into_string();
    let gone = Fragment { id: card, html: String::new() };
    vec![Fragment { id: format!("finished-{}", run.id), html: line }, gone]
}

/// The head of a run's page.
pub fn fragment_run_overview(words: &Words, run: &RunSummary, samples: &[Sample]) -> Fragment {
    Fragment { id: "overview".to_owned(), html: run::run_overview(words, run, samples).into_string() }
}

/// The row of an import on its run's page, which lists those that `show` includes.
pub fn fragment_import_row(words: &Words, import: &Import, show: Show) -> Fragment {
    let row = show.includes(import.state).then(|| run::import_row(words, import).into_string());
    Fragment { id: format!("import-{}", import.id), html: row.unwrap_or_default() }
}

/// The parts of an import's page: head, charts, folders.
pub fn fragments_import(words: &Words, import: &Import) -> Vec<Fragment> {
    let part = |id: &str, html: crate::html::Html| Fragment { id: id.to_owned(), html: html.into_string() };
    vec![
        part("overview", import::import_overview(words, import)),
        part("pictures", import::pictures(words, import)),
        part("folders", import::folders(words, import)),
    ]
}

/// What changed on the page *Mailimport*.
#[derive(Debug, Clone, Copy)]
pub struct DomainChanges<'a> {
    /// Everything up to here is told.
    pub revision: i64,
    /// Entries that are new or changed.
    pub entries: &'a [Entry],
    /// Entries that are gone.
    pub removed: &'a [EntryId],
    /// Runs that are new or changed.
    pub runs: &'a [RunSummary],
    /// Whether the list can be started now.
    pub readiness: &'a Readiness,
}

/// The event for the page *Mailimport*.
pub fn domain_event(words: &Words, domain: &Domain, changes: DomainChanges<'_>) -> Event {
    let mut fragments: Vec<Fragment> =
        changes.entries.iter().map(|entry| fragment_entry(words, &domain.name, entry)).collect();
    fragments.extend(changes.removed.iter().map(|id| fragment_removed(*id)));
    let list_changed = !fragments.is_empty();
    if list_changed {
        fragments.push(fragment_summary(words, &domain.name, changes.readiness));
    }
    fragments.extend(changes.runs.iter().flat_map(|run| fragments_run(words, run)));
    let announce = match changes.runs.first() {
        _ if list_changed => mailimport::counts(words, changes.readiness),
        Some(run) if run.state.is_current() => run::state_counts(words, run),
        Some(ended) => run::run_title(words, ended),
        None => String::new(),
    };
    let title = match changes.runs {
        [] => String::new(),
        runs => mailimport::title(words, &domain.name, runs),
    };
    Event { revision: changes.revision, fragments, title, announce }
}

/// What changed on a run's page.
#[derive(Debug, Clone, Copy)]
pub struct RunChanges<'a> {
    /// Everything up to here is told.
    pub revision: i64,
    /// The run.
    pub run: &'a RunSummary,
    /// Its curve.
    pub samples: &'a [Sample],
    /// Imports that changed.
    pub imports: &'a [Import],
    /// Which imports the page lists.
    pub show: Show,
}

/// The event for a run's page.
pub fn run_event(words: &Words, changes: RunChanges<'_>) -> Event {
    let RunChanges { revision, run, samples, imports, show } = changes;
    let pictures = run::run_pictures(words, run, samples).into_string();
    let mut fragments = vec![
        fragment_run_overview(words, run, samples),
        Fragment { id: "pictures".to_owned(), html: pictures },
        Fragment { id: "filter".to_owned(), html: run::filter(words, run, show).into_string() },
    ];
    fragments.extend(imports.iter().map(|import| fragment_import_row(words, import, show)));
    Event { revision, fragments, title: run::run_title(words, run), announce: run::state_counts(words, run) }
}

/// The event for an import's page.
pub fn import_event(words: &Words, import: &Import) -> Event {
    Event {
        revision: import.revision,
        fragments: fragments_import(words, import),
        title: import::import_title(words, import),
        announce: words.import_state(import).text,
    }
}
