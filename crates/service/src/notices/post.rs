//! Sending an e-mail: one connection to the operator's mail server, one message, plain text.
//!
//! What comes from people or from the database goes into headers only through types that encode it: no text can add a
//! header or another recipient.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::letters::{Letter, Letters, Sender};
use super::mail_server::{Privacy, SmtpServer};
use super::telling::Answer;
use crate::model::NoticeOutcome;

/// For each step of the conversation, and for all of it.
const STEP: Duration = Duration::from_secs(20);
const ALL: Duration = Duration::from_secs(60);

/// Longest subject, in characters.
const SUBJECT: usize = 200;

/// How e-mails are sent, and what they say.
#[derive(Clone)]
pub struct MailOut {
    /// By which server.
    pub server: SmtpServer,
    /// From whom.
    pub from: Sender,
    /// In which words.
    pub letters: Arc<dyn Letters>,
}

impl fmt::Debug for MailOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailOut")
            .field("server", &self.server)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl MailOut {
    /// Sends a letter. `id` and `at` are the same however often the same one is sent.
    pub(super) async fn send(
        &self,
        trust: &imap::TlsTrust,
        to: &str,
        letter: Letter,
        (id, at): (Uuid, SystemTime),
    ) -> Answer {
        let message = match self.message(to, letter, (id, at)) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "an e-mail cannot be written");
                return Answer::never(NoticeOutcome::MailRefused, None);
            }
        };
        let transport = match self.transport(trust) {
            Ok(transport) => transport,
            Err(error) => return answer(&error),
        };
        match tokio::time::timeout(ALL, transport.send(message)).await {
            Ok(Ok(_)) => Answer::taken(None),
            Ok(Err(error)) => answer(&error),
            Err(_) => Answer::later(NoticeOutcome::MailUnavailable, None),
        }
    }

    fn message(
        &self,
        to: &str,
        letter: Letter,
        (id, at): (Uuid, SystemTime),
    ) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let subject = letter.subject.chars().filter(|c| !c.is_control()).take(SUBJECT).collect::<String>();
        // RFC 3834, section 5: no holiday notice comes back.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = Message::builder()
            .from(self.from.0.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(subject)
            .date(at)
            .message_id(Some(format!("<{id}@{}>", self.from.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body)?;
        Ok(message)
    }

    fn transport(&self, trust: &imap::TlsTrust) -> Result<AsyncSmtpTransport<Tokio1Executor>, SmtpError> {
        let tls = match self.server.privacy {
            Privacy::Loopback => Tls::None,
            Privacy::Tls => Tls::Wrapper(self.tls(trust)?),
            Privacy::StartTls => Tls::Required(self.tls(trust)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server.host)
            .port(self.server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(self.from.domain().to_owned()))
            .timeout(Some(STEP));
        if let Some((user, password)) = &self.server.user {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(builder.build())
    }

    fn tls(&self, trust: &imap::TlsTrust) -> Result<TlsParameters, SmtpError> {
        let mut builder = TlsParameters::builder(self.server.host.clone());
        for root in &trust.additional_roots {
            builder = builder.add_root_certificate(Certificate::from_der(root.to_vec())?);
        }
        builder.build()
    }
}

/// What a failure means. That the operator's password is not taken is no fault of the customer's address.
fn answer(error: &SmtpError) -> Answer {
    tracing::warn!(%error, "the mail server did not take an e-mail");
    let code = error.status().map(u16::from);
    match code {
        Some(530 | 534 | 535 | 538) => Answer::later(NoticeOutcome::MailUnavailable, code),
        Some(500..) => Answer::never(NoticeOutcome::MailRefused, code),
        code => Answer::later(NoticeOutcome::MailUnavailable, code),
    }
}

#[cfg(test)]
mod tests {
    use testkit::smtp::{Encryption, Smtp};

    use super::*;
    use crate::model::{Language, RunEnd};

    struct NoWords;

    impl Letters for NoWords {
        fn run_ended(&self, _: Language, _: &RunEnd, _: Option<&str>) -> Letter {
            self.test(Language::English)
        }

        fn test(&self, _: Language) -> Letter {
            Letter { subject: String::new(), body: String::new() }
        }
    }

    fn written(to: &str, subject: &str) -> Option<String> {
        let mail = MailOut {
            server: "smtp://localhost".parse().unwrap(),
            from: "Mailimport <mailimport@example.org>".parse().unwrap(),
            letters: Arc::new(NoWords),
        };
        let letter = Letter { subject: subject.to_owned(), body: "Grüße\nBcc: in the body\n".to_owned() };
        let message = mail.message(to, letter, (Uuid::from_u128(7), SystemTime::UNIX_EPOCH)).ok()?;
        Some(String::from_utf8(message.formatted()).unwrap())
    }

    fn certificate() -> (Arc<rustls::ServerConfig>, imap::TlsTrust) {
        let directory = tempfile::tempdir().unwrap();
        let files = testkit::certificate::write(testkit::certificate::Kind::Good, directory.path()).unwrap();
        let roots = imap::TlsTrust::parse_pem(&std::fs::read(&files.ca).unwrap()).unwrap();
        let trust = imap::TlsTrust { additional_roots: roots, pin: None };
        (testkit::certificate::server_config(&files).unwrap(), trust)
    }

    async fn sent(server: &Smtp, privacy: Privacy, trust: &imap::TlsTrust) -> NoticeOutcome {
        let mut to: SmtpServer =
            format!("smtp://mail:p%40ss@localhost:{}", server.addr().port()).parse().unwrap();
        to.privacy = privacy;
        let from = "mailimport@example.org".parse().unwrap();
        let mail = MailOut { server: to, from, letters: Arc::new(NoWords) };
        let letter = Letter { subject: "Hallo".to_owned(), body: "ja".to_owned() };
        mail.send(trust, "a@example.org", letter, (Uuid::from_u128(7), SystemTime::UNIX_EPOCH)).await.outcome
    }

    #[tokio::test]
    async fn encryption_is_insisted_on_before_a_password_is_said() {
        let (tls, trust) = certificate();
        let offering = Smtp::start(Encryption::Offered(Arc::clone(&tls)), |_| None).unwrap();
        let implicit = Smtp::start(Encryption::Implicit(tls), |_| None).unwrap();
        let plain = Smtp::start(Encryption::None, |_| None).unwrap();
        assert_eq!(sent(&offering, Privacy::StartTls, &trust).await, NoticeOutcome::Delivered);
        assert_eq!(sent(&implicit, Privacy::Tls, &trust).await, NoticeOutcome::Delivered);
        for server in [&offering, &implicit] {
            let taken = server.taken();
            assert!(taken.len() == 1 && taken[0].encrypted, "{taken:?}");
            assert_eq!(taken[0].login, Some(("mail".to_owned(), "p@ss".to_owned())));
        }
        assert_eq!(sent(&plain, Privacy::StartTls, &trust).await, NoticeOutcome::MailUnavailable);
        assert_eq!(sent(&plain, Privacy::Tls, &trust).await, NoticeOutcome::MailUnavailable);
        assert_eq!(plain.taken(), []);
        // Nor is anything said to a server whose certificate nobody has signed for.
        let nobody = imap::TlsTrust::default();
        assert_eq!(sent(&offering, Privacy::StartTls, &nobody).await, NoticeOutcome::MailUnavailable);
        assert_eq!(offering.taken().len(), 1);
    }

    #[test]
    fn no_text_of_anybody_becomes_a_header() {
        for hostile in
            ["x\r\nBcc: b@example.org", "x\nBcc: b@example.org", "x\rBcc: b@example.org", "ü\r\n\r\nBcc: b"]
        {
            let text = written("a@example.org", hostile).unwrap();
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            let names: Vec<&str> = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split(':').next().unwrap())
                .collect();
            let expected = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type"];
            assert!(expected.iter().all(|name| names.contains(name)), "{names:?}");
            assert!(!names.contains(&"Bcc"), "{head}");
            assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{head:?}");
        }
        for to in
            ["a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "a@x>\r\nRCPT TO:<b@y"]
        {
            assert_eq!(written(to, "x"), None, "{to:?}");
        }
    }

    #[test]
    fn the_same_letter_has_the_same_id_and_date_and_no_holiday_notice_comes_back() {
        let text = written("a@example.org", "Fertig: müller.example").unwrap();
        assert_eq!(written("a@example.org", "Fertig: müller.example").unwrap(), text);
        assert!(
            text.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.org>\r\n"),
            "{text}"
        );
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
        assert!(text.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{text}");
    }
}
