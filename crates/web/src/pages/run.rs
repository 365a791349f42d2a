//! A run: its card on the page *Mailimport*, its line among the finished ones, its own page with its imports.

use askama::Template;
use service::model::{Import, ImportState, Progress, Run, RunState, RunSummary, StateCounts};

use super::frame::{Frame, Live, Pager};
use super::mailimport::base_of;
use crate::charts;
use crate::html::Html;
use crate::names::shown;
use crate::words::{Chip, Words, number};

/// Numbers of a bar, in words.
pub(crate) struct Figures {
    pub(crate) percent: u8,
    pub(crate) percent_text: String,
    pub(crate) messages: String,
    pub(crate) octets: String,
    /// Only while something moves.
    pub(crate) speed: Option<String>,
    /// `about 10–15 minutes`.
    pub(crate) estimate: Option<String>,
    /// `about 10–15 minutes left`.
    pub(crate) remaining: Option<String>,
}

impl Figures {
    pub(crate) fn of(words: &Words, progress: &Progress, moves: Moves) -> Figures {
        let values = [("done", number(progress.messages_done)), ("n", number(progress.messages_total))];
        let messages = words.with("messages-of", &values).into_owned();
        let octets = match progress.octets_total {
            Some(total) if progress.percent() < 100 => {
                let (done, total) = (words.octets(progress.octets_done.min(total)), words.octets(total));
                words.with("octets-of", &[("done", done.into()), ("total", total.into())]).into_owned()
            }
            _ => words.octets(progress.octets_done),
        };
        let moving = moves == Moves::Yes;
        let estimate = progress.remaining.filter(|_| moving).map(|left| words.estimate(&left));
        Figures {
            percent: progress.percent(),
            percent_text: words.percent(progress.percent()),
            messages,
            octets,
            speed: moving.then(|| words.speed(progress.speed)),
            remaining: estimate.as_ref().map(|left| words.naming("time-left", left).into_owned()),
            estimate,
        }
    }
}

/// Whether speed and time left mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moves {
    Yes,
    No,
}

impl Moves {
    fn of(moving: bool) -> Moves {
        if moving { Moves::Yes } else { Moves::No }
    }
}

/// How many imports are in which state: `14 mailboxes: 9 done, 2 importing, 1 failed`.
pub(crate) fn state_counts(words: &Words, run: &RunSummary) -> String {
    let counts = &run.imports;
    let parts = [
        ("count-done", counts.done),
        ("count-done_with_exceptions", counts.done_with_exceptions),
        ("count-working", counts.working),
        ("count-retrying", counts.retrying),
        ("count-paused", counts.paused),
        ("count-waiting", counts.waiting),
        ("count-failed", counts.failed),
        ("count-cancelled", counts.cancelled),
    ];
    let told: Vec<_> = parts.iter().filter(|(_, n)| *n > 0).map(|(key, n)| words.count(key, *n)).collect();
    let values = [("n", number(mailboxes(run))), ("parts", told.join(", ").into())];
    words.with("count-mailboxes", &values).into_owned()
}

/// Imports of a run.
pub(crate) fn mailboxes(run: &RunSummary) -> u64 {
    Show::All.count(&run.imports)
}

/// What can be done with a run.
struct RunActions {
    pause: bool,
    resume: bool,
    cancel: bool,
    retry: bool,
    again: bool,
}

fn run_actions(run: &RunSummary) -> RunActions {
    let ended = !run.state.is_current();
    RunActions {
        pause: run.state == RunState::Running,
        resume: run.state == RunState::Paused,
        cancel: !ended,
        retry: ended && run.imports.failed + run.imports.cancelled > 0,
        again: ended,
    }
}

#[derive(Template)]
#[template(path = "run_card.html")]
struct RunCard<'a> {
    w: &'a Words,
    r: &'a RunSummary,
    chip: Chip,
    figures: Figures,
    counts: String,
    can: RunActions,
    title: String,
}

/// The card of a run; its id is `run-` and the run's.
pub(crate) fn run_card(words: &Words, run: &RunSummary) -> Html {
    let card = RunCard {
        w: words,
        r: run,
        chip: words.run_state(run),
        figures: Figures::of(words, &run.progress, Moves::of(run.state == RunState::Running)),
        counts: state_counts(words, run),
        can: run_actions(run),
        title: words.count("run-title", run.number).into_owned(),
    };
    Html::of(&card)
}

