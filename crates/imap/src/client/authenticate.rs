//! AUTHENTICATE and LOGIN (RFC 9051, sections 6.2.2 and 6.2.3).
//!
//! Wrong credentials lock accounts, so they are counted over all connections of an import and never
//! tried again by another mechanism. Nothing secret is ever logged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::Connection;
use super::connection::Reply;
use super::oauth;
use super::scram::{Scram, ScramProof};
use crate::error::{Error, FramingFault};
use crate::protocol::{Command, Condition, ResponseCode, StatusText};

/// Who we are.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// User and password.
    Password {
        /// The user whose password it is.
        user: String,
        /// The password.
        password: SecretString,
        /// The account to act as, where the user may (a master user).
        authorization_id: Option<String>,
    },
    /// An OAuth access token.
    OAuth {
        /// The account.
        user: String,
        /// The token.
        token: SecretString,
    },
}

/// How often credentials may be sent, over all connections that share it, until they are accepted
/// once. Clones share the count.
#[derive(Clone, Debug)]
pub struct AttemptBudget {
    state: Arc<BudgetState>,
}

#[derive(Debug)]
struct BudgetState {
    left: AtomicU32,
    accepted: AtomicBool,
}

impl Default for AttemptBudget {
    /// Two: one, and one for a mechanism that the server offered by mistake.
    fn default() -> AttemptBudget {
        AttemptBudget::new(2)
    }
}

impl AttemptBudget {
    /// A budget of this many attempts.
    pub fn new(attempts: u32) -> AttemptBudget {
        AttemptBudget {
            state: Arc::new(BudgetState { left: AtomicU32::new(attempts), accepted: AtomicBool::new(false) }),
        }
    }

    /// How many attempts are left; unimportant once one succeeded.
    pub fn left(&self) -> u32 {
        self.state.left.load(Ordering::SeqCst)
    }

    fn take(&self) -> Result<(), Error> {
        if self.state.accepted.load(Ordering::SeqCst) {
            return Ok(());
        }
        let taken =
            self.state.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        taken.map(|_| ()).map_err(|_| Error::AttemptsExhausted)
    }

    fn accept(&self) {
        self.state.accepted.store(true, Ordering::SeqCst);
    }
}

/// How often a server may ask on within one login.
const CHALLENGES: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    ScramSha256,
    Plain,
    Login,
    OAuthBearer,
    XOAuth2,
}

/// What is to be said next within one login.
enum Talk {
    Scram(Scram),
    ScramVerify(ScramProof),
    Said,
    OAuth(&'static str),
}

impl Connection {
    /// Logs in by the best mechanism both sides know, then learns the capabilities anew.
    ///
    /// # Errors
    /// [`Error::AuthenticationRefused`]: the credentials are wrong; they are not tried again.
    /// [`Error::Refused`]: they were not judged (the server is busy, for example).
    pub async fn authenticate(
        &mut self,
        credentials: &Credentials,
        attempts: &AttemptBudget,
    ) -> Result<(), Error> {
        if self.authenticated {
            return Ok(());
        }
        let mechanisms = self.mechanisms(credentials)?;
        let mut refused = None;
        for mechanism in mechanisms {
            attempts.take()?;
            // Capabilities from before the login count no more (RFC 9051, section 6.2.2).
            let before = std::mem::take(&mut self.capabilities);
            let sasl_ir = before.has("SASL-IR") || before.has("IMAP4rev2");
            let (status, detail) = match mechanism {
                Mechanism::Login => (self.login(credentials).await?, None),
                _ => self.sasl(mechanism, credentials, sasl_ir).await?,
            };
            if status.condition == Condition::Ok {
                attempts.accept();
                self.authenticated = true;
                return self.ensure_capabilities().await;
            }
            self.capabilities = before;
            let unavailable = status.condition == Condition::Bad || status.code == Some(ResponseCode::Cannot);
            let error = refusal(status, detail);
            if !unavailable {
                return Err(error);
            }
            refused = Some(error);
        }
        Err(refused.unwrap_or(Error::LoginDisabled))
    }

    /// The mechanisms to try, the best first.
    fn mechanisms(&self, credentials: &Credentials) -> Result<Vec<Mechanism>, Error> {
        let offers =
            |name: &str| self.capabilities.mechanisms().any(|known| known.eq_ignore_ascii_case(name));
        let candidates = match credentials {
            Credentials::OAuth { .. } => {
                vec![("OAUTHBEARER", Mechanism::OAuthBearer), ("XOAUTH2", Mechanism::XOAuth2)]
            }
            // Dovecot 2.3 refuses an authorization identity within SCRAM but takes it with PLAIN.
            Credentials::Password { authorization_id: Some(_), .. } => {
                vec![("PLAIN", Mechanism::Plain), ("SCRAM-SHA-256", Mechanism::ScramSha256)]
            }
            Credentials::Password { .. } => {
                vec![("SCRAM-SHA-256", Mechanism::ScramSha256), ("PLAIN", Mechanism::Plain)]
            }
        };
        let mut usable: Vec<Mechanism> =
            candidates.into_iter().filter(|(name, _)| offers(name)).map(|(_, mechanism)| mechanism).collect();
        let disabled = self.capabilities.has("LOGINDISABLED");
        if let Credentials::Password { user, password, authorization_id } = credentials {
            if user.contains('\0') || password.expose_secret().contains('\0') {
                return Err(Error::UnsendableCredentials);
            }
            if authorization_id.is_none() && !disabled {
                usable.push(Mechanism::Login);
            }
            if usable.is_empty() && disabled {
                return Err(Error::LoginDisabled);
            }
        }
        if usable.is_empty() {
            let offered = self.capabilities.mechanisms().map(str::to_owned).collect();
            return Err(Error::NoMechanism { offered });
        }
        Ok(usable)
    }

