//! Times as the database keeps them: milliseconds since 1970.

use jiff::Timestamp;

pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Milliseconds of the database as a time; what is out of range becomes 1970.
pub(crate) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
