//! Pages for what cannot be shown or done: one plain sentence, and where to go from here.

use askama::Template;

use super::frame::Frame;

/// Why there is no other page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// What was sent cannot be understood.
    BadRequest,
    /// It is not allowed.
    Forbidden,
    /// The form is too old or came from elsewhere.
    FormExpired,
    /// It is not there, or belongs to somebody else.
    NotFound,
    /// It cannot be done as things are now, for this reason.
    Conflict(Hindrance),
    /// What was sent is too large.
    TooLarge,
    /// Too often: so many seconds to wait.
    TooMany(u64),
    /// An internal fault; the number stands in the log.
    Internal {
        /// Names the line of the log.
        reference: String,
    },
    /// The server is stopping or its database cannot be reached.
    Unavailable,
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// Nothing was prepared.
    Empty,
    /// So many entries of so many are not verified.
    NotReady {
        /// Not verified.
        open: u64,
        /// All.
        all: u64,
    },
    /// Somebody changed it meanwhile.
    Changed,
    /// It has ended.
    Ended,
    /// It is still working.
    StillWorking,
    /// Nothing failed that could be tried again.
    NothingToRetry,
    /// The passwords were erased.
    SecretsErased,
    /// The name is taken.
    NameTaken,
    /// A mailimport of the domain still works.
    DomainBusy,
}

/// The page.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub f: Frame,
    /// Why.
    pub fault: Fault,
    /// Where to go back to, a path of this site.
    pub back: Option<String>,
}

impl ErrorPage {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self.fault {
            Fault::BadRequest => 400,
            Fault::Forbidden | Fault::FormExpired => 403,
            Fault::NotFound => 404,
            Fault::Conflict(_) => 409,
            Fault::TooLarge => 413,
            Fault::TooMany(_) => 429,
            Fault::Internal { .. } => 500,
            Fault::Unavailable => 503,
        }
    }

    fn key(&self) -> &'static str {
        match self.fault {
            Fault::BadRequest => "fault-bad-request",
            Fault::Forbidden => "fault-forbidden",
            Fault::FormExpired => "fault-form-expired",
            Fault::NotFound => "fault-not-found",
            Fault::Conflict(_) => "fault-conflict",
            Fault::TooLarge => "fault-too-large",
            Fault::TooMany(_) => "fault-too-many",
            Fault::Internal { .. } => "fault-internal",
            Fault::Unavailable => "fault-unavailable",
        }
    }

    pub(crate) fn heading(&self) -> String {
        self.f.say(self.key()).into_owned()
    }

    /// What it means and what to do.
    pub(crate) fn sentence(&self) -> String {
        let f = &self.f;
        match &self.fault {
            Fault::Conflict(hindrance) => hindrance.sentence(f),
            Fault::TooMany(seconds) => f.count("too-many-seconds", seconds).into_owned(),
            _ => f.say(&format!("{}-why", self.key())).into_owned(),
        }
    }

    pub(crate) fn reference(&self) -> Option<&str> {
        match &self.fault {
            Fault::Internal { reference } if !reference.is_empty() => Some(reference),
            _ => None,
        }
    }
}

impl Hindrance {
    fn sentence(self, f: &Frame) -> String {
        let key = match self {
            Hindrance::NotReady { open, all } => {
                let values = [("n", crate::words::number(open)), ("all", crate::words::number(all))];
                return f.words.with("conflict-not-ready", &values).into_owned();
            }
            Hindrance::Empty => "conflict-empty",
            Hindrance::Changed => "conflict-changed",
            Hindrance::Ended => "conflict-ended",
            Hindrance::StillWorking => "conflict-still-working",
            Hindrance::NothingToRetry => "conflict-nothing-to-retry",
            Hindrance::SecretsErased => "conflict-secrets-erased",
            Hindrance::NameTaken => "conflict-name-taken",
            Hindrance::DomainBusy => "conflict-domain-busy",
        };
        f.say(key).into_owned()
    }
}