#[derive(Template)]
#[template(path = "run_line.html")]
struct RunLine<'a> {
    w: &'a Words,
    r: &'a RunSummary,
    title: String,
    chip: Chip,
    mailboxes: String,
    messages: String,
    octets: String,
    took: String,
}

/// The line of a finished run.
pub(crate) fn run_line(words: &Words, run: &RunSummary) -> Html {
    let took = run.finished_at.map(|end| words.duration(end.duration_since(run.started_at)));
    let line = RunLine {
        w: words,
        r: run,
        title: words.count("run-title", run.number).into_owned(),
        chip: words.run_state(run),
        mailboxes: words.number(mailboxes(run)),
        messages: words.number(run.progress.messages_done),
        octets: words.octets(run.progress.octets_done),
        took: took.unwrap_or_default(),
    };
    Html::of(&line)
}

/// Which imports of a run are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// All.
    #[default]
    All,
    /// Failed, waiting for the old server, or with exceptions.
    Attention,
    /// Waiting or at work.
    Open,
    /// Ended.
    Ended,
}

impl Show {
    /// Reads the value of `show` of an address.
    pub fn parse(text: &str) -> Show {
        match text {
            "attention" => Show::Attention,
            "open" => Show::Open,
            "ended" => Show::Ended,
            _ => Show::All,
        }
    }

    /// The value of `show`.
    pub fn as_str(self) -> &'static str {
        match self {
            Show::All => "all",
            Show::Attention => "attention",
            Show::Open => "open",
            Show::Ended => "ended",
        }
    }

    /// Whether an import is listed.
    pub fn includes(self, state: ImportState) -> bool {
        use ImportState as S;
        match self {
            Show::All => true,
            Show::Attention => matches!(state, S::Failed | S::Retrying | S::DoneWithExceptions),
            Show::Open => !state.is_final(),
            Show::Ended => state.is_final(),
        }
    }
}

impl Show {
    /// How many imports are listed.
    pub fn count(self, counts: &StateCounts) -> u64 {
        let ended = counts.done + counts.done_with_exceptions + counts.failed + counts.cancelled;
        let open = counts.waiting + counts.working + counts.retrying + counts.paused;
        match self {
            Show::All => ended + open,
            Show::Attention => counts.failed + counts.retrying + counts.done_with_exceptions,
            Show::Open => open,
            Show::Ended => ended,
        }
    }
}

/// The page of a run.
#[derive(Template)]
#[template(path = "run.html")]
pub struct RunPage {
    /// The frame.
    pub f: Frame,
    /// The run; of its imports those that are listed on this page.
    pub run: Run,
    /// Which imports are listed.
    pub show: Show,
    /// Links to the other pages of the list.
    pub pager: Pager,
}

/// A choice of imports.
pub(crate) struct ShowLink {
    pub(crate) href: String,
    pub(crate) text: String,
    pub(crate) current: bool,
}

impl RunPage {
    /// The page with live changes after `revision`.
    #[must_use]
    pub fn live_from(mut self, revision: i64) -> RunPage {
        if self.run.summary.state.is_current() {
            let address = format!("/runs/{}/events?show={}", self.run.summary.id, self.show.as_str());
            self.f.live = Some(Live { address, revision });
        }
        self
    }

    pub(crate) fn title(&self) -> String {
        run_title(&self.f.words, &self.run.summary)
    }

    pub(crate) fn heading(&self) -> String {
        self.f.words.count("run-title", self.run.summary.number).into_owned()
    }

    pub(crate) fn base(&self) -> String {
        base_of(&self.run.summary.domain_name)
    }

    pub(crate) fn overview(&self) -> Html {
        run_overview(&self.f.words, &self.run.summary, &self.run.samples)
    }

    pub(crate) fn pictures(&self) -> Html {
        run_pictures(&self.f.words, &self.run.summary, &self.run.samples)
    }

    pub(crate) fn row(&self, import: &Import) -> Html {
        import_row(&self.f.words, import)
    }

    pub(crate) fn filter(&self) -> Html {
        filter(&self.f.words, &self.run.summary, self.show)
    }
}

