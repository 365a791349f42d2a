//! What spreadsheets do to values: long numbers become `1,23E+15`, and what looks like a formula becomes an error.
//!
//! Recognised, never repaired: the digits that are gone cannot be guessed. (Leading zeros that were dropped leave no trace.)

use secrecy::ExposeSecret;

use crate::model::{NewEntry, Problem};

/// What formulas that failed leave behind, in English and German.
const ERRORS: &[&str] = &[
    "#NAME?",
    "#VALUE!",
    "#WERT!",
    "#REF!",
    "#BEZUG!",
    "#DIV/0!",
    "#N/A",
    "#NV",
    "#NUM!",
    "#ZAHL!",
    "#NULL!",
    "#SPILL!",
    "#ÜBERLAUF!",
];

/// A problem for each field that a spreadsheet has damaged.
pub(super) fn problems(entry: &NewEntry) -> Vec<Problem> {
    let secret = |secret: &Option<secrecy::SecretString>| {
        secret.as_ref().is_some_and(|value| is_damaged(value.expose_secret()))
    };
    [
        ("server", is_damaged(&entry.server)),
        ("username", is_damaged(&entry.username)),
        ("password", secret(&entry.password)),
        ("mailbox", is_damaged(&entry.mailbox)),
        ("mailbox_password", secret(&entry.mailbox_password)),
    ]
    .into_iter()
    .filter(|(_, damaged)| *damaged)
    .map(|(field, _)| {
        let message = "A spreadsheet has changed this value (into a number such as 1,23E+15, or an error); please enter it again.";
        Problem::new(field, "spreadsheet_damage", message)
    })
    .collect()
}

fn is_damaged(value: &str) -> bool {
    let value = value.trim();
    ERRORS.contains(&value)
        || is_rounded_number(value)
        || (value.len() >= 5 && value.bytes().all(|b| b == b'#'))
}

/// `1,23E+15`, `1.23457E+11`, `5E+20`.
fn is_rounded_number(value: &str) -> bool {
    let Some((mantissa, exponent)) = value.split_once("E+") else { return false };
    let digits = |text: &str, at_most: usize| {
        (1..=at_most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, rest) = mantissa.split_once([',', '.']).unwrap_or((mantissa, "0"));
    digits(whole, 1) && digits(rest, 15) && digits(exponent, 3) && exponent.len() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_values_that_look_like_it() {
        for (value, expected) in [
            ("1,23E+15", true),
            ("1.23457E+11", true),
            (" 5E+20 ", true),
            ("-4,9E+12", true),
            ("#NAME?", true),
            ("#WERT!", true),
            ("########", true),
            ("1,23E15", false),
            ("12,3E+15", false),
            ("1,23e+15", false),
            ("1,23E+5", false),
            ("xE+15", false),
            ("1,E+15", false),
            ("####", false),
            ("#1 password!", false),
            ("", false),
        ] {
            assert_eq!(is_damaged(value), expected, "{value:?}");
        }
    }
}
