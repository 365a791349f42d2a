//! The mail server by which customers are written to, as the operator's address of it says.
//!
//! Without encryption only this machine is spoken to: what is sent names people, and a password may go before it. No
//! error and no Debug shows the address, for it may hold that password.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// How the way there is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    /// TLS from the first octet.
    Tls,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// Nothing: it does not leave this machine.
    Loopback,
}

/// A mail server: `smtps://user:password@host`, `smtp://host` (with STARTTLS), `smtp://localhost` (without).
#[derive(Clone)]
pub struct SmtpServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) privacy: Privacy,
    pub(super) user: Option<(String, SecretString)>,
    /// Only to compare.
    url: SecretString,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpServer({})", self.host)
    }
}

impl PartialEq for SmtpServer {
    fn eq(&self, other: &SmtpServer) -> bool {
        use secrecy::ExposeSecret as _;
        self.url.expose_secret() == other.url.expose_secret()
    }
}

impl FromStr for SmtpServer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SmtpServer, Self::Err> {
        const FORM: &str =
            "write it as smtps://user:password@mail.example.org:465 or smtp://mail.example.org:587";
        let url = Url::parse(text).map_err(|_| FORM)?;
        let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| !host.is_empty() && plain).ok_or(FORM)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let (privacy, usual) = match url.scheme() {
            "smtps" => (Privacy::Tls, 465),
            "smtp" if is_loopback(&host) => (Privacy::Loopback, 25),
            "smtp" => (Privacy::StartTls, 587),
            _ => return Err(FORM),
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(String::from).map_err(|_| FORM);
        let user = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                Some((decoded(user)?, SecretString::from(decoded(password)?)))
            }
            _ => return Err("user name and password belong together, as in smtps://user:password@host"),
        };
        Ok(SmtpServer {
            port: url.port().unwrap_or(usual),
            url: SecretString::from(text),
            host,
            privacy,
            user,
        })
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        _ => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_without_encryption() {
        for (text, host, port, privacy) in [
            ("smtps://mail.example.org", "mail.example.org", 465, Privacy::Tls),
            ("smtps://u:p@mail.example.org:4650/", "mail.example.org", 4650, Privacy::Tls),
            ("smtp://mail.example.org", "mail.example.org", 587, Privacy::StartTls),
            ("smtp://192.168.1.1:25", "192.168.1.1", 25, Privacy::StartTls),
            ("smtp://localhost.example.org", "localhost.example.org", 587, Privacy::StartTls),
            ("smtp://localhost", "localhost", 25, Privacy::Loopback),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Privacy::Loopback),
            ("smtp://[::1]", "::1", 25, Privacy::Loopback),
        ] {
            let server: SmtpServer = text.parse().unwrap();
            assert_eq!((server.host.as_str(), server.port, server.privacy), (host, port, privacy), "{text}");
        }
        for text in
            ["", "mail.example.org", "http://x", "smtp://", "smtp://h/path", "smtp://u@h", "smtps://h?x=1"]
        {
            assert!(text.parse::<SmtpServer>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_may_hold_anything_and_is_not_shown() {
        let server: SmtpServer = "smtps://mail%40example.org:geheim%2F%3A%40@h".parse().unwrap();
        let (user, password) = server.user.as_ref().unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("mail@example.org", "geheim/:@"));
        assert!(!format!("{server:?}").contains("geheim"));
    }
}
