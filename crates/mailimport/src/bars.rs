//! Progress on standard error: a bar on a terminal, plain lines now and then elsewhere, nothing with `--quiet`.
//!
//! Events come on the import's own path, so nothing here waits.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::progress::{Event, FolderTotals, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::notice::notice;
use crate::quantity::{counted, size, time_between};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often speed is measured, and how many measurements the time left is told from.
const MEASURE_EVERY: Duration = Duration::from_secs(2);
const MEASUREMENTS: usize = 15;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bar,
    Lines,
    Nothing,
}

/// Shows an import's progress.
pub(crate) struct Bars {
    style: Style,
    bar: ProgressBar,
    all: MultiProgress,
    state: Mutex<State>,
}

/// What has been heard so far.
#[derive(Debug)]
struct State {
    folders: Vec<Counted>,
    total_messages: u64,
    total_octets: Option<u64>,
    received: u64,
    folder: String,
    speeds: Speeds,
    last_line: Instant,
}

/// How far a folder is.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    messages: u64,
    octets: u64,
    total_messages: u64,
    total_octets: u64,
}

impl Bars {
    /// For standard error as it is.
    pub(crate) fn new(quiet: bool) -> Bars {
        let style = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Style::Nothing,
            (false, true) => Style::Bar,
            (false, false) => Style::Lines,
        };
        let target =
            if style == Style::Bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        let bar = all.add(ProgressBar::no_length());
        let template = ProgressStyle::with_template("{bar:10} {wide_msg}");
        bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        let state = State {
            folders: Vec::new(),
            total_messages: 0,
            total_octets: None,
            received: 0,
            folder: String::new(),
            speeds: Speeds::new(now),
            last_line: now,
        };
        Bars { style, bar, all, state: Mutex::new(state) }
    }

    /// What log lines must step around.
    pub(crate) fn all(&self) -> &MultiProgress {
        &self.all
    }

    /// Says what happens before the first number is known.
    pub(crate) fn say(&self, what: &str) {
        match self.style {
            Style::Bar => self.bar.set_message(what.to_owned()),
            Style::Lines => notice(what),
            Style::Nothing => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self, state: &mut State, now: Instant) {
        match self.style {
            Style::Bar => {
                self.bar.set_length(state.total_messages);
                self.bar.set_position(state.messages());
                self.bar.set_message(state.line(now));
            }
            Style::Lines if now.duration_since(state.last_line) >= LINE_EVERY => {
                state.last_line = now;
                notice(state.line(now));
            }
            Style::Lines | Style::Nothing => {}
        }
    }
}

impl State {
    fn messages(&self) -> u64 {
        self.folders.iter().map(|folder| folder.messages).sum()
    }

    fn octets(&self) -> u64 {
        self.folders.iter().map(|folder| folder.octets).sum()
    }

    fn add(&mut self, folder: usize, messages: u64, octets: u64) {
        if let Some(counted) = self.folders.get_mut(folder) {
            counted.messages += messages;
            counted.octets += octets;
        }
    }

    fn line(&self, now: Instant) -> String {
        let total = counted(self.total_messages, "message", "messages");
        let mut line =
            format!("{} of {total}, {}", crate::quantity::count(self.messages()), size(self.octets()));
        if let Some(octets) = self.total_octets {
            line += &format!(" of {}", size(octets));
        }
        if let Some(speed) = self.speeds.latest() {
            line += &format!(", {}/s", size(speed));
        }
        let left = self.total_octets.map(|total| total.saturating_sub(self.octets().max(self.received)));
        if let Some((shortest, longest)) = left.and_then(|left| self.speeds.time_left(left, now)) {
            line += &format!(", {} left", time_between(shortest, longest));
        }
        if !self.folder.is_empty() {
            line += &format!(", {}", self.folder);
        }
        line
    }
}

impl Progress for Bars {
    fn event(&self, event: &Event) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Surveyed { folders, messages, octets } => {
                (state.total_messages, state.total_octets) = (*messages, *octets);
                let begun = |folder: &FolderTotals| Counted {
                    total_messages: folder.messages,
                    total_octets: folder.octets.unwrap_or(0),
                    ..Counted::default()
                };
                state.folders = folders.iter().map(begun).collect();
                let messages = counted(*messages, "message", "messages");
                let of = octets.map_or(String::new(), |octets| format!(", {}", size(octets)));
                self.say(&format!(
                    "{messages} in {}{of}",
                    counted(folders.len() as u64, "folder", "folders")
                ));
            }
            Event::Folder { folder, name } => {
                if let Some(counted) = state.folders.get_mut(*folder) {
                    (counted.messages, counted.octets) = (0, 0);
                }
                state.folder = crate::human::plain(name);
                if self.style == Style::Lines {
                    notice(format_args!("Folder {}", state.folder));
                }
            }
            Event::Settled { folder, messages, octets } => {
                state.add(*folder, *messages, *octets);
                state.received += octets;
            }
            Event::Received { octets } => {
                state.received += octets;
                state.speeds.add(*octets, now);
            }
            Event::Delivered { folder, messages, octets } => state.add(*folder, *messages, *octets),
            Event::FolderDone { folder } => {
                // The survey's numbers were estimates; the bar ends where it said it would.
                if let Some(counted) = state.folders.get_mut(*folder) {
                    (counted.messages, counted.octets) = (counted.total_messages, counted.total_octets);
                }
            }
            Event::Retrying { pause, why } => {
                let why = format!(
                    "Trying again in {}: {}",
                    crate::quantity::time(*pause),
                    crate::human::plain(why)
                );
                if self.style != Style::Nothing {
                    self.all.suspend(|| notice(&why));
                }
            }
            _ => {}
        }
        self.show(&mut state, now);
    }
}

