//! What an e-mail says, and from whom it comes. The words themselves belong to whoever knows the languages.

use std::str::FromStr;

use lettre::message::Mailbox;

use crate::model::{Language, RunEnd};

/// An e-mail's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Says things in a customer's language.
pub trait Letters: Send + Sync {
    /// A run has ended. `page` is the address of its page.
    fn run_ended(&self, language: Language, end: &RunEnd, page: Option<&str>) -> Letter;

    /// A test, which is read by who has just asked for it.
    fn test(&self, language: Language) -> Letter;
}

/// From whom e-mails come: `mailimport@example.org`, or with a name before it in angle brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(pub(super) Mailbox);

impl Sender {
    /// The part after the @.
    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

impl FromStr for Sender {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Sender, Self::Err> {
        const FORM: &str = "write it as mailimport@example.org or as Mailimport <mailimport@example.org>";
        if text.chars().any(char::is_control) {
            return Err(FORM);
        }
        text.trim().parse().map(Sender).map_err(|_| FORM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for text in ["a@example.org", "Mailimport <a@example.org>", "\"Post, Haus\" <a@example.org>"] {
            assert_eq!(text.parse::<Sender>().unwrap().domain(), "example.org", "{text}");
        }
        for text in ["", "a", "a@", "a@example.org\r\nBcc: b@example.org", "<a@example.org"] {
            assert!(text.parse::<Sender>().is_err(), "{text:?}");
        }
    }
}
