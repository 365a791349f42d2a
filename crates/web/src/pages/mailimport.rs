//! The page *Mailimport* of a domain: the form in two tabs, the prepared list, the start, current and finished runs.

use askama::Template;
use service::Readiness;
use service::model::{Domain, Entry, Problem, RunSummary};
use service::password_policy::{MIN_CHARS, SPECIAL, Unmet};

use super::entry::entry_row;
use super::field::{self, Field, Kind};
use super::frame::{Frame, Live, Pager};
use super::run::{run_card, run_line};
use crate::html::Html;
use crate::names::shown;
use crate::words::{Words, number};

/// The form that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// One account.
    #[default]
    Single,
    /// A CSV file or pasted lines.
    Csv,
}

/// What was typed before and could not be taken; never a password.
#[derive(Debug, Clone, Default)]
pub struct EntryValues {
    /// IMAP server.
    pub server: String,
    /// IMAP user name.
    pub username: String,
    /// Mailbox.
    pub mailbox: String,
}

/// The page.
#[derive(Template)]
#[template(path = "mailimport.html")]
pub struct Mailimport {
    /// The frame.
    pub f: Frame,
    /// The domain.
    pub domain: Domain,
    /// The form that is shown.
    pub tab: Tab,
    /// What was typed and could not be taken.
    pub values: EntryValues,
    /// Why it could not be taken.
    pub problems: Vec<Problem>,
    /// The entries of this page of the list.
    pub entries: Vec<Entry>,
    /// Links to the other pages of the list.
    pub pager: Pager,
    /// Whether the list can be started.
    pub readiness: Readiness,
    /// Runs that work or are paused.
    pub current: Vec<RunSummary>,
    /// Runs that have ended, newest first.
    pub finished: Vec<RunSummary>,
    /// Links to older runs.
    pub finished_pager: Pager,
}

impl Mailimport {
    /// The page with live changes after `revision`.
    #[must_use]
    pub fn live_from(mut self, revision: i64) -> Mailimport {
        self.f.live = Some(Live { address: format!("{}/events", base(&self.domain)), revision });
        self
    }

    pub(crate) fn base(&self) -> String {
        base(&self.domain)
    }

    pub(crate) fn tab_is(&self, tab: &str) -> bool {
        matches!((self.tab, tab), (Tab::Single, "single") | (Tab::Csv, "csv"))
    }

    pub(crate) fn title(&self) -> String {
        title(&self.f.words, &self.domain.name, &self.current)
    }

    pub(crate) fn summary_of_errors(&self) -> Html {
        field::summary(&self.f.words, &self.problems, field::same_id)
    }

    pub(crate) fn form(&self) -> Html {
        let first = if self.problems.is_empty() { Focus::Nowhere } else { Focus::Server };
        entry_form(&self.f.words, &self.domain.name, &self.values, &self.problems, Passwords::New, first)
    }

    pub(crate) fn file_problems(&self) -> Vec<String> {
        self.problems.iter().map(|problem| self.f.words.problem(problem)).collect()
    }

    pub(crate) fn row(&self, entry: &Entry) -> Html {
        entry_row(&self.f.words, &self.domain.name, entry)
    }

    pub(crate) fn start(&self) -> Html {
        summary(&self.f.words, &self.domain.name, &self.readiness)
    }

    pub(crate) fn card(&self, run: &RunSummary) -> Html {
        run_card(&self.f.words, run)
    }

    pub(crate) fn line(&self, run: &RunSummary) -> Html {
        run_line(&self.f.words, run)
    }

    pub(crate) fn example(&self) -> &'static str {
        match self.f.words.code() {
            "de" => crate::assets::url("beispiel.csv"),
            _ => crate::assets::url("example.csv"),
        }
    }
}

/// The address of a domain's page.
pub(crate) fn base(domain: &Domain) -> String {
    base_of(&domain.name)
}

pub(crate) fn base_of(domain: &str) -> String {
    format!("/domains/{domain}/mailimport")
}

/// With the percentage of what is running in front: `37 % – Mailimport – example.org`.
pub(crate) fn title(words: &Words, domain: &str, current: &[RunSummary]) -> String {
    let page = format!("{} – {}", words.say("mailimport"), shown(domain));
    let running = current.iter().filter(|run| run.state.is_current());
    match running.map(|run| run.progress.percent()).min() {
        Some(percent) => format!("{} – {page}", words.percent(percent)),
        None => page,
    }
}

