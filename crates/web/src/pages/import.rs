//! One import: what it is doing, its folders, and at the end its report.

use askama::Template;
use service::model::{Import, ImportState};

use super::frame::{Frame, Live};
use super::mailimport::base_of;
use super::report;
use super::run::{Figures, ImportActions, import_actions, moves, sentence};
use crate::charts::{self, FolderSize};
use crate::html::Html;
use crate::names::shown;
use crate::words::{Chip, Words, number};

/// The page of an import.
#[derive(Template)]
#[template(path = "import.html")]
pub struct ImportPage {
    /// The frame.
    pub f: Frame,
    /// The import with its folders, its curve and its report.
    pub import: Import,
}

impl ImportPage {
    /// The page with live changes after `revision`.
    #[must_use]
    pub fn live_from(mut self, revision: i64) -> ImportPage {
        if !self.import.state.is_final() {
            self.f.live = Some(Live { address: format!("/imports/{}/events", self.import.id), revision });
        }
        self
    }

    pub(crate) fn title(&self) -> String {
        import_title(&self.f.words, &self.import)
    }

    pub(crate) fn domain(&self) -> &str {
        self.import.mailbox.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    pub(crate) fn base(&self) -> String {
        base_of(self.domain())
    }

    pub(crate) fn overview(&self) -> Html {
        import_overview(&self.f.words, &self.import)
    }

    pub(crate) fn pictures(&self) -> Html {
        pictures(&self.f.words, &self.import)
    }

    pub(crate) fn folders(&self) -> Html {
        folders(&self.f.words, &self.import)
    }

    pub(crate) fn report(&self) -> Html {
        match &self.import.report {
            Some(report) => report::body(&self.f.words, report, report::Long::Cut),
            None => Html::EMPTY,
        }
    }
}

/// With the percentage in front while it works.
pub(crate) fn import_title(words: &Words, import: &Import) -> String {
    let page = format!("{} – mailimport", shown(&import.mailbox));
    match import.state {
        ImportState::Copying => format!("{} – {page}", words.percent(import.progress.percent())),
        _ => format!("{} – {page}", words.import_state(import).text),
    }
}

#[derive(Template)]
#[template(path = "import_overview.html")]
struct ImportOverview<'a> {
    w: &'a Words,
    i: &'a Import,
    chip: Chip,
    figures: Figures,
    sentence: Option<String>,
    spark: Html,
    can: ImportActions,
    took: Option<String>,
    takeovers: Option<String>,
}

/// The head of an import's page; its id is `overview`.
pub(crate) fn import_overview(words: &Words, import: &Import) -> Html {
    let copying = import.state == ImportState::Copying;
    let took = import.started_at.zip(import.finished_at).map(|(from, to)| to.duration_since(from));
    let overview = ImportOverview {
        w: words,
        i: import,
        chip: words.import_state(import),
        figures: Figures::of(words, &import.progress, moves(import)),
        sentence: sentence(words, import),
        spark: if copying { charts::sparkline(words, &import.samples) } else { Html::EMPTY },
        can: import_actions(import),
        took: took.map(|took| words.duration(took)),
        takeovers: (import.takeovers > 0)
            .then(|| words.count("takeovers", u64::from(import.takeovers)).into_owned()),
    };
    Html::of(&overview)
}

#[derive(Template)]
#[template(path = "pictures.html")]
struct Pictures {
    curves: Html,
    sizes: Html,
}

/// The charts; their id is `pictures`.
pub(crate) fn pictures(words: &Words, import: &Import) -> Html {
    let size =
        |name: &str, octets: u64, messages: u64| FolderSize { name: name.to_owned(), octets, messages };
    let sizes = match &import.report {
        Some(report) if import.folders.is_empty() => {
            report.folders.iter().map(|f| size(&f.source, f.counts.bytes, f.counts.listed)).collect()
        }
        _ => import
            .folders
            .iter()
            .map(|f| size(&f.name, f.octets_total.unwrap_or(f.octets_done), f.messages_total))
            .collect(),
    };
    let curves = charts::curves(words, &import.samples, import.progress.octets_total);
    pictures_of(curves, charts::folders_by_size(words, sizes))
}

/// Charts in their frame.
pub(crate) fn pictures_of(curves: Html, sizes: Html) -> Html {
    Html::of(&Pictures { curves, sizes })
}

/// A folder while it is imported.
struct FolderRow {
    name: String,
    destination: Option<String>,
    messages: String,
    octets: String,
    percent: u64,
    percent_text: String,
    tone: &'static str,
    label: String,
}

#[derive(Template)]
#[template(path = "folders.html")]
struct Folders<'a> {
    w: &'a Words,
    rows: Vec<FolderRow>,
}

/// The folders while the import works; the report's table takes their place. Their id is `folders`.
pub(crate) fn folders(words: &Words, import: &Import) -> Html {
    let rows = if import.report.is_some() { Vec::new() } else { folder_rows(words, import) };
    Html::of(&Folders { w: words, rows })
}

fn folder_rows(words: &Words, import: &Import) -> Vec<FolderRow> {
    let row = |folder: &service::model::FolderProgress| {
        let done = folder.messages_done >= folder.messages_total;
        let percent = match (done, folder.octets_total) {
            (true, _) => 100,
            (false, Some(total)) if total > 0 => (folder.octets_done.saturating_mul(100) / total).min(99),
            _ => folder.messages_done.saturating_mul(100) / folder.messages_total.max(1),
        };
        let values = [("done", number(folder.messages_done)), ("n", number(folder.messages_total))];
        FolderRow {
            name: folder.name.clone(),
            destination: (folder.name != folder.destination).then(|| folder.destination.clone()),
            messages: words.with("messages-of", &values).into_owned(),
            octets: words.octets(folder.octets_total.unwrap_or(folder.octets_done)),
            percent,
            percent_text: words.percent(percent.min(100) as u8),
            tone: if done { "good" } else { "busy" },
            label: words.naming("progress-of", &folder.name).into_owned(),
        }
    };
    import.folders.iter().map(row).collect()
}
