//! Numbers, sizes, times and durations as each language writes them.

use fluent_bundle::FluentValue;
use jiff::{SignedDuration, Timestamp};
use service::model::{Estimate, Language};

use super::{Words, number};

/// Between a number and its unit: no line break.
const NBSP: char = '\u{a0}';

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Words {
    /// `4,312` or `4.312`.
    pub fn number(&self, n: u64) -> String {
        grouped(n, self.grouping())
    }

    /// `37 %`.
    pub fn percent(&self, percent: u8) -> String {
        format!("{percent}{NBSP}%")
    }

    /// A size in decimal units, as providers write it: `2.1 GB`.
    pub fn octets(&self, octets: u64) -> String {
        const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
        let mut value = octets as f64;
        let mut unit = 0;
        // 999.5 would be written as 1000.
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        let digits = if unit >= 2 && value < 99.95 { 1 } else { 0 };
        let text = format!("{value:.digits$}").replace('.', self.decimal_point());
        format!("{text}{NBSP}{}", UNITS[unit])
    }

    /// `4.2 MB/s`; a dash while nothing comes.
    pub fn speed(&self, octets_a_second: u64) -> String {
        match octets_a_second {
            0 => "–".to_owned(),
            some => format!("{}/s", self.octets(some)),
        }
    }

    /// `24 Nov 2026`.
    pub fn date(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        let month = self.say(&format!("month-{}", at.month()));
        let dot = if self.language == Language::German { "." } else { "" };
        format!("{}{dot}{NBSP}{month} {}", at.day(), at.year())
    }

    /// `14:32`.
    pub fn time(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        let utc = if self.zone == jiff::tz::TimeZone::UTC { "\u{a0}UTC" } else { "" };
        format!("{:02}:{:02}{utc}", at.hour(), at.minute())
    }

    /// `24 Nov 2026, 14:32`.
    pub fn moment(&self, at: Timestamp) -> String {
        format!("{}, {}", self.date(at), self.time(at))
    }

    /// How long something took: `2 h 14 min`, `42 s`.
    pub fn duration(&self, took: SignedDuration) -> String {
        let seconds = took.as_secs().max(0).unsigned_abs();
        let minutes = seconds / MINUTE;
        match seconds {
            0..MINUTE => format!("{seconds}{NBSP}s"),
            MINUTE..HOUR => format!("{minutes}{NBSP}min"),
            _ => format!("{}{NBSP}h {:02}{NBSP}min", self.number(minutes / 60), minutes % 60),
        }
    }

    /// `about 10–15 minutes`: rounded outwards, so that it is kept.
    pub fn estimate(&self, estimate: &Estimate) -> String {
        let (unit, key) = match estimate.high {
            0..=MINUTE => return self.say("estimate-moment").into_owned(),
            61..5_401 => (MINUTE, "minutes"),
            5_401..172_801 => (HOUR, "hours"),
            _ => (DAY, "days"),
        };
        let low = (estimate.low / unit).max(1);
        let high = estimate.high.div_ceil(unit).max(low);
        if low == high {
            return self.count(&format!("estimate-{key}"), high).into_owned();
        }
        self.with(&format!("estimate-{key}-range"), &[("low", number(low)), ("n", number(high))]).into_owned()
    }

    fn grouping(&self) -> char {
        if self.language == Language::German { '.' } else { ',' }
    }

    fn decimal_point(&self) -> &'static str {
        if self.language == Language::German { "," } else { "." }
    }
}

/// Numbers inside sentences.
pub(super) fn english<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    in_sentence(value, ',')
}

/// Numbers inside sentences.
pub(super) fn german<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    in_sentence(value, '.')
}

fn in_sentence(value: &FluentValue<'_>, grouping: char) -> Option<String> {
    match value {
        FluentValue::Number(n) => Some(grouped(n.value.max(0.0) as u64, grouping)),
        _ => None,
    }
}

fn grouped(n: u64, mark: char) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}