#[derive(Template)]
#[template(path = "summary.html")]
struct Summary<'a> {
    w: &'a Words,
    r: &'a Readiness,
    base: String,
    counts: String,
    reason: Option<String>,
}

/// The counts of the list and the start button, with the reason why it cannot be pressed.
pub(crate) fn summary(words: &Words, domain: &str, readiness: &Readiness) -> Html {
    let reason = match readiness {
        r if r.can_start() || r.entries == 0 => None,
        r if r.need_attention > 0 => {
            let values = [("n", number(r.need_attention)), ("all", number(r.entries))];
            Some(words.with("start-need-attention", &values))
        }
        r => Some(words.with("start-pending", &[("n", number(r.pending)), ("all", number(r.entries))])),
    };
    let counts = counts(words, readiness);
    let reason = reason.map(|reason| reason.into_owned());
    Html::of(&Summary { w: words, r: readiness, base: base_of(domain), counts, reason })
}

/// `14 entries: 11 ready, 2 need attention, 1 being checked`; also what a screen reader is told.
pub(crate) fn counts(words: &Words, readiness: &Readiness) -> String {
    let parts = [
        ("counts-verified", readiness.verified),
        ("counts-need-attention", readiness.need_attention),
        ("counts-pending", readiness.pending),
    ];
    let told: Vec<_> = parts.iter().filter(|(_, n)| *n > 0).map(|(key, n)| words.count(key, *n)).collect();
    let values = [("n", number(readiness.entries)), ("parts", told.join(", ").into())];
    words.with("counts", &values).into_owned()
}

/// What empty password fields mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passwords {
    New,
    Kept,
}

/// Where the cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    Nowhere,
    Server,
}

#[derive(Template)]
#[template(path = "entry_fields.html")]
struct EntryFields<'a> {
    w: &'a Words,
    server: Html,
    username: Html,
    password: Html,
    mailbox: Html,
    mailbox_password: Html,
}

/// The five fields of an entry, for adding and for correcting.
pub(crate) fn entry_form(
    words: &Words,
    domain: &str,
    values: &EntryValues,
    problems: &[Problem],
    passwords: Passwords,
    focus: Focus,
) -> Html {
    let new = passwords == Passwords::New;
    let server = Field::new(words, "server", "field-server")
        .hint(words.say("hint-server"))
        .value(&values.server)
        .optional()
        .problems(words, problems);
    let server = if focus == Focus::Server { server.focused() } else { server };
    let password =
        Field::new(words, "password", "field-password").kind(Kind::Password).problems(words, problems);
    let password = if new { password } else { password.optional().hint(words.say("hint-password-kept")) };
    let mailbox_hint = if new { "hint-mailbox-password" } else { "hint-mailbox-password-kept" };
    let fields = EntryFields {
        w: words,
        server: server.shown(),
        username: Field::new(words, "username", "field-username")
            .hint(words.say("hint-username"))
            .value(&values.username)
            .problems(words, problems)
            .shown(),
        password: password.shown(),
        mailbox: Field::new(words, "mailbox", "field-mailbox")
            .hint(words.say("hint-mailbox"))
            .value(&values.mailbox)
            .suffix(format!("@{}", shown(domain)))
            .problems(words, problems)
            .shown(),
        mailbox_password: Field::new(words, "mailbox_password", "field-mailbox_password")
            .kind(Kind::Password)
            .hint(words.say(mailbox_hint))
            .optional()
            .autocomplete("new-password")
            .problems(words, problems)
            .below("guideline", guideline(words))
            .shown(),
    };
    Html::of(&fields)
}

/// A rule of the checklist, with what a script needs to judge it.
struct Rule {
    name: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "guideline.html")]
struct Guideline<'a> {
    w: &'a Words,
    rules: Vec<Rule>,
    least: usize,
    special: &'static str,
}

/// The password guideline, which a script turns into a live checklist.
fn guideline(words: &Words) -> Html {
    let rule = |unmet: Unmet| {
        let name = match unmet {
            Unmet::Length => "length",
            Unmet::Lowercase => "lowercase",
            Unmet::Uppercase => "uppercase",
            Unmet::DigitOrSpecial => "digit-or-special",
        };
        let values = [("n", number(MIN_CHARS as u64)), ("special", SPECIAL.into())];
        Rule { name, text: words.with(&format!("guideline-{name}"), &values).into_owned() }
    };
    let rules = Unmet::ALL.into_iter().map(rule).collect();
    Html::of(&Guideline { w: words, rules, least: MIN_CHARS, special: SPECIAL })
}