/// Speeds of the last half minute, in octets a second.
#[derive(Debug)]
struct Speeds {
    since: Instant,
    octets: u64,
    measured: VecDeque<u64>,
}

impl Speeds {
    fn new(now: Instant) -> Speeds {
        Speeds { since: now, octets: 0, measured: VecDeque::new() }
    }

    fn add(&mut self, octets: u64, now: Instant) {
        self.octets += octets;
        let spent = now.duration_since(self.since);
        if spent >= MEASURE_EVERY {
            self.measured.push_back((self.octets as f64 / spent.as_secs_f64()) as u64);
            if self.measured.len() > MEASUREMENTS {
                self.measured.pop_front();
            }
            (self.since, self.octets) = (now, 0);
        }
    }

    fn latest(&self) -> Option<u64> {
        self.measured.back().copied()
    }

    /// A range, because nobody knows: between the mean of the faster half of the measurements and that of the slower.
    fn time_left(&self, octets: u64, now: Instant) -> Option<(Duration, Duration)> {
        // Silence is no speed to reckon with.
        if self.measured.len() < 2 || now.duration_since(self.since) > 5 * MEASURE_EVERY {
            return None;
        }
        let mut sorted: Vec<u64> = self.measured.iter().copied().collect();
        sorted.sort_unstable();
        let (slow, fast) = sorted.split_at(sorted.len() / 2);
        let at = |speeds: &[u64]| {
            let mean = speeds.iter().sum::<u64>() as f64 / speeds.len() as f64;
            Duration::try_from_secs_f64(octets as f64 / mean.max(1.0)).ok()
        };
        Some((at(fast)?, at(slow)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_a_range_between_the_faster_and_the_slower_measurements() {
        let start = Instant::now();
        let mut speeds = Speeds::new(start);
        for (at, octets) in [(2, 2_000_000), (4, 4_000_000), (6, 2_000_000), (8, 4_000_000)] {
            speeds.add(octets, start + Duration::from_secs(at));
        }
        let now = start + Duration::from_secs(8);
        let left = speeds.time_left(60_000_000, now);
        assert_eq!(left, Some((Duration::from_secs(30), Duration::from_secs(60))));
        assert_eq!(speeds.latest(), Some(2_000_000));
        assert_eq!(speeds.time_left(60_000_000, now + Duration::from_secs(60)), None);
    }

    #[test]
    fn folders_add_up_and_one_that_begins_anew_is_counted_anew() {
        let bars = Bars::new(true);
        let totals = |name: &str, messages, octets| FolderTotals {
            name: name.into(),
            destination: name.into(),
            messages,
            octets: Some(octets),
        };
        let folders = vec![totals("INBOX", 10, 1_000), totals("Sent", 5, 500)];
        let position = |event: Event| {
            bars.event(&event);
            let state = bars.state.lock().unwrap();
            (state.messages(), state.octets())
        };
        position(Event::Surveyed { folders, messages: 15, octets: Some(1_500) });
        assert_eq!(position(Event::Settled { folder: 0, messages: 4, octets: 400 }), (4, 400));
        assert_eq!(position(Event::Delivered { folder: 1, messages: 2, octets: 210 }), (6, 610));
        assert_eq!(position(Event::Folder { folder: 0, name: "INBOX".into() }), (2, 210));
        assert_eq!(position(Event::FolderDone { folder: 0 }), (12, 1_210));
        assert_eq!(position(Event::FolderDone { folder: 1 }), (15, 1_500));
        assert_eq!(position(Event::Delivered { folder: 7, messages: 1, octets: 1 }), (15, 1_500));
    }

    #[test]
    fn one_measurement_tells_no_time() {
        let start = Instant::now();
        let mut speeds = Speeds::new(start);
        speeds.add(1_000_000, start + MEASURE_EVERY);
        assert_eq!(speeds.time_left(1, start + MEASURE_EVERY), None);
    }
}
