//! Sizes, speeds and times as people write and read them.

use std::time::Duration;

use engine::plan::Selection;

/// Reads `--rate`: a size, with `/s` behind it if one likes.
pub(crate) fn octets_a_second(text: &str) -> Result<u64, String> {
    let size = text.strip_suffix("/s").unwrap_or(text);
    // The same sizes as for --max-size.
    match Selection::default().max_size(size).map(|selection| selection.max_size) {
        Ok(Some(rate)) if rate > 0 => Ok(rate),
        _ => Err("write it as 500kB, 2MiB or as a number of octets a second, more than 0".to_owned()),
    }
}

/// Reads a size: `2GB`, `500MiB` or a number of octets.
pub(crate) fn octets(text: &str) -> Result<u64, String> {
    match Selection::default().max_size(text).map(|selection| selection.max_size) {
        Ok(Some(octets)) => Ok(octets),
        _ => Err("write it as 500MB, 2GiB or as a number of octets".to_owned()),
    }
}

/// A size in powers of 1000: `107.3 MB`.
pub(crate) fn size(octets: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if octets < 1000 {
        return format!("{octets} B");
    }
    let mut value = octets as f64 / 1000.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        // What would be shown as 1000.0 goes to the next unit.
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// A count with its thousands apart: `4,312`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 message`, `2 messages`.
pub(crate) fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

/// A time to read at a glance: `40 s`, `12 min`, `3 h 20 min`.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=5_399 => format!("{} min", (seconds + 30) / 60),
        _ => {
            let minutes = (seconds + 30) / 60;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// A time that is known as a range only: `8 to 12 min`.
pub(crate) fn time_between(shortest: Duration, longest: Duration) -> String {
    let (short, long) = (time(shortest), time(longest));
    match (short.split_once(' '), long.split_once(' ')) {
        _ if short == long => format!("about {long}"),
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {long}"),
        _ => format!("{short} to {long}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, expected) in [
            ("500kB", Some(500_000)),
            ("2MiB/s", Some(2 << 20)),
            ("1000", Some(1000)),
            ("0", None),
            ("fast", None),
        ] {
            assert_eq!(octets_a_second(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_written() {
        for (octets, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (107_300_000, "107.3 MB"),
            (2_100_000_000, "2.1 GB"),
            (7_000_000_000_000_000, "7000.0 TB"),
        ] {
            assert_eq!(size(octets), expected);
        }
    }

    #[test]
    fn counts_are_written() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (4_312_000, "4,312,000")] {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "message", "messages"), "1 message");
        assert_eq!(counted(6_046, "message", "messages"), "6,046 messages");
    }

    #[test]
    fn times_are_written() {
        for (seconds, expected) in [
            (0, "0 s"),
            (90, "90 s"),
            (91, "2 min"),
            (720, "12 min"),
            (5_399, "90 min"),
            (5_400, "1 h 30 min"),
            (12_000, "3 h 20 min"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds)), expected);
        }
        let between = |a, b| time_between(Duration::from_secs(a), Duration::from_secs(b));
        assert_eq!(between(480, 720), "8 to 12 min");
        assert_eq!(between(60, 720), "60 s to 12 min");
        assert_eq!(between(5, 5), "about 5 s");
    }
}
