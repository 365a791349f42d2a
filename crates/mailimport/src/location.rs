//! SOURCE and DESTINATION: `imaps://USER@HOST[:PORT]`, `imap://USER@HOST[:PORT]`, `maildir:PATH`.
//!
//! A password in an address is refused and never repeated: every user of the machine could read it.

use std::ffi::OsStr;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use imap::{Endpoint, Security};
use percent_encoding::percent_decode_str;

/// Port of IMAP inside TLS (RFC 8314, section 3.2).
const IMAPS: u16 = 993;
/// Port of IMAP (RFC 9051, section 2.1).
const IMAP: u16 = 143;

/// An account at an IMAP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImapAccount {
    /// Whose mail.
    pub(crate) user: String,
    /// Where.
    pub(crate) endpoint: Endpoint,
}

/// Whether `imap://` may do without encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plaintext {
    /// STARTTLS is required.
    Refused,
    /// `--allow-plaintext`.
    Allowed,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    /// `imaps://user:password@host`.
    #[error(
        "a password does not belong into an address, where other users of this machine can read it; \
         use MAILIMPORT_SOURCE_PASSWORD or --source-password-file (MAILIMPORT_DESTINATION_PASSWORD or \
         --destination-password-file for DESTINATION), or wait to be asked"
    )]
    Password,
    /// Neither `imaps://` nor `imap://`.
    #[error("SOURCE begins with imaps:// or imap://, as in imaps://alice@imap.example.org")]
    SourceScheme,
    /// No `USER@`.
    #[error("the address lacks the user, as in imaps://alice@imap.example.org")]
    NoUser,
    /// The user is not UTF-8 once decoded, or has control characters.
    #[error("the user name in the address cannot be read")]
    User,
    /// No host, or one with characters that no host name has.
    #[error("{0:?} is no host name")]
    Host(String),
    /// Not a port.
    #[error("{0:?} is no port; ports are 1 to 65535")]
    Port(String),
    /// Something behind host and port.
    #[error("an address ends with host or port; choose folders with --include")]
    Path,
    /// `--allow-plaintext` with `imaps://`.
    #[error("going without encryption has no meaning with imaps://, which is always encrypted")]
    PlaintextWithTls,
    /// An IMAP server where only a directory will do.
    #[error("here DESTINATION is maildir:PATH, as in maildir:/srv/mail")]
    MaildirOnly,
    /// Neither `maildir:PATH` nor an account.
    #[error(
        "DESTINATION is maildir:PATH or imaps://USER@HOST, as in maildir:/srv/mail/alice/Maildir or \
         imaps://alice@imap.example.org"
    )]
    DestinationScheme,
    /// No working directory to start from.
    #[error("the directory {0:?} cannot be found: {1}")]
    Directory(PathBuf, String),
}

/// Whether an argument is an IMAP address with a password in it.
pub(crate) fn carries_password(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    let Some((_, rest)) = split_scheme(&text) else { return false };
    rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn split_scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "imaps" => Some((true, rest)),
        "imap" => Some((false, rest)),
        _ => None,
    }
}

/// Reads SOURCE.
pub(crate) fn source(text: &str, plaintext: Plaintext) -> Result<ImapAccount, LocationError> {
    let parts = split_scheme(text).ok_or(LocationError::SourceScheme)?;
    account(parts, plaintext)
}

fn account((implicit, rest): (bool, &str), plaintext: Plaintext) -> Result<ImapAccount, LocationError> {
    let security = match (implicit, plaintext) {
        (true, Plaintext::Allowed) => return Err(LocationError::PlaintextWithTls),
        (true, Plaintext::Refused) => Security::ImplicitTls,
        (false, Plaintext::Refused) => Security::StartTls,
        (false, Plaintext::Allowed) => Security::Plaintext,
    };
    // The last one: many write their whole e-mail address as user, with its @ as it is.
    let (user, place) = rest.rsplit_once('@').ok_or(LocationError::NoUser)?;
    if user.contains(':') {
        return Err(LocationError::Password);
    }
    let user = percent_decode_str(user).decode_utf8().map_err(|_| LocationError::User)?.into_owned();
    if user.is_empty() {
        return Err(LocationError::NoUser);
    }
    if user.chars().any(char::is_control) {
        return Err(LocationError::User);
    }
    let (host, port) = host_and_port(place)?;
    let port = port.unwrap_or(if implicit { IMAPS } else { IMAP });
    Ok(ImapAccount { user, endpoint: Endpoint { host, port, security } })
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), LocationError> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.contains(['/', '?', '#']) {
        return Err(LocationError::Path);
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (address, None),
        Some((address, port)) => (address, Some(port.strip_prefix(':').unwrap_or(port))),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let bracketed = text.starts_with('[');
    let name = !host.is_empty()
        && !host.chars().any(|c| c.is_control() || c.is_whitespace() || "[]@%\\".contains(c));
    if (bracketed && host.parse::<Ipv6Addr>().is_err()) || !name {
        return Err(LocationError::Host(host.to_owned()));
    }
    let wrong = |port: &str| LocationError::Port(port.to_owned());
    let port = match port {
        Some(port) => match port.parse::<u16>() {
            Ok(0) | Err(_) => return Err(wrong(port)),
            Ok(number) => Some(number),
        },
        None => None,
    };
    Ok((host.to_owned(), port))
}

/// Where mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The absolute path of a Maildir++ root.
    Maildir(PathBuf),
    /// An account at an IMAP server.
    Imap(ImapAccount),
}

/// Reads DESTINATION.
pub(crate) fn destination(text: &str, plaintext: Plaintext) -> Result<Destination, LocationError> {
    match split_scheme(text) {
        Some(parts) => account(parts, plaintext).map(Destination::Imap),
        None => maildir(text).map(Destination::Maildir),
    }
}

