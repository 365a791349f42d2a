//! Why a connection or a command failed: one variant for each cause that a person can act on.
//!
//! No variant and no text holds a password or a token.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::protocol::{Condition, ResponseCode};

/// What was waited for when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The network connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The server's first line.
    Greeting,
    /// The answer to a command.
    Reply,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Connect => "while connecting",
            Stage::Tls => "during the TLS handshake",
            Stage::Greeting => "before its greeting",
            Stage::Reply => "in the middle of an answer",
        })
    }
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its issuer is not trusted here.
    UnknownIssuer,
    /// It is for other host names.
    WrongHost,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is its own issuer.
    SelfSigned,
    /// It was revoked.
    Revoked,
    /// It is not the pinned one.
    NotPinned,
    /// Anything else; see [`CertificateProblem::detail`].
    Other,
}

/// A refused certificate, with what a person needs to decide whether to pin it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateProblem {
    /// The kind of fault.
    pub fault: CertificateFault,
    /// The host name that was asked for.
    pub host: String,
    /// The certificate's subject.
    pub subject: String,
    /// The certificate's issuer.
    pub issuer: String,
    /// The host names and addresses it is for.
    pub names: Vec<String>,
    /// Start of its validity, seconds since 1970.
    pub not_before: i64,
    /// End of its validity, seconds since 1970.
    pub not_after: i64,
    /// SHA-256 of the certificate (DER).
    pub fingerprint: [u8; 32],
    /// What the verifier said.
    pub detail: String,
}

impl CertificateProblem {
    /// The fingerprint as `sha256:HEX`, the form a pin is given in.
    pub fn pin(&self) -> String {
        let hex: String = self.fingerprint.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("sha256:{hex}")
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.fault {
            CertificateFault::UnknownIssuer => {
                write!(f, "the certificate of {host} was issued by somebody unknown here ({})", self.issuer)
            }
            CertificateFault::WrongHost => {
                write!(f, "the certificate of {host} is for other names ({})", self.names.join(", "))
            }
            CertificateFault::Expired => write!(f, "the certificate of {host} has expired"),
            CertificateFault::NotYetValid => write!(f, "the certificate of {host} is not valid yet"),
            CertificateFault::SelfSigned => write!(f, "the certificate of {host} is self-signed"),
            CertificateFault::Revoked => write!(f, "the certificate of {host} was revoked"),
            CertificateFault::NotPinned => write!(f, "the certificate of {host} is not the pinned one"),
            CertificateFault::Other => {
                write!(f, "the certificate of {host} was not accepted ({})", self.detail)
            }
        }?;
        write!(f, "; its fingerprint is {}", self.pin())
    }
}

impl std::error::Error for CertificateProblem {}

/// How the order of the byte stream was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingFault {
    /// The server kept asking for more where nothing more was due.
    TooManyContinuations,
    /// The server asked for more where nothing was due.
    UnexpectedContinuation,
    /// A line that holds the answer made no sense.
    UnintelligibleAnswer,
    /// The answer that belongs to the command never came.
    AnswerMissing,
}

impl fmt::Display for FramingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FramingFault::TooManyContinuations => "it asked for more again and again",
            FramingFault::UnexpectedContinuation => "it asked for more where nothing was due",
            FramingFault::UnintelligibleAnswer => "its answer could not be understood",
            FramingFault::AnswerMissing => "it said OK but did not answer",
        })
    }
}

