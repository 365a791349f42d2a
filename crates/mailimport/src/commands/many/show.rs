//! Progress of many accounts on standard error: on a terminal a bar for each that works and one for all, plain lines
//! elsewhere, nothing with `--quiet`.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use service::model::{Import, ImportId, ImportState, Progress};

use crate::human::plain;
use crate::notice::notice;
use crate::quantity::{count, counted, size, time_between};

/// Between two plain lines about all.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Widest name of a mailbox beside its bar.
const NAME: usize = 32;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bars,
    Lines,
    Nothing,
}

/// Shows a list's progress.
pub(super) struct Show {
    style: Style,
    all: MultiProgress,
    /// The last line: all together.
    total: ProgressBar,
    state: Mutex<State>,
}

struct State {
    /// One bar for each import that works.
    bars: HashMap<ImportId, ProgressBar>,
    /// Told once how they ended.
    ended: HashMap<ImportId, ImportState>,
    last_line: Option<Instant>,
}

impl Show {
    /// For standard error as it is.
    pub(super) fn new(quiet: bool) -> Show {
        let style = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Style::Nothing,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        };
        let target =
            if style == Style::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        let total = all.add(bar());
        let state = State { bars: HashMap::new(), ended: HashMap::new(), last_line: None };
        Show { style, all, total, state: Mutex::new(state) }
    }

    /// What log lines must step around.
    pub(super) fn all(&self) -> &MultiProgress {
        &self.all
    }

    /// A line for people.
    pub(super) fn say(&self, what: &str) {
        if self.style != Style::Nothing {
            self.all.suspend(|| notice(plain(what)));
        }
    }

    /// So many of all connections are checked.
    pub(super) fn checking(&self, done: u64, all: u64) {
        self.total.set_length(all);
        self.total.set_position(done);
        self.total.set_message(format!("Checking connections: {} of {}", count(done), count(all)));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.style == Style::Lines && state.is_due() {
            notice(format_args!("Checking connections: {} of {}", count(done), count(all)));
        }
    }

    /// An import has changed.
    pub(super) fn import(&self, import: &Import) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if import.state.is_final() {
            if let Some(bar) = state.bars.remove(&import.id) {
                bar.finish_and_clear();
            }
            if state.ended.insert(import.id, import.state).is_none() {
                self.say(&format!("{}: {}", import.mailbox, ended(import)));
            }
            return;
        }
        if import.state == ImportState::Waiting || self.style != Style::Bars {
            return;
        }
        let bar = state.bars.entry(import.id).or_insert_with(|| self.all.insert_before(&self.total, bar()));
        bar.set_length(import.progress.messages_total);
        bar.set_position(import.progress.messages_done);
        bar.set_message(format!("{}  {}", name(&import.mailbox), line(import)));
    }

    /// All imports together.
    pub(super) fn run<'a>(&self, imports: impl Iterator<Item = &'a Import>) {
        let mut sum = Sum::default();
        imports.for_each(|import| sum.add(import));
        self.total.set_length(sum.messages.1);
        self.total.set_position(sum.messages.0);
        self.total.set_message(sum.line());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.style == Style::Lines && state.is_due() {
            notice(sum.line());
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bars.drain().for_each(|(_, bar)| bar.finish_and_clear());
        self.total.finish_and_clear();
    }
}

impl State {
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.last_line.is_none_or(|last| now.duration_since(last) >= LINE_EVERY);
        if due {
            self.last_line = Some(now);
        }
        due
    }
}

fn bar() -> ProgressBar {
    let template = ProgressStyle::with_template("{bar:10} {wide_msg}");
    ProgressBar::no_length().with_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Numbers of all accounts.
#[derive(Debug, Default)]
struct Sum {
    accounts: (u64, u64),
    messages: (u64, u64),
    octets: u64,
    speed: u64,
}

impl Sum {
    fn add(&mut self, import: &Import) {
        let progress = &import.progress;
        self.accounts.0 += u64::from(import.state.is_final());
        self.accounts.1 += 1;
        self.messages.0 += progress.messages_done;
        self.messages.1 += progress.messages_total;
        self.octets += progress.octets_done;
        self.speed += progress.speed;
    }

    fn line(&self) -> String {
        let accounts = counted(self.accounts.1, "account", "accounts");
        let messages = counted(self.messages.1, "message", "messages");
        let mut line = format!(
            "{} of {accounts}, {} of {messages}, {}",
            count(self.accounts.0),
            count(self.messages.0),
            size(self.octets)
        );
        if self.speed > 0 {
            line += &format!(", {}/s", size(self.speed));
        }
        line
    }
}

/// Messages, bytes, speed and time left of one account.
fn line(import: &Import) -> String {
    let progress = &import.progress;
    match import.state {
        ImportState::Creating => "creating the mailbox".to_owned(),
        ImportState::Scanning if progress.messages_total == 0 => "counting messages".to_owned(),
        ImportState::Retrying => {
            let why = import.failure.as_ref().map_or("", |failure| failure.message.as_str());
            format!("waiting: {}", plain(why))
        }
        ImportState::Paused => "paused".to_owned(),
        _ => numbers(progress),
    }
}

fn numbers(progress: &Progress) -> String {
    let mut line = format!(
        "{} of {}, {}",
        count(progress.messages_done),
        count(progress.messages_total),
        size(progress.octets_done)
    );
    if let Some(octets) = progress.octets_total {
        line += &format!(" of {}", size(octets));
    }
    if progress.speed > 0 {
        line += &format!(", {}/s", size(progress.speed));
    }
    if let Some(left) = progress.remaining {
        let (low, high) = (Duration::from_secs(left.low), Duration::from_secs(left.high));
        line += &format!(", {} left", time_between(low, high));
    }
    line
}

/// How an account ended, in a few words.
pub(super) fn ended(import: &Import) -> String {
    match import.state {
        ImportState::Done => {
            format!("done, {}", counted(import.progress.messages_done, "message", "messages"))
        }
        ImportState::DoneWithExceptions => {
            format!("done, {}", counted(import.exceptions, "exception", "exceptions"))
        }
        ImportState::Cancelled => "stopped".to_owned(),
        _ => format!("failed: {}", import.failure.as_ref().map_or("", |failure| failure.message.as_str())),
    }
}

fn name(mailbox: &str) -> String {
    let mut short: String = mailbox.chars().take(NAME).collect();
    if short.len() < mailbox.len() {
        short.pop();
        short.push('…');
    }
    format!("{short:NAME$}")
}