#[derive(Template)]
#[template(path = "filter.html")]
struct Filter<'a> {
    w: &'a Words,
    links: Vec<ShowLink>,
}

/// Which imports can be listed, and how many they are; its id is `filter`.
pub(crate) fn filter(words: &Words, run: &RunSummary, shown: Show) -> Html {
    let link = |(show, n): (Show, u64)| ShowLink {
        href: format!("/runs/{}?show={}", run.id, show.as_str()),
        text: words.count(&format!("show-{}", show.as_str()), n).into_owned(),
        current: shown == show,
    };
    let links = [Show::All, Show::Attention, Show::Open, Show::Ended]
        .map(|show| (show, show.count(&run.imports)))
        .into_iter()
        .filter(|(show, n)| *show == Show::All || *n > 0 || *show == shown)
        .map(link)
        .collect();
    Html::of(&Filter { w: words, links })
}

/// With the percentage in front while it works.
pub(crate) fn run_title(words: &Words, run: &RunSummary) -> String {
    let page = format!("{} – {}", words.count("run-title", run.number), shown(&run.domain_name));
    match run.state {
        RunState::Running => format!("{} – {page}", words.percent(run.progress.percent())),
        _ => format!("{} – {page}", words.run_state(run).text),
    }
}

#[derive(Template)]
#[template(path = "run_overview.html")]
struct RunOverview<'a> {
    w: &'a Words,
    r: &'a RunSummary,
    chip: Chip,
    figures: Figures,
    counts: String,
    spark: Html,
    can: RunActions,
    took: Option<String>,
    title: String,
}

/// The head of a run's page: bar, numbers, what can be done; its id is `overview`.
pub(crate) fn run_overview(words: &Words, run: &RunSummary, samples: &[service::model::Sample]) -> Html {
    let running = run.state == RunState::Running;
    let overview = RunOverview {
        w: words,
        r: run,
        chip: words.run_state(run),
        figures: Figures::of(words, &run.progress, Moves::of(running)),
        counts: state_counts(words, run),
        spark: if running { charts::sparkline(words, samples) } else { Html::EMPTY },
        can: run_actions(run),
        took: run.finished_at.map(|end| words.duration(end.duration_since(run.started_at))),
        title: words.count("run-title", run.number).into_owned(),
    };
    Html::of(&overview)
}

/// The charts of a run; their id is `pictures`.
pub(crate) fn run_pictures(words: &Words, run: &RunSummary, samples: &[service::model::Sample]) -> Html {
    super::import::pictures_of(charts::curves(words, samples, run.progress.octets_total), Html::EMPTY)
}

/// What can be done with an import.
pub(crate) struct ImportActions {
    pub(crate) pause: bool,
    pub(crate) resume: bool,
    pub(crate) cancel: bool,
}

pub(crate) fn import_actions(import: &Import) -> ImportActions {
    let paused = import.state == ImportState::Paused;
    let ended = import.state.is_final();
    ImportActions { pause: !paused && !ended, resume: paused, cancel: !ended }
}

#[derive(Template)]
#[template(path = "import_row.html")]
struct ImportRow<'a> {
    w: &'a Words,
    i: &'a Import,
    chip: Chip,
    figures: Figures,
    known: bool,
    sentence: Option<String>,
    can: ImportActions,
}

/// A row of a run's imports; its id is `import-` and the import's.
pub(crate) fn import_row(words: &Words, import: &Import) -> Html {
    let row = ImportRow {
        w: words,
        i: import,
        chip: words.import_state(import),
        figures: Figures::of(words, &import.progress, moves(import)),
        known: import.progress.messages_total > 0 || import.state.is_final(),
        sentence: sentence(words, import),
        can: import_actions(import),
    };
    Html::of(&row)
}

/// Whether speed and time left of an import mean something.
pub(crate) fn moves(import: &Import) -> Moves {
    Moves::of(import.state == ImportState::Copying)
}

/// Why it failed or waits; what heals by itself is told only while it is waited for.
pub(crate) fn sentence(words: &Words, import: &Import) -> Option<String> {
    let failure = import.failure.as_ref()?;
    let shown = matches!(import.state, ImportState::Failed | ImportState::Retrying | ImportState::Paused);
    shown.then(|| words.failure(failure))
}
