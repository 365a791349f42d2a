//! Fields of forms: one visible label each, a hint under it, the error at the field and in the summary on top.

use askama::Template;
use service::model::Problem;

use crate::html::Html;
use crate::words::Words;

/// What kind of field it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Email,
    Password,
    Code,
}

impl Kind {
    pub(crate) fn html_type(self) -> &'static str {
        match self {
            Kind::Text | Kind::Code => "text",
            Kind::Email => "email",
            Kind::Password => "password",
        }
    }
}

/// Whether a browser insists on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    Required,
    Optional,
}

/// One field.
#[derive(Template)]
#[template(path = "field.html")]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) hint: Option<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) value: String,
    pub(crate) kind: Kind,
    pub(crate) autocomplete: &'static str,
    pub(crate) needed: Needed,
    /// What follows what is typed, as `@example.org`.
    pub(crate) suffix: Option<String>,
    /// What is shown under it, such as the checklist for passwords.
    pub(crate) below: Html,
    pub(crate) below_id: Option<&'static str>,
    pub(crate) focus: bool,
    pub(crate) show: String,
    pub(crate) hide: String,
}

impl Field {
    /// A required field for text that the browser does not fill in.
    pub(crate) fn new(words: &Words, name: &'static str, label: &str) -> Field {
        Field {
            name,
            id: name.replace('_', "-"),
            label: words.say(label).into_owned(),
            hint: None,
            errors: Vec::new(),
            value: String::new(),
            kind: Kind::Text,
            autocomplete: "off",
            needed: Needed::Required,
            suffix: None,
            below: Html::EMPTY,
            below_id: None,
            focus: false,
            show: words.say("password-show").into_owned(),
            hide: words.say("password-hide").into_owned(),
        }
    }

    pub(crate) fn kind(mut self, kind: Kind) -> Field {
        self.kind = kind;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Field {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn value(mut self, value: &str) -> Field {
        value.clone_into(&mut self.value);
        self
    }

    pub(crate) fn autocomplete(mut self, autocomplete: &'static str) -> Field {
        self.autocomplete = autocomplete;
        self
    }

    pub(crate) fn optional(mut self) -> Field {
        self.needed = Needed::Optional;
        self
    }

    pub(crate) fn suffix(mut self, suffix: String) -> Field {
        self.suffix = Some(suffix);
        self
    }

    pub(crate) fn below(mut self, id: &'static str, below: Html) -> Field {
        (self.below_id, self.below) = (Some(id), below);
        self
    }

    /// The cursor begins here.
    pub(crate) fn focused(mut self) -> Field {
        self.focus = true;
        self
    }

    /// Another id, where two forms of a page have a field of this name.
    pub(crate) fn id(mut self, id: &str) -> Field {
        id.clone_into(&mut self.id);
        self
    }

    /// Takes the sentences of the problems of this field.
    pub(crate) fn problems(mut self, words: &Words, problems: &[Problem]) -> Field {
        self.errors = problems.iter().filter(|p| p.field == self.name).map(|p| words.problem(p)).collect();
        self
    }

    /// Ids of what describes it.
    pub(crate) fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.hint.is_some() {
            ids.push(format!("{}-hint", self.id));
        }
        if !self.errors.is_empty() {
            ids.push(format!("{}-error", self.id));
        }
        ids.extend(self.below_id.map(str::to_owned));
        ids.join(" ")
    }

    pub(crate) fn shown(self) -> Html {
        Html::of(&self)
    }
}

/// A problem in the summary: where its field is, and the sentence.
pub(crate) struct SummaryLine {
    pub(crate) anchor: String,
    pub(crate) text: String,
}

#[derive(Template)]
#[template(path = "error_summary.html")]
struct ErrorSummary {
    title: String,
    lines: Vec<SummaryLine>,
}

/// The summary on top of a form, each line a link to its field; nothing without problems.
pub(crate) fn summary(words: &Words, problems: &[Problem], anchor: impl Fn(&str) -> String) -> Html {
    if problems.is_empty() {
        return Html::EMPTY;
    }
    let line =
        |problem: &Problem| SummaryLine { anchor: anchor(&problem.field), text: words.problem(problem) };
    let lines = problems.iter().map(line).collect();
    Html::of(&ErrorSummary { title: words.say("error-summary").into_owned(), lines })
}

/// The id of a field whose name is its id.
pub(crate) fn same_id(field: &str) -> String {
    field.replace('_', "-")
}
