//! A sentence for every state, problem, failure, exception and note.
//!
//! What the locales do not know (a class of a later version) is said in the English that came with it.

use engine::report::{Exception, Note, Verdict};
use service::model::{
    Entry, EntryState, Failure, FoundBy, Import, ImportState, Language, MailboxEnd, Notice, NoticeState,
    Problem, ProviderHint, Role, RunState, RunSummary, Scope,
};

use super::{Value, Words, number};

/// What a state means for who looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do, nothing happens.
    Quiet,
    /// Something happens.
    Busy,
    /// It went well.
    Good,
    /// Somebody should look at it.
    Attention,
    /// It went wrong.
    Bad,
}

impl Tone {
    /// The name in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Quiet => "calm",
            Tone::Busy => "busy",
            Tone::Good => "good",
            Tone::Attention => "attention",
            Tone::Bad => "bad",
        }
    }

    /// The sign beside the word: a state is never told by colour alone.
    pub fn icon(self) -> &'static str {
        match self {
            Tone::Quiet => "clock",
            Tone::Busy => "busy",
            Tone::Good => "check",
            Tone::Attention => "alert",
            Tone::Bad => "cross",
        }
    }
}

/// A state as it is shown: sign, word, colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// What it means.
    pub tone: Tone,
    /// The sign.
    pub icon: &'static str,
    /// The word.
    pub text: String,
}

impl Chip {
    fn new(tone: Tone, text: impl Into<String>) -> Chip {
        Chip { tone, icon: tone.icon(), text: text.into() }
    }
}

impl Words {
    /// The state of an entry.
    pub fn entry_state(&self, state: EntryState) -> Chip {
        let (tone, key) = match state {
            EntryState::Invalid => (Tone::Attention, "entry-state-invalid"),
            EntryState::Queued => (Tone::Quiet, "entry-state-queued"),
            EntryState::Checking => (Tone::Busy, "entry-state-checking"),
            EntryState::Verified => (Tone::Good, "entry-state-verified"),
            EntryState::CheckFailed => (Tone::Attention, "entry-state-check_failed"),
        };
        Chip::new(tone, self.say(key))
    }

    /// The state of an import, with the time of the next attempt or the number of exceptions in it.
    pub fn import_state(&self, import: &Import) -> Chip {
        match (import.state, import.retry_at) {
            (ImportState::Retrying, Some(at)) => {
                Chip::new(Tone::Attention, self.naming("import-state-retrying-at", self.time(at)))
            }
            (ImportState::DoneWithExceptions, _) => {
                Chip::new(Tone::Attention, self.count("import-state-done_with_exceptions", import.exceptions))
            }
            (state, _) => {
                let mut chip = Chip::new(import_tone(state), self.say(import_key(state)));
                chip.icon = match state {
                    ImportState::Paused => "pause",
                    ImportState::Cancelled => "stop",
                    _ => chip.icon,
                };
                chip
            }
        }
    }

    /// The state of a run, with the number of exceptions in it.
    pub fn run_state(&self, run: &RunSummary) -> Chip {
        let (tone, key) = match run.state {
            RunState::Running => (Tone::Busy, "run-state-running"),
            RunState::Paused => (Tone::Quiet, "run-state-paused"),
            RunState::Completed => (Tone::Good, "run-state-completed"),
            RunState::CompletedWithExceptions => {
                let text = self.count("run-state-completed_with_exceptions", run.exceptions);
                return Chip::new(Tone::Attention, text);
            }
            RunState::Failed => (Tone::Bad, "run-state-failed"),
            RunState::Cancelled => (Tone::Quiet, "run-state-cancelled"),
        };
        let mut chip = Chip::new(tone, self.say(key));
        chip.icon = match run.state {
            RunState::Paused => "pause",
            RunState::Cancelled => "stop",
            _ => chip.icon,
        };
        chip
    }

