//! Where to connect to, how long to wait, how much to accept.

use std::time::Duration;

use crate::protocol::Limits;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first octet (port 993).
    ImplicitTls,
    /// TLS after STARTTLS (port 143); without it no connection.
    StartTls,
    /// No protection at all.
    Plaintext,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection.
    pub security: Security,
}

/// How long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the network connection, per address. Default 20 s.
    pub connect: Duration,
    /// For the TLS handshake. Default 20 s.
    pub tls: Duration,
    /// For the whole greeting. Default 30 s.
    pub greeting: Duration,
    /// Silence while an answer is due. Default 3 minutes: big folders take that long to open.
    pub reply: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(20),
            tls: Duration::from_secs(20),
            greeting: Duration::from_secs(30),
            reply: Duration::from_secs(180),
        }
    }
}

/// How a connection behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How much to accept.
    pub limits: Limits,
    /// What ID tells the server, field and value (RFC 2971). Default: name and version of this program.
    pub client_id: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Options {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            client_id: vec![field("name", "mailimport"), field("version", env!("CARGO_PKG_VERSION"))],
        }
    }
}
