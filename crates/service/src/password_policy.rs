//! What a password must be: the guideline for new mailboxes, and the rule for signing in here.
//!
//! The same for pages, API, CSV and command line. Pure; nothing here keeps or repeats a password.

use crate::model::Problem;

/// Characters at least, for mailboxes and for signing in.
pub const MIN_CHARS: usize = 12;
/// Characters that count beside digits. A set, not a pattern: `#`, `-` and `.` are three of them.
pub const SPECIAL: &str = "!$%()=?+#-.,;:~*@[]_";

/// A rule of the guideline for mailbox passwords; as an answer: one that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unmet {
    /// At least [`MIN_CHARS`] characters.
    Length,
    /// At least one lowercase letter a-z.
    Lowercase,
    /// At least one uppercase letter A-Z.
    Uppercase,
    /// At least one digit or one of [`SPECIAL`].
    DigitOrSpecial,
}

impl Unmet {
    /// All rules, in the order of the checklist.
    pub const ALL: [Unmet; 4] = [Unmet::Length, Unmet::Lowercase, Unmet::Uppercase, Unmet::DigitOrSpecial];

    /// Names the sentence of a problem, and the line of the checklist.
    pub fn code(self) -> &'static str {
        match self {
            Unmet::Length => "mailbox_password_short",
            Unmet::Lowercase => "mailbox_password_lowercase",
            Unmet::Uppercase => "mailbox_password_uppercase",
            Unmet::DigitOrSpecial => "mailbox_password_digit_or_special",
        }
    }

    /// The rule in English.
    pub fn sentence(self) -> &'static str {
        match self {
            Unmet::Length => "The mailbox password needs at least 12 characters.",
            Unmet::Lowercase => "The mailbox password needs at least one lowercase letter a-z.",
            Unmet::Uppercase => "The mailbox password needs at least one uppercase letter A-Z.",
            Unmet::DigitOrSpecial => {
                "The mailbox password needs at least one digit or one of !$%()=?+#-.,;:~*@[]_"
            }
        }
    }

    /// Whether `password` meets this rule.
    pub fn is_met_by(self, password: &str) -> bool {
        let any = |wanted: fn(char) -> bool| password.chars().any(wanted);
        match self {
            Unmet::Length => password.chars().count() >= MIN_CHARS,
            Unmet::Lowercase => any(|c| c.is_ascii_lowercase()),
            Unmet::Uppercase => any(|c| c.is_ascii_uppercase()),
            Unmet::DigitOrSpecial => any(|c| c.is_ascii_digit() || SPECIAL.contains(c)),
        }
    }
}

/// The rules of the guideline that a mailbox password does not meet; empty when it may be used.
pub fn check(password: &str) -> Vec<Unmet> {
    Unmet::ALL.into_iter().filter(|rule| !rule.is_met_by(password)).collect()
}

/// The same as problems of the field `mailbox_password`.
pub fn problems(password: &str) -> Vec<Problem> {
    check(password)
        .into_iter()
        .map(|rule| Problem::new("mailbox_password", rule.code(), rule.sentence()))
        .collect()
}

/// A rule for the password with which somebody signs in to mailimport that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInUnmet {
    /// At least [`MIN_CHARS`] characters.
    Length,
    /// Not the user name.
    NotTheName,
}

impl SignInUnmet {
    /// Names the sentence of a problem.
    pub fn code(self) -> &'static str {
        match self {
            SignInUnmet::Length => "password_short",
            SignInUnmet::NotTheName => "password_is_name",
        }
    }

    /// The rule in English.
    pub fn sentence(self) -> &'static str {
        match self {
            SignInUnmet::Length => "The password needs at least 12 characters.",
            SignInUnmet::NotTheName => "The password must not be the user name.",
        }
    }
}