    /// How a report ends.
    pub fn verdict(&self, verdict: Verdict) -> Chip {
        match verdict {
            Verdict::Complete => Chip::new(Tone::Good, self.say("verdict-complete")),
            Verdict::CompleteWithExceptions => {
                Chip::new(Tone::Attention, self.say("verdict-complete_with_exceptions"))
            }
            Verdict::Incomplete => Chip::new(Tone::Bad, self.say("verdict-incomplete")),
        }
    }

    /// The sentence of a problem or note.
    pub fn problem(&self, problem: &Problem) -> String {
        let key = format!("problem-{}", problem.code);
        if !self.knows(&key) {
            return problem.message.clone();
        }
        let values: Vec<(&str, Value<'_>)> =
            problem.args.iter().map(|(name, value)| (name.as_str(), self.argument(name, value))).collect();
        self.with(&key, &values).into_owned()
    }

    /// Numbers as numbers, names of fields and columns in the language, the rest as it is.
    fn argument<'a>(&self, name: &str, value: &'a str) -> Value<'a> {
        if let Ok(n) = value.parse::<u64>() {
            return number(n);
        }
        if name.starts_with("column") {
            let named = |field: &str| match self.field(field) {
                Some(label) => label,
                None => field.to_owned(),
            };
            return Value::from(value.split(", ").map(named).collect::<Vec<_>>().join(", "));
        }
        Value::from(value)
    }

    /// The label of a field of an entry.
    pub fn field(&self, field: &str) -> Option<String> {
        let key = format!("field-{field}");
        self.knows(&key).then(|| self.say(&key).into_owned())
    }

    /// What a customer is told about a failure.
    pub fn failure(&self, failure: &Failure) -> String {
        self.known(&format!("failure-{}", failure.class), &failure.message)
    }

    /// Whose side failed.
    pub fn failure_side(&self, failure: &Failure) -> String {
        use service::model::Side;
        let key = match failure.side {
            Side::Source => "side-source",
            Side::Destination => "side-destination",
            Side::Internal => "side-internal",
        };
        self.say(key).into_owned()
    }

    /// Why a message or folder did not arrive.
    pub fn exception(&self, exception: &Exception) -> String {
        let values = [("folder", exception.folder.as_str().into())];
        let key = match exception.uid {
            Some(_) => format!("exception-{}", exception.class),
            None => format!("exception-folder-{}", exception.class),
        };
        match self.language {
            // What the engine says in English is more exact than what a class can say.
            Language::English => exception.message.clone(),
            Language::German if self.knows(&key) => self.with(&key, &values).into_owned(),
            Language::German => exception.message.clone(),
        }
    }

    /// Something worth knowing from a report.
    pub fn note(&self, note: &Note) -> String {
        match self.language {
            Language::English => note.message.clone(),
            Language::German => self.known(&format!("note-{}", note.class), &note.message),
        }
    }

    /// Why a folder was renamed or left out: the engine's English sentences, each of which has its German.
    pub fn engine_reason(&self, why: &str) -> String {
        match self.language {
            Language::English => why.to_owned(),
            Language::German => super::reasons::in_german(why),
        }
    }

    /// How the server of an entry was found.
    pub fn found_by(&self, by: FoundBy) -> String {
        let key = match by {
            FoundBy::Given => "found-given",
            FoundBy::KnownProvider => "found-known_provider",
            FoundBy::Srv => "found-srv",
            FoundBy::Autoconfig => "found-autoconfig",
        };
        self.say(key).into_owned()
    }

    /// What the old provider asks for.
    pub fn hint(&self, hint: ProviderHint, provider: Option<&str>) -> String {
        let key = match hint {
            ProviderHint::AppPassword => "hint-app_password",
            ProviderHint::SwitchOnImap => "hint-switch_on_imap",
            ProviderHint::MailProgramPassword => "hint-mail_program_password",
            ProviderHint::SignInPage => "hint-sign_in_page",
        };
        match provider {
            Some(name) => self.naming(&format!("{key}-named"), name).into_owned(),
            None => self.say(key).into_owned(),
        }
    }

    /// What an API token may do.
    pub fn scope(&self, scope: Scope) -> String {
        let key = match scope {
            Scope::Read => "scope-read",
            Scope::Write => "scope-write",
            Scope::Admin => "scope-admin",
        };
        self.say(key).into_owned()
    }

    /// How a notice fared: `Delivered.`, or why not and what comes.
    pub fn notice(&self, notice: &Notice) -> String {
        let said = match (notice.state, notice.outcome) {
            (NoticeState::Delivered, _) => self.say("notice-delivered").into_owned(),
            (_, None) => self.say("notice-waiting").into_owned(),
            (_, Some(outcome)) => {
                let key = format!("notice-outcome-{}", outcome.as_str());
                self.known(&key, outcome.message())
            }
        };
        let again = notice.retry_at.map(|at| format!(" {}", self.naming("notice-retry-at", self.time(at))));
        said + &again.unwrap_or_default()
    }

    /// When a notice was tried last, with the status and the number of attempts: `24 Nov 2026, 14:32 · Status 503`.
    pub fn notice_facts(&self, notice: &Notice) -> String {
        let code = notice.code.map(|code| self.naming("notice-code", code.to_string()).into_owned());
        let attempts =
            (notice.attempts > 1).then(|| self.count("notice-attempts", notice.attempts).into_owned());
        let facts = [Some(self.moment(notice.at)), code, attempts];
        facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// How the import into a mailbox ended, and why where it failed.
    pub fn mailbox_end(&self, end: &MailboxEnd) -> String {
        match (end.state, &end.failure) {
            (ImportState::DoneWithExceptions, _) => {
                self.count("import-state-done_with_exceptions", end.exceptions).into_owned()
            }
            (state, Some(failure)) => format!("{}. {}", self.say(import_key(state)), self.failure(failure)),
            (state, None) => self.say(import_key(state)).into_owned(),
        }
    }

    /// What somebody is.
    pub fn role(&self, role: Role) -> String {
        let key = match role {
            Role::Operator => "role-operator",
            Role::Customer => "role-customer",
        };
        self.say(key).into_owned()
    }

    /// An action of the audit log; the log's own word where there is no sentence.
    pub fn audit_action(&self, action: &str) -> String {
        self.known(&format!("audit-{}", action.replace('.', "-")), action)
    }

    /// What the latest check of an entry saw: `4,312 messages in 27 folders, 2.1 GB, about 11 minutes`.
    pub fn seen(&self, entry: &Entry) -> Option<String> {
        let check = entry.check.as_ref().filter(|_| entry.state == EntryState::Verified)?;
        let messages = self.count("messages", check.messages);
        let folders = self.count("folders", check.folders);
        let values = [("messages", messages.as_ref().into()), ("folders", folders.as_ref().into())];
        let mut parts = vec![self.with("seen-messages-in-folders", &values).into_owned()];
        parts.extend(check.octets.map(|octets| self.octets(octets)));
        parts.extend(check.estimate.as_ref().map(|estimate| self.estimate(estimate)));
        Some(parts.join(", "))
    }

    fn known(&self, key: &str, otherwise: &str) -> String {
        if self.knows(key) { self.say(key).into_owned() } else { otherwise.to_owned() }
    }
}

fn import_tone(state: ImportState) -> Tone {
    match state {
        ImportState::Waiting | ImportState::Paused | ImportState::Cancelled => Tone::Quiet,
        ImportState::Creating | ImportState::Scanning | ImportState::Copying => Tone::Busy,
        ImportState::Done => Tone::Good,
        ImportState::Retrying | ImportState::DoneWithExceptions => Tone::Attention,
        ImportState::Failed => Tone::Bad,
    }
}

fn import_key(state: ImportState) -> &'static str {
    match state {
        ImportState::Waiting => "import-state-waiting",
        ImportState::Creating => "import-state-creating",
        ImportState::Scanning => "import-state-scanning",
        ImportState::Copying => "import-state-copying",
        ImportState::Retrying => "import-state-retrying",
        ImportState::Paused => "import-state-paused",
        ImportState::Done => "import-state-done",
        ImportState::DoneWithExceptions => "import-state-done_with_exceptions",
        ImportState::Failed => "import-state-failed",
        ImportState::Cancelled => "import-state-cancelled",
    }
}