    async fn login(&mut self, credentials: &Credentials) -> Result<StatusText, Error> {
        let Credentials::Password { user, password, .. } = credentials else {
            return Err(Error::NoMechanism { offered: Vec::new() });
        };
        let command = Command::new("LOGIN")
            .string(user.as_bytes(), "the user name")?
            .string(password.expose_secret().as_bytes(), "the password")?;
        self.execute_any(command, |_| Ok(())).await
    }

    async fn sasl(
        &mut self,
        mechanism: Mechanism,
        credentials: &Credentials,
        sasl_ir: bool,
    ) -> Result<(StatusText, Option<String>), Error> {
        let (name, initial, talk) = opening(mechanism, credentials);
        self.begin()?;
        let tag = self.next_tag();
        tracing::debug!(tag, mechanism = name, "authenticating");
        let result = async {
            let mut initial = Some(initial);
            let response = match initial.take_if(|_| sasl_ir) {
                Some(response) => format!(" {}", STANDARD.encode(response)),
                None => String::new(),
            };
            self.write(format!("m{tag} AUTHENTICATE {name}{response}\r\n").into_bytes())?;
            self.converse(tag, initial, talk).await
        }
        .await;
        self.end(result)
    }

    async fn converse(
        &mut self,
        tag: u32,
        mut initial: Option<Vec<u8>>,
        mut talk: Talk,
    ) -> Result<(StatusText, Option<String>), Error> {
        const NAME: &str = "AUTHENTICATE";
        let mut detail = None;
        for _ in 0..CHALLENGES {
            let challenge = match self.continuation_or_completion(NAME, tag).await? {
                Reply::Done(status) => {
                    let unproven = matches!(talk, Talk::Scram(_) | Talk::ScramVerify(_));
                    if status.condition == Condition::Ok && unproven {
                        return Err(Error::ServerNotAuthentic("it sent no signature"));
                    }
                    return Ok((status, detail));
                }
                Reply::Continue(text) => STANDARD.decode(text).unwrap_or_default(),
            };
            let (answer, next) = match (initial.take(), talk) {
                (Some(initial), talk) => (STANDARD.encode(initial), talk),
                (None, Talk::Scram(scram)) => {
                    let (answer, proof) = scram.answer(challenge).await?;
                    (STANDARD.encode(answer), Talk::ScramVerify(proof))
                }
                (None, Talk::ScramVerify(proof)) => {
                    proof.verify(&challenge)?;
                    (String::new(), Talk::Said)
                }
                (None, Talk::OAuth(close)) => {
                    // The server explains its refusal and waits for us to say that we understood.
                    detail = oauth::refusal(&challenge).or(detail);
                    (close.to_owned(), Talk::OAuth(close))
                }
                // Nothing more to say: `*` ends the exchange.
                (None, Talk::Said) => ("*".to_owned(), Talk::Said),
            };
            talk = next;
            self.write(format!("{answer}\r\n").into_bytes())?;
        }
        Err(Error::Framing { command: NAME, fault: FramingFault::TooManyContinuations })
    }
}

fn opening(mechanism: Mechanism, credentials: &Credentials) -> (&'static str, Vec<u8>, Talk) {
    match (credentials, mechanism) {
        (Credentials::OAuth { user, token }, Mechanism::XOAuth2) => {
            ("XOAUTH2", oauth::xoauth2(user, token), Talk::OAuth(""))
        }
        // RFC 7628, section 3.2.3: one octet 0x01 acknowledges the refusal.
        (Credentials::OAuth { user, token }, _) => {
            ("OAUTHBEARER", oauth::bearer(user, token), Talk::OAuth("AQ=="))
        }
        (Credentials::Password { user, password, authorization_id }, Mechanism::ScramSha256) => {
            let scram = Scram::new(user, authorization_id.as_deref(), password);
            ("SCRAM-SHA-256", scram.first(), Talk::Scram(scram))
        }
        (Credentials::Password { user, password, authorization_id }, _) => {
            // RFC 4616: authorization identity, authentication identity, password.
            let id = authorization_id.as_deref().unwrap_or_default();
            let message = format!("{id}\0{user}\0{}", password.expose_secret());
            ("PLAIN", message.into_bytes(), Talk::Said)
        }
    }
}

/// What a refused login means: wrong credentials, unless the server says it did not judge them.
fn refusal(status: StatusText, detail: Option<String>) -> Error {
    let text = match detail {
        Some(detail) => format!("{} (status {detail})", status.text),
        None => status.text,
    };
    let unjudged = matches!(
        status.code,
        Some(
            ResponseCode::Unavailable
                | ResponseCode::InUse
                | ResponseCode::Limit
                | ResponseCode::Throttled
                | ResponseCode::ServerBug
                | ResponseCode::Corruption
                | ResponseCode::Cannot
        )
    );
    if unjudged || status.condition == Condition::Bad {
        return Error::Refused { command: "the login", condition: status.condition, code: status.code, text };
    }
    Error::AuthenticationRefused { code: status.code, text }
}
