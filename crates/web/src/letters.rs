//! What customers are told by e-mail, in the words of the pages.
//!
//! Names of domains and mailboxes are the only text in it that anybody else has chosen; they are put on lines of their own
//! without control characters.

use service::model::{Language, MailboxEnd, RunEnd, RunState};
use service::notices::{Letter, Letters};

use crate::names::shown;
use crate::words::Words;

/// E-mails in English and German.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainLetters;

impl Letters for PlainLetters {
    fn run_ended(&self, language: Language, end: &RunEnd, page: Option<&str>) -> Letter {
        let words = Words::new(language, None);
        Letter { subject: subject(&words, end), body: body(&words, end, page) }
    }

    fn test(&self, language: Language) -> Letter {
        let words = Words::new(language, None);
        Letter {
            subject: words.say("letter-test-subject").into_owned(),
            body: format!("{}\n", words.say("letter-test-body")),
        }
    }
}

fn subject(words: &Words, end: &RunEnd) -> String {
    let verdict = words.say(match end.state {
        RunState::Completed => "letter-verdict-completed",
        RunState::CompletedWithExceptions => "letter-verdict-exceptions",
        RunState::Cancelled => "letter-verdict-cancelled",
        RunState::Failed | RunState::Running | RunState::Paused => "letter-verdict-failed",
    });
    let (domain, mailboxes) = (one_line(&shown(&end.domain)), words.count("letter-mailboxes", end.total()));
    let messages = words.count("messages", end.messages);
    let values = [
        ("domain", domain.into()),
        ("verdict", verdict.as_ref().into()),
        ("mailboxes", mailboxes.as_ref().into()),
        ("messages", messages.as_ref().into()),
    ];
    words.with("letter-subject", &values).into_owned()
}

fn body(words: &Words, end: &RunEnd, page: Option<&str>) -> String {
    let (lead, next) = match end.state {
        RunState::Completed => ("letter-lead-completed", "letter-next-completed"),
        RunState::CompletedWithExceptions => ("letter-lead-exceptions", "letter-next-exceptions"),
        RunState::Cancelled => ("letter-lead-cancelled", "letter-next-cancelled"),
        RunState::Failed | RunState::Running | RunState::Paused => {
            ("letter-lead-failed", "letter-next-failed")
        }
    };
    let mut text = format!("{}\n\n", words.naming(lead, one_line(&shown(&end.domain))));
    for mailbox in &end.mailboxes {
        text += &format!("- {}\n", line(words, mailbox));
    }
    let more = end.total().saturating_sub(end.mailboxes.len() as u64);
    if more > 0 {
        text += &format!("- {}\n", words.count("letter-more", more));
    }
    text += &format!("\n{}\n{}\n", words.say("letter-next"), words.say(next));
    if let Some(page) = page {
        text += &format!("\n{}\n{page}\n", words.say("letter-page"));
    }
    text + &format!("\n-- \n{}\n", words.say("letter-why"))
}

fn line(words: &Words, mailbox: &MailboxEnd) -> String {
    let (state, messages) = (words.mailbox_end(mailbox), words.count("messages", mailbox.messages));
    let values = [
        ("name", one_line(&shown(&mailbox.mailbox)).into()),
        ("state", state.into()),
        ("messages", messages.as_ref().into()),
    ];
    words.with("letter-line", &values).into_owned()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use service::model::{Failure, ImportState, RunId, Side, StateCounts};

    use super::*;

    fn mailbox(name: &str, state: ImportState, exceptions: u64) -> MailboxEnd {
        MailboxEnd {
            mailbox: format!("{name}@example.com"),
            state,
            messages: 4312,
            exceptions,
            failure: None,
        }
    }

    fn end(state: RunState, mailboxes: Vec<MailboxEnd>, done: u64) -> RunEnd {
        RunEnd {
            run: RunId(uuid::Uuid::from_u128(1)),
            number: 3,
            domain: "example.com".into(),
            state,
            finished_at: Timestamp::UNIX_EPOCH,
            imports: StateCounts { done, ..StateCounts::default() },
            messages: 43_120,
            imported: 43_120,
            octets: 2_100_000_000,
            exceptions: 0,
            mailboxes,
        }
    }

    #[test]
    fn a_letter_says_how_it_ended_what_to_do_and_where_to_look() {
        let failed = MailboxEnd {
            failure: Some(Failure {
                side: Side::Source,
                class: "auth".into(),
                message: "no".into(),
                detail: None,
                retried: false,
            }),
            ..mailbox("carl", ImportState::Failed, 0)
        };
        let mailboxes = vec![
            failed,
            mailbox("berta", ImportState::DoneWithExceptions, 3),
            mailbox("anna", ImportState::Done, 0),
        ];
        let end = end(RunState::Failed, mailboxes, 500);
        let page = Some("https://mailimport.example.org/runs/1");
        let letters = [Language::English, Language::German].map(|language| {
            let letter = PlainLetters.run_ended(language, &end, page);
            format!("Subject: {}\n\n{}", letter.subject, letter.body)
        });
        insta::assert_snapshot!(letters.join("==\n"));
    }

    #[test]
    fn a_complete_one_is_short_and_no_name_adds_a_line() {
        let mut end = end(RunState::Completed, vec![mailbox("anna\r\nBcc: b", ImportState::Done, 0)], 1);
        end.domain = "xn--mller-kva.example".into();
        assert!(
            PlainLetters.run_ended(Language::English, &end, None).subject.contains("for müller.example:")
        );
        end.domain = "example.com\r\nBcc: b@example.org".into();
        let letter = PlainLetters.run_ended(Language::English, &end, None);
        assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
        assert!(!letter.body.contains('\r') && !letter.body.contains("\nBcc"), "{}", letter.body);
        assert!(!letter.body.contains("more"), "{}", letter.body);
        for state in [RunState::CompletedWithExceptions, RunState::Cancelled] {
            end.state = state;
            assert!(
                !PlainLetters.run_ended(Language::German, &end, None).body.contains("letter-"),
                "{state:?}"
            );
        }
    }
}
