//! INTERNALDATE (RFC 9051, section 9, `date-time`).
//!
//! Reads the unpadded and sloppy forms that servers send; it must never invent a date: what is no
//! day of the calendar is said to be invalid, and the text is kept for the report.

use std::fmt;

/// When a message arrived, as the server remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InternalDate {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub timestamp: i64,
    /// The zone the server wrote, in minutes east of UTC.
    pub offset_minutes: i16,
}

/// The INTERNALDATE item of a FETCH response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DateItem {
    /// The response had none.
    #[default]
    Absent,
    /// It had one that is no date (`NIL`, year 0, ...); the text as sent, shortened to 80 characters.
    Invalid(String),
    /// A date.
    Valid(InternalDate),
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl InternalDate {
    /// Reads `17-Jul-1996 02:44:25 -0700`; also unpadded days, extra spaces, a missing zone (UTC).
    /// Years 1 to 9999 only; `None` for anything that is no calendar date.
    pub fn parse(text: &str) -> Option<InternalDate> {
        let mut parts = text.split_ascii_whitespace();
        let (date, time, zone) = (parts.next()?, parts.next()?, parts.next().unwrap_or("+0000"));
        if parts.next().is_some() {
            return None;
        }
        let mut date = date.split('-');
        let (day, month, year) = (number(date.next()?, 2)?, date.next()?, number(date.next()?, 4)?);
        if date.next().is_some() {
            return None;
        }
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
        let month = i64::try_from(month).ok()? + 1;
        if !(1..=9999).contains(&year) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let mut time = time.split(':');
        let (hour, minute, second) =
            (number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?);
        if time.next().is_some() || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let offset_minutes = zone_minutes(zone)?;
        let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(InternalDate { timestamp: seconds - i64::from(offset_minutes) * 60, offset_minutes })
    }
}

impl fmt::Display for InternalDate {
    /// The form on the wire, without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.timestamp + i64::from(self.offset_minutes) * 60;
        let (year, month, day) = civil_from_days(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("jan");
        let (initial, rest) = month.split_at(1);
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let zone = self.offset_minutes.unsigned_abs();
        write!(
            f,
            "{day:02}-{}{rest}-{year:04} {:02}:{:02}:{:02} {sign}{:02}{:02}",
            initial.to_ascii_uppercase(),
            second / 3_600,
            second / 60 % 60,
            second % 60,
            zone / 60,
            zone % 60,
        )
    }
}

/// A day of the calendar, for SEARCH SINCE and BEFORE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchDate {
    days: i64,
}

impl SearchDate {
    /// The UTC day on which this many seconds since 1970 fall.
    pub fn from_timestamp(seconds: i64) -> SearchDate {
        SearchDate { days: seconds.div_euclid(86_400) }
    }

    /// The day, if there is such a one: year 1 to 9999, month 1 to 12.
    pub fn new(year: u16, month: u8, day: u8) -> Option<SearchDate> {
        let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
        let real = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        real.then(|| SearchDate { days: days_from_epoch(year, month, day) })
    }
}

impl fmt::Display for SearchDate {
    /// The form on the wire: `1-Feb-2024`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.days);
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("jan");
        let (initial, rest) = month.split_at(1);
        write!(f, "{day}-{}{rest}-{year:04}", initial.to_ascii_uppercase())
    }
}

fn number(digits: &str, at_most: usize) -> Option<i64> {
    let fits = (1..=at_most).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

fn zone_minutes(zone: &str) -> Option<i16> {
    if zone.eq_ignore_ascii_case("GMT") || zone.eq_ignore_ascii_case("UTC") || zone.eq_ignore_ascii_case("Z")
    {
        return Some(0);
    }
    let (sign, digits) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let value = i16::try_from(number(digits, 4)?).ok()?;
    let (hours, minutes) = (value / 100, value % 100);
    // The widest zones in use are -12:00 and +14:00; leave room for odd but harmless ones.
    (digits.len() == 4 && hours <= 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar: years counted from March, so that the
/// leap day is the last one of a year.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_epoch`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_of_real_servers_are_read() {
        for (text, timestamp, offset_minutes) in [
            ("17-Jul-1996 02:44:25 -0700", 837_596_665, -420),
            (" 1-Jan-1970 00:00:00 +0000", 0, 0),
            ("8-Mar-2023 12:16:47 +0800", 1_678_249_007, 480),
            ("29-Feb-2024 23:59:60 +0000", 1_709_251_200, 0),
            ("30-Dec-1899 00:00:00 +0000", -2_209_161_600, 0),
            ("01-jan-2024  00:00:00 GMT", 1_704_067_200, 0),
            ("31-Dec-9999 23:59:59 +0000", 253_402_300_799, 0),
        ] {
            assert_eq!(InternalDate::parse(text), Some(InternalDate { timestamp, offset_minutes }), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_made_one() {
        for text in [
            "",
            "NIL",
            "00-Jan-0000 00:00:00 +0000",
            "31-Feb-2024 00:00:00 +0000",
            "29-Feb-2023 00:00:00 +0000",
            "01-Xyz-2024 00:00:00 +0000",
            "01-Jan-2024 24:00:00 +0000",
            "01-Jan-2024 00:00:00 +9999",
            "01-Jan-2024 00:00:00 Mars",
            "01-Jan-10000 00:00:00 +0000",
            "01-Jan-2024 00:00:00 +0000 x",
        ] {
            assert_eq!(InternalDate::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_date_reads_back_from_its_wire_form(
            timestamp in -62_135_500_000_i64..253_402_200_000, offset_minutes in -720_i16..=840,
        ) {
            let date = InternalDate { timestamp, offset_minutes };
            prop_assert_eq!(InternalDate::parse(&date.to_string()), Some(date));
        }

        #[test]
        fn a_search_day_names_the_day_of_its_timestamp(timestamp in 0_i64..253_402_200_000) {
            let day = SearchDate::from_timestamp(timestamp).to_string();
            let midnight = InternalDate::parse(&format!("{day} 00:00:00 +0000")).unwrap().timestamp;
            prop_assert_eq!(midnight, timestamp - timestamp % 86_400);
        }
    }
}