/// Why something failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host name could not be resolved.
    #[error("the host name {host} was not found: {source}")]
    Dns {
        /// The name asked for.
        host: String,
        /// What the resolver said.
        source: Arc<io::Error>,
    },
    /// An address of the host may not be connected to.
    #[error("the address of {host} is not allowed here")]
    AddressRefused {
        /// The name asked for.
        host: String,
    },
    /// No address of the host accepted a connection.
    #[error("no connection to {host} port {port}: {source}")]
    Connect {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// The last address's error.
        source: Arc<io::Error>,
    },
    /// The server was silent too long.
    #[error("the server went silent {stage}")]
    Timeout {
        /// What was waited for.
        stage: Stage,
    },
    /// TLS could not be agreed on, for a reason other than the certificate.
    #[error("no encrypted connection: {0}")]
    Tls(String),
    /// The certificate was refused.
    #[error("{0}")]
    Certificate(Box<CertificateProblem>),
    /// A private root, a pin or a host name given by the user cannot be used.
    #[error("the TLS settings cannot be used: {0}")]
    TlsSettings(String),
    /// STARTTLS was asked for and the server has none, or refused it.
    #[error("the server does not offer STARTTLS")]
    StartTlsMissing,
    /// Octets stood between STARTTLS's OK and the handshake: somebody may be injecting answers (RFC 9051, section 11.1).
    #[error(
        "somebody may be tampering with the connection: unencrypted data followed the answer to STARTTLS"
    )]
    StartTlsInjection,
    /// PREAUTH before STARTTLS would leave the session unencrypted (RFC 9051, section 11.1).
    #[error("the server claims to be logged in before encryption could start")]
    PreAuthBeforeTls,
    /// What answered is no IMAP server.
    #[error("this is not an IMAP server; it said {banner:?}")]
    NotImap {
        /// The first line, shortened.
        banner: String,
    },
    /// The server ended the connection and said why.
    #[error("the server ended the connection: {text}")]
    Bye {
        /// What stood in brackets.
        code: Option<ResponseCode>,
        /// Its words.
        text: String,
    },
    /// The server closed the connection without a word.
    #[error("the server closed the connection")]
    Closed,
    /// The network failed.
    #[error("the connection broke: {0}")]
    Io(Arc<io::Error>),
    /// The server refused a command.
    #[error("the server refused {command}: {text}")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// NO or BAD.
        condition: Condition,
        /// What stood in brackets.
        code: Option<ResponseCode>,
        /// Its words.
        text: String,
    },
    /// The server did not accept user and password or token.
    #[error("the server did not accept the login: {text}")]
    AuthenticationRefused {
        /// What stood in brackets.
        code: Option<ResponseCode>,
        /// Its words, with the status of an OAuth answer.
        text: String,
    },
    /// The server failed to prove that it knows the password (SCRAM, RFC 5802).
    #[error("the server could not prove that it knows this account: {0}")]
    ServerNotAuthentic(&'static str),
    /// The server takes no password on this connection (LOGINDISABLED).
    #[error("the server accepts no password over this connection; use an encrypted one")]
    LoginDisabled,
    /// No way to log in that both sides know.
    #[error("the server offers no way to log in that can be used here (it offers {offered:?})")]
    NoMechanism {
        /// The mechanisms the server offers.
        offered: Vec<String>,
    },
    /// The credentials were sent as often as allowed without success.
    #[error("the login was not tried again, so that the account is not locked")]
    AttemptsExhausted,
    /// The user name or password cannot be sent to any IMAP server.
    #[error("the user name or password contains a character that cannot be sent")]
    UnsendableCredentials,
    /// The server's answers are out of order.
    #[error("the server answered {command} wrongly: {fault}")]
    Framing {
        /// The command that was answered.
        command: &'static str,
        /// How.
        fault: FramingFault,
    },
    /// A bound that protects us was exceeded.
    #[error("the server exceeded the limit on {what} ({limit})")]
    LimitExceeded {
        /// What is bounded.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// An earlier command was given up before its answer was read, so the connection cannot go on.
    #[error("an earlier command was given up; the connection cannot be used any more")]
    Abandoned,
    /// The server lacks the extension.
    #[error("the server does not support {extension}")]
    Unsupported {
        /// Its capability.
        extension: &'static str,
    },
    /// A name or text cannot be written in an IMAP command (it contains NUL, for example).
    #[error("{what} cannot be sent to an IMAP server")]
    Unsendable {
        /// What it is.
        what: &'static str,
    },
}

impl Error {
    /// The response code the server gave, if it gave one.
    pub fn code(&self) -> Option<&ResponseCode> {
        match self {
            Error::Bye { code, .. }
            | Error::Refused { code, .. }
            | Error::AuthenticationRefused { code, .. } => code.as_ref(),
            _ => None,
        }
    }

    /// Whether the connection is gone; a new one may succeed.
    pub fn is_connection_lost(&self) -> bool {
        matches!(
            self,
            Error::Timeout { .. } | Error::Bye { .. } | Error::Closed | Error::Io(_) | Error::Abandoned
        ) || matches!(self, Error::Framing { .. } | Error::LimitExceeded { .. })
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Closed,
            _ => Error::Io(Arc::new(error)),
        }
    }
}