/// The rules that a password for signing in as `name` does not meet; empty when it may be used.
pub fn check_sign_in(password: &str, name: &str) -> Vec<SignInUnmet> {
    let mut unmet = Vec::new();
    if password.chars().count() < MIN_CHARS {
        unmet.push(SignInUnmet::Length);
    }
    if password.trim().to_lowercase() == name.trim().to_lowercase() {
        unmet.push(SignInUnmet::NotTheName);
    }
    unmet
}

/// The same as problems of the field `password`.
pub fn sign_in_problems(password: &str, name: &str) -> Vec<Problem> {
    check_sign_in(password, name)
        .into_iter()
        .map(|rule| Problem::new("password", rule.code(), rule.sentence()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Unmet::{DigitOrSpecial, Length, Lowercase, Uppercase};

    #[test]
    fn the_guideline_as_a_table() {
        let cases: &[(&str, &[Unmet])] = &[
            ("Abcdefghijk1", &[]),
            ("abcdefghijk1", &[Uppercase]),
            ("ABCDEFGHIJK1", &[Lowercase]),
            ("Abcdefghijkl", &[DigitOrSpecial]),
            ("Abcdefghij1", &[Length]),
            ("Abcdefghijk-", &[]),
            ("Abcdefghijk.", &[]),
            ("Abcdefghijk#", &[]),
            // The set is no pattern: what lies between # and . does not count unless it is named.
            ("Abcdefghijk&", &[DigitOrSpecial]),
            ("Abcdefghijk'", &[DigitOrSpecial]),
            ("Abcdefghijk\"", &[DigitOrSpecial]),
            ("Abcdefghijk/", &[DigitOrSpecial]),
            ("Abcdefghijk ", &[DigitOrSpecial]),
            ("Abcdefghijk€", &[DigitOrSpecial]),
            // Other characters are allowed and do not count.
            ("Abcdefghijk€1", &[]),
            (" A b c d e 1 ", &[]),
            ("äöüäöüäöüäöü", &[Lowercase, Uppercase, DigitOrSpecial]),
            ("ÄÖÜÄÖÜÄÖÜa1A", &[]),
            ("Äöüßäöüßäöü1", &[Lowercase, Uppercase]),
            ("Abcdefghijk٣", &[DigitOrSpecial]),
            // Characters are counted, not octets.
            ("Aa1ääääääää", &[Length]),
            ("Aa1äääääääää", &[]),
            ("😀😀😀😀😀😀😀😀😀aA1", &[]),
            ("", &[Length, Lowercase, Uppercase, DigitOrSpecial]),
        ];
        for (password, unmet) in cases {
            assert_eq!(check(password), *unmet, "{password:?}");
        }
    }

    #[test]
    fn each_character_of_the_set_counts_and_no_other_printable_one_does() {
        for c in (0x20..0x7f_u8).map(char::from).filter(|c| !c.is_ascii_alphabetic()) {
            let counts = "0123456789!$%()=?+#-.,;:~*@[]_".contains(c);
            assert_eq!(check(&format!("Abcdefghijk{c}")).is_empty(), counts, "{c:?}");
        }
    }

    #[test]
    fn problems_say_the_rule_and_never_the_password() {
        let found = problems("geheim");
        let codes: Vec<_> = found.iter().map(|problem| problem.code.as_str()).collect();
        let expected =
            ["mailbox_password_short", "mailbox_password_uppercase", "mailbox_password_digit_or_special"];
        assert_eq!(codes, expected);
        assert!(found.iter().all(|p| p.field == "mailbox_password" && !p.message.contains("geheim")));
    }

    #[test]
    fn a_password_for_signing_in_is_long_and_not_the_name() {
        for (password, name, unmet) in [
            ("correct horse", "anna", &[][..]),
            ("elevenchars", "anna", &[SignInUnmet::Length]),
            ("anna@example.org", "Anna@Example.org ", &[SignInUnmet::NotTheName]),
            ("ANNA", "anna", &[SignInUnmet::Length, SignInUnmet::NotTheName]),
            ("annaannaanna", "anna", &[]),
        ] {
            assert_eq!(check_sign_in(password, name), unmet, "{password} {name}");
        }
    }
}
