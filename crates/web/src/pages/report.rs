//! The report of an import for people: on its page, and as one file to keep, send or print.

use askama::Template;
use engine::report::{Counts, Exception, Report, Verdict};
use service::model::Import;

use crate::html::Html;
use crate::words::{Chip, Words, number};

/// Exceptions that a page lists; all of them stand in the file and in CSV and JSON.
const SHOWN: usize = 50;

/// Whether long lists are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Long {
    Cut,
    Whole,
}

/// A line of the account: what became of how many messages.
struct CountLine {
    name: String,
    why: String,
    n: String,
}

struct FolderRow {
    name: String,
    destination: Option<String>,
    listed: String,
    imported: String,
    there: String,
    missing: String,
    complete: bool,
}

struct ExceptionRow {
    folder: String,
    subject: String,
    from: String,
    date: String,
    size: String,
    why: String,
    retry: String,
}

/// A folder with a sentence about it.
struct Told {
    folder: String,
    text: String,
}

#[derive(Template)]
#[template(path = "report_body.html")]
struct ReportBody<'a> {
    w: &'a Words,
    chip: Chip,
    sentence: String,
    verified: Option<String>,
    counts: Vec<CountLine>,
    listed: String,
    balances: bool,
    exceptions: Vec<ExceptionRow>,
    more: Option<String>,
    renamed: Vec<Told>,
    left_out: Vec<Told>,
    notes: Vec<Told>,
    folders: Vec<FolderRow>,
}

/// The report itself, without a head.
pub(crate) fn body(words: &Words, report: &Report, long: Long) -> Html {
    let shown = if long == Long::Cut { SHOWN } else { usize::MAX };
    let hidden = report.exceptions.len().saturating_sub(shown);
    let told = |folder: &str, text: String| Told { folder: folder.to_owned(), text };
    let renamed = |r: &engine::report::RenamedFolder| {
        told(
            &r.source,
            format!("{}. {}", words.naming("saved-as", &r.destination), words.engine_reason(&r.why)),
        )
    };
    let body = ReportBody {
        w: words,
        chip: words.verdict(report.verdict),
        sentence: verdict_sentence(words, report),
        verified: verified(words, report),
        counts: count_lines(words, &report.totals),
        listed: words.number(report.totals.listed),
        balances: report.totals.balances(),
        exceptions: report.exceptions.iter().take(shown).map(|e| exception_row(words, e)).collect(),
        more: (hidden > 0).then(|| words.count("exceptions-more", hidden as u64).into_owned()),
        renamed: report.renamed_folders.iter().map(renamed).collect(),
        left_out: report.left_out.iter().map(|(f, why)| told(f, words.engine_reason(why))).collect(),
        notes: report.notes.iter().map(|note| told(&note.folder, words.note(note))).collect(),
        folders: report.folders.iter().map(|folder| folder_row(words, folder)).collect(),
    };
    Html::of(&body)
}

fn verdict_sentence(words: &Words, report: &Report) -> String {
    let n = report.exceptions.len() as u64;
    let said = match report.verdict {
        Verdict::Complete => words.count("verdict-complete-says", report.totals.listed),
        Verdict::CompleteWithExceptions => words.count("verdict-exceptions-says", n),
        Verdict::Incomplete => words.say("verdict-incomplete-says"),
    };
    said.into_owned()
}

fn verified(words: &Words, report: &Report) -> Option<String> {
    let v = &report.verification;
    (v.compared > 0).then(|| {
        let values = [("n", number(v.compared)), ("different", number(v.different))];
        words.with("report-verified", &values).into_owned()
    })
}

/// What became of the listed messages; only what happened.
fn count_lines(words: &Words, counts: &Counts) -> Vec<CountLine> {
    [
        ("imported", counts.imported),
        ("already_there", counts.already_there),
        ("removed_by_user", counts.removed_by_user),
        ("skipped", counts.skipped),
        ("failed", counts.failed),
        ("unreadable", counts.unreadable),
        ("phantom", counts.phantom),
    ]
    .into_iter()
    .filter(|(name, n)| *n > 0 || *name == "imported")
    .map(|(name, n)| CountLine {
        name: words.say(&format!("tally-{name}")).into_owned(),
        why: words.say(&format!("tally-{name}-why")).into_owned(),
        n: words.number(n),
    })
    .collect()
}

fn folder_row(words: &Words, folder: &engine::report::FolderLine) -> FolderRow {
    let counts = &folder.counts;
    let missing = counts.failed + counts.unreadable;
    FolderRow {
        name: folder.source.clone(),
        destination: (folder.source != folder.destination).then(|| folder.destination.clone()),
        listed: words.number(counts.listed),
        imported: words.number(counts.imported),
        there: words.number(counts.already_there),
        missing: words.number(missing),
        complete: missing == 0,
    }
}

fn exception_row(words: &Words, exception: &Exception) -> ExceptionRow {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    ExceptionRow {
        folder: exception.folder.clone(),
        subject: match (&exception.subject, exception.uid) {
            (Some(subject), _) => subject.clone(),
            (None, Some(uid)) => words.count("exception-message", u64::from(uid)).into_owned(),
            (None, None) => words.say("exception-folder").into_owned(),
        },
        from: text(&exception.from),
        date: exception.date.as_deref().map(|date| sent(words, date)).unwrap_or_default(),
        size: exception.size.map(|size| words.octets(size)).unwrap_or_default(),
        why: words.exception(exception),
        retry: words.say(if exception.retryable { "retry-helps" } else { "retry-useless" }).into_owned(),
    }
}

/// The date of a message as the language writes it, or as the message has it where it makes no sense.
fn sent(words: &Words, date: &str) -> String {
    match jiff::fmt::rfc2822::parse(date) {
        Ok(date) => words.moment(date.timestamp()),
        Err(_) => date.to_owned(),
    }
}

/// The report as one file to keep: no address, script or picture of elsewhere in it. It is sent as an attachment, because
/// its style stands inside it.
#[derive(Template)]
#[template(path = "report_file.html")]
pub struct ReportFile {
    /// Language and time zone.
    pub words: Words,
    /// The import.
    pub import: Import,
    /// Its report.
    pub report: Report,
}

impl ReportFile {
    /// A name for the file.
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "@.-_".contains(c) { c } else { '_' };
        format!("mailimport-{}.html", self.import.mailbox.chars().map(plain).collect::<String>())
    }

    pub(crate) fn style(&self) -> Html {
        Html::made(include_str!("../../assets/report.css").to_owned())
    }

    pub(crate) fn sprite(&self) -> Html {
        Html::made(include_str!("../../templates/sprite.html").to_owned())
    }

    pub(crate) fn body(&self) -> Html {
        body(&self.words, &self.report, Long::Whole)
    }

    pub(crate) fn took(&self) -> String {
        self.words.duration(self.report.finished_at.duration_since(self.report.started_at))
    }
}