/// Reads a DESTINATION that can only be a directory: its absolute path.
pub(crate) fn maildir(text: &str) -> Result<PathBuf, LocationError> {
    if split_scheme(text).is_some() {
        return Err(LocationError::MaildirOnly);
    }
    let path = match text.split_once(':') {
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("maildir") && !path.is_empty() => {
            PathBuf::from(path)
        }
        _ => return Err(LocationError::DestinationScheme),
    };
    let absolute =
        std::path::absolute(&path).map_err(|error| LocationError::Directory(path, error.to_string()))?;
    // Without a slash at the end, so that one mailbox has one name in the ledger.
    Ok(absolute.components().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, host: &str, port: u16, security: Security) -> ImapAccount {
        ImapAccount { user: user.to_owned(), endpoint: Endpoint { host: host.to_owned(), port, security } }
    }

    #[test]
    fn sources_are_read() {
        use Security::{ImplicitTls, StartTls};
        for (text, expected) in [
            ("imaps://alice@imap.example.org", account("alice", "imap.example.org", 993, ImplicitTls)),
            ("imap://alice@imap.example.org", account("alice", "imap.example.org", 143, StartTls)),
            ("IMAPS://alice@h:1993/", account("alice", "h", 1993, ImplicitTls)),
            ("imaps://alice@example.org@h", account("alice@example.org", "h", 993, ImplicitTls)),
            ("imaps://alice%40example.org@h", account("alice@example.org", "h", 993, ImplicitTls)),
            ("imaps://a%3Ab%2Fc%25@h", account("a:b/c%", "h", 993, ImplicitTls)),
            ("imaps://j%C3%BCrgen@h", account("jürgen", "h", 993, ImplicitTls)),
            ("imap://alice@[::1]", account("alice", "::1", 143, StartTls)),
            ("imap://alice@[2001:db8::7]:1143", account("alice", "2001:db8::7", 1143, StartTls)),
            ("imaps://alice@127.0.0.1:9930", account("alice", "127.0.0.1", 9930, ImplicitTls)),
        ] {
            assert_eq!(source(text, Plaintext::Refused), Ok(expected), "{text}");
        }
        let plain = source("imap://a@h", Plaintext::Allowed).unwrap();
        assert_eq!(plain.endpoint.security, Security::Plaintext);
    }

    #[test]
    fn sources_that_cannot_be_used_say_why() {
        use LocationError as E;
        for (text, expected) in [
            ("alice@imap.example.org", E::SourceScheme),
            ("https://alice@h", E::SourceScheme),
            ("maildir:/x", E::SourceScheme),
            ("imaps://imap.example.org", E::NoUser),
            ("imaps://@h", E::NoUser),
            ("imaps://alice:geheim@h", E::Password),
            ("imaps://alice:@h", E::Password),
            ("imaps://a%00b@h", E::User),
            ("imaps://a%FFb@h", E::User),
            ("imaps://a@", E::Host(String::new())),
            ("imaps://a@[zz]", E::Host("zz".into())),
            ("imaps://a@ho st", E::Host("ho st".into())),
            ("imaps://a@h:0", E::Port("0".into())),
            ("imaps://a@h:66000", E::Port("66000".into())),
            ("imaps://a@h:", E::Port(String::new())),
            ("imaps://a@[::1]x", E::Port("x".into())),
            ("imaps://a@h/INBOX", E::Path),
        ] {
            assert_eq!(source(text, Plaintext::Refused), Err(expected), "{text}");
        }
        assert_eq!(source("imaps://a@h", Plaintext::Allowed), Err(E::PlaintextWithTls));
    }

    #[test]
    fn a_password_in_an_argument_is_noticed() {
        for (argument, expected) in [
            ("imaps://alice:geheim@h", true),
            ("imap://alice:p@ss@h", true),
            ("imaps://alice@h:993", false),
            ("imaps://alice@[::1]:993", false),
            ("maildir:/srv/a:b@c", false),
            ("--map=a:b=c@d", false),
        ] {
            assert_eq!(carries_password(OsStr::new(argument)), expected, "{argument}");
        }
        assert!(!LocationError::Password.to_string().contains("geheim"));
    }

    #[test]
    fn destinations_are_absolute_and_have_one_spelling() {
        for (text, expected) in [
            ("maildir:/srv/mail/alice", "/srv/mail/alice"),
            ("maildir:/srv/mail/alice/", "/srv/mail/alice"),
            ("Maildir:/srv//mail/./alice", "/srv/mail/alice"),
        ] {
            let expected = PathBuf::from(expected);
            assert_eq!(maildir(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(destination(text, Plaintext::Refused), Ok(Destination::Maildir(expected)), "{text}");
        }
        assert_eq!(maildir("maildir:x"), Ok(std::env::current_dir().unwrap().join("x")));
        let imap = account("alice", "h", 993, Security::ImplicitTls);
        assert_eq!(destination("imaps://alice@h", Plaintext::Refused), Ok(Destination::Imap(imap)));
    }

    #[test]
    fn destinations_that_cannot_be_used_say_why() {
        use LocationError as E;
        for (text, expected) in [
            ("imaps://h", E::NoUser),
            ("imap://a:geheim@h", E::Password),
            ("maildir:", E::DestinationScheme),
            ("/srv/mail", E::DestinationScheme),
            ("mbox:/srv/mail", E::DestinationScheme),
        ] {
            assert_eq!(destination(text, Plaintext::Refused), Err(expected), "{text}");
        }
        assert_eq!(maildir("imaps://a@h"), Err(E::MaildirOnly));
    }
}
