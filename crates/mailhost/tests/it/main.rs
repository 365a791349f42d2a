//! The Maildir tree as its callers, other programs and a real Dovecot see it.

#![allow(clippy::unwrap_used, reason = "in a test it states an expectation")]

mod dovecot;
mod tree;

use mailhost::{Address, MailHost, Outcome};
use secrecy::SecretString;

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// Creates a mailbox and says whether it is new.
pub(crate) async fn create(host: &impl MailHost, name: &str, password: &str) -> Outcome {
    host.create(&address(name), &secret(password)).await.unwrap().outcome
}
