//! What is wrong, in a form that every language can say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something a person typed that cannot be used as it is. `code` names the sentence in every language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field it belongs to (`server`, `username`, `password`, `mailbox`, `mailbox_password`, `file`, ...); empty
    /// for the whole.
    pub field: String,
    /// The sentence's name, such as `mailbox_password_short`.
    pub code: String,
    /// What the sentence is filled with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// The sentence in English.
    pub message: String,
}

impl Problem {
    /// A problem of a field; `code` names the sentence, `message` says it in English.
    pub fn new(field: &str, code: &str, message: impl Into<String>) -> Problem {
        Problem {
            field: field.to_owned(),
            code: code.to_owned(),
            args: BTreeMap::new(),
            message: message.into(),
        }
    }

    /// The same with something the sentence is filled with.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Problem {
        self.args.insert(name.to_owned(), value.to_string());
        self
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The old server.
    Source,
    /// The new mailbox.
    Destination,
    /// mailimport itself.
    Internal,
}

/// Why a check or an import failed: what a customer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose fault.
    pub side: Side,
    /// Class of the product's table (`auth`, `dns`, `tls`, ...); names the sentence in every language.
    pub class: String,
    /// The plain sentence in English.
    pub message: String,
    /// Technical detail for the administrator, without secrets.
    pub detail: Option<String>,
    /// Whether it is tried again without anybody's doing.
    pub retried: bool,
}
