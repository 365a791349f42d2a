//! Coming in: name and password, second factor, the one-time link.

use askama::Template;
use service::model::Problem;

use super::field::{self, Field, Kind};
use super::frame::Frame;
use crate::html::Html;

/// Why signing in did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInTrouble {
    /// Name or password are not right; nobody learns which.
    Refused,
    /// The code is not right.
    CodeRefused,
    /// Too many attempts: so many seconds to wait.
    TooMany(u64),
    /// The session is over.
    Expired,
}

/// Name and password.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// The frame.
    pub f: Frame,
    /// The name that was typed.
    pub name: String,
    /// Where to go afterwards: a path of this site.
    pub next: String,
    /// What went wrong before.
    pub trouble: Option<SignInTrouble>,
}

impl SignIn {
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.map(|trouble| sentence(&self.f, trouble))
    }

    pub(crate) fn is_alarm(&self) -> bool {
        self.trouble != Some(SignInTrouble::Expired)
    }

    pub(crate) fn name_field(&self) -> Html {
        let field =
            Field::new(&self.f.words, "name", "sign-in-name").value(&self.name).autocomplete("username");
        let field = if self.name.is_empty() { field.focused() } else { field };
        field.shown()
    }

    pub(crate) fn password_field(&self) -> Html {
        let field = Field::new(&self.f.words, "password", "sign-in-password")
            .kind(Kind::Password)
            .autocomplete("current-password");
        let field = if self.name.is_empty() { field } else { field.focused() };
        field.shown()
    }
}

/// The second factor.
#[derive(Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor {
    /// The frame.
    pub f: Frame,
    /// What the first step left behind, sent back as `pending`; never the password.
    pub pending: String,
    /// Where to go afterwards.
    pub next: String,
    /// What went wrong before.
    pub trouble: Option<SignInTrouble>,
}

impl SecondFactor {
    pub(crate) fn code_field(&self) -> Html {
        let mut field = Field::new(&self.f.words, "code", "sign-in-code")
            .kind(Kind::Code)
            .hint(self.f.say("sign-in-code-hint"))
            .autocomplete("one-time-code")
            .focused();
        field.errors = self.trouble.map(|trouble| sentence(&self.f, trouble)).into_iter().collect();
        field.shown()
    }
}

fn sentence(f: &Frame, trouble: SignInTrouble) -> String {
    let said = match trouble {
        SignInTrouble::Refused => f.say("sign-in-refused"),
        SignInTrouble::CodeRefused => f.say("sign-in-code-refused"),
        SignInTrouble::TooMany(seconds) => f.count("too-many-seconds", &seconds),
        SignInTrouble::Expired => f.say("sign-in-expired"),
    };
    said.into_owned()
}

/// Who the one-time link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFor {
    /// The first operator, who chooses a name too.
    Operator,
    /// A customer of this name.
    Customer(String),
}

/// Setting a password by a one-time link.
#[derive(Template)]
#[template(path = "link.html")]
pub struct SetPassword {
    /// The frame.
    pub f: Frame,
    /// The link's secret: where the form goes to.
    pub secret: String,
    /// Who it is for.
    pub whose: LinkFor,
    /// The name that was typed.
    pub name: String,
    /// What could not be taken.
    pub problems: Vec<Problem>,
}

impl SetPassword {
    pub(crate) fn summary_of_errors(&self) -> Html {
        field::summary(&self.f.words, &self.problems, field::same_id)
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.whose == LinkFor::Operator
    }

    pub(crate) fn whose_name(&self) -> &str {
        match &self.whose {
            LinkFor::Operator => "",
            LinkFor::Customer(name) => name,
        }
    }

    pub(crate) fn name_field(&self) -> Html {
        Field::new(&self.f.words, "name", "link-name")
            .hint(self.f.say("link-name-hint"))
            .value(&self.name)
            .autocomplete("username")
            .problems(&self.f.words, &self.problems)
            .focused()
            .shown()
    }

    pub(crate) fn password_field(&self) -> Html {
        Field::new(&self.f.words, "password", "new-password")
            .kind(Kind::Password)
            .hint(self.f.say("own-password-hint"))
            .autocomplete("new-password")
            .problems(&self.f.words, &self.problems)
            .shown()
    }
}

/// A one-time link that was used or whose time is over.
#[derive(Template)]
#[template(path = "link_over.html")]
pub struct LinkOver {
    /// The frame.
    pub f: Frame,
}
