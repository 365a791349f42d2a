//! Where the password or token comes from: a file, the environment, a terminal; never an argument.
//!
//! A secret is in a [`SecretString`] from here on, and no error text holds it.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use imap::Credentials;
use secrecy::SecretString;

use crate::arguments::{DestinationOptions, SourceOptions};

/// The password of the old account.
const PASSWORD: &str = "MAILIMPORT_SOURCE_PASSWORD";
/// An OAuth access token for the old account.
const TOKEN: &str = "MAILIMPORT_SOURCE_TOKEN";
/// The password of the new account.
const DESTINATION_PASSWORD: &str = "MAILIMPORT_DESTINATION_PASSWORD";
/// More than any password or token; a wrong file is not read to its end.
const LARGEST: u64 = 64 * 1024;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// Nothing given and nobody to ask.
    #[error("no password: set {0}, give {1}, or run this on a terminal to be asked")]
    Nowhere(&'static str, &'static str),
    /// Both variables are set.
    #[error("both MAILIMPORT_SOURCE_PASSWORD and MAILIMPORT_SOURCE_TOKEN are set; unset one")]
    Both,
    /// A master user logs in with its password.
    #[error("--source-master-user needs a password; a token does not go with it")]
    MasterWithToken,
    /// The file or variable holds nothing.
    #[error("{0} holds nothing")]
    Empty(String),
    /// The file or variable is no UTF-8 text, or too long.
    #[error("{0} holds no password: it is not UTF-8 text, or longer than 64 KiB")]
    NoText(String),
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, String),
    /// The terminal failed.
    #[error("the password could not be asked for: {0}")]
    Terminal(String),
}

/// How to log in as, or on behalf of, `user`.
pub(crate) fn credentials(
    user: &str,
    host: &str,
    options: &SourceOptions,
) -> Result<Credentials, SecretError> {
    let variables = Variables { password: std::env::var_os(PASSWORD), token: std::env::var_os(TOKEN) };
    let login = options.source_master_user.as_deref().unwrap_or(user);
    match choose(options, &variables)? {
        Origin::Token(_) if options.source_master_user.is_some() => Err(SecretError::MasterWithToken),
        Origin::Token(place) => Ok(Credentials::OAuth { user: user.to_owned(), token: place.read(TOKEN)? }),
        Origin::Password(place) => Ok(Credentials::Password {
            user: login.to_owned(),
            password: match place {
                Some(place) => place.read(PASSWORD)?,
                None => ask(login, host, (PASSWORD, "--source-password-file"))?,
            },
            authorization_id: options.source_master_user.as_ref().map(|_| user.to_owned()),
        }),
    }
}

/// How to log in at the new server as, or on behalf of, `user`.
pub(crate) fn destination_credentials(
    user: &str,
    host: &str,
    options: &DestinationOptions,
) -> Result<Credentials, SecretError> {
    let login = options.destination_master_user.as_deref().unwrap_or(user);
    let variable = std::env::var_os(DESTINATION_PASSWORD);
    let password = match (&options.destination_password_file, &variable) {
        (Some(path), _) => from_file(path)?,
        (None, Some(value)) => from_variable(DESTINATION_PASSWORD, value)?,
        (None, None) => ask(login, host, (DESTINATION_PASSWORD, "--destination-password-file"))?,
    };
    let authorization_id = options.destination_master_user.as_ref().map(|_| user.to_owned());
    Ok(Credentials::Password { user: login.to_owned(), password, authorization_id })
}

/// The environment's part.
#[derive(Debug, Default)]
struct Variables {
    password: Option<OsString>,
    token: Option<OsString>,
}

/// Where a secret is.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    File(&'a Path),
    Variable(&'a OsStr),
}

/// Which secret it is.
#[derive(Debug, PartialEq, Eq)]
enum Origin<'a> {
    /// A password; `None` means that somebody must be asked.
    Password(Option<Place<'a>>),
    Token(Place<'a>),
}

/// What was said outright counts more than the environment, which may be left from something else.
fn choose<'a>(options: &'a SourceOptions, variables: &'a Variables) -> Result<Origin<'a>, SecretError> {
    if let Some(path) = &options.source_token_file {
        return Ok(Origin::Token(Place::File(path)));
    }
    if let Some(path) = &options.source_password_file {
        return Ok(Origin::Password(Some(Place::File(path))));
    }
    match (&variables.password, &variables.token) {
        (Some(_), Some(_)) => Err(SecretError::Both),
        (None, Some(token)) => Ok(Origin::Token(Place::Variable(token))),
        (password, None) => Ok(Origin::Password(password.as_deref().map(Place::Variable))),
    }
}

impl Place<'_> {
    fn read(&self, variable: &str) -> Result<SecretString, SecretError> {
        match self {
            Place::File(path) => from_file(path),
            Place::Variable(value) => from_variable(variable, value),
        }
    }
}

fn from_variable(name: &str, value: &OsStr) -> Result<SecretString, SecretError> {
    let text = value.to_str().ok_or_else(|| SecretError::NoText(name.to_owned()))?;
    filled(name, text)
}

pub(crate) fn from_file(path: &Path) -> Result<SecretString, SecretError> {
    let failed = |error: std::io::Error| SecretError::File(path.to_owned(), error.to_string());
    let name = path.display().to_string();
    let mut octets = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets))
        .map_err(failed)?;
    let text = String::from_utf8(octets).ok().filter(|text| text.len() as u64 <= LARGEST);
    let text = text.ok_or_else(|| SecretError::NoText(name.clone()))?;
    // Editors and `echo` end a file with a newline; nothing else is trimmed.
    let password =
        text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    filled(&name, password)
}

fn filled(name: &str, text: &str) -> Result<SecretString, SecretError> {
    if text.is_empty() { Err(SecretError::Empty(name.to_owned())) } else { Ok(SecretString::from(text)) }
}

/// `otherwise`: the variable and the option that would have made asking needless.
fn ask(user: &str, host: &str, otherwise: (&'static str, &'static str)) -> Result<SecretString, SecretError> {
    if !std::io::stdin().is_terminal() {
        return Err(SecretError::Nowhere(otherwise.0, otherwise.1));
    }
    let answer = rpassword::prompt_password(format!("Password of {user} at {host}: "))
        .map_err(|error| SecretError::Terminal(error.to_string()))?;
    filled("The answer", &answer)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn files_count_more_than_the_environment_and_nothing_means_to_ask() {
        let file = |name: &str| Some(PathBuf::from(name));
        let variable = |value: &str| Some(OsString::from(value));
        let (at_p, at_t) = (Place::File(Path::new("p")), Place::File(Path::new("t")));
        let (in_p, in_t) = (Place::Variable(OsStr::new("vp")), Place::Variable(OsStr::new("vt")));
        let both = || (variable("vp"), variable("vt"));
        for (password_file, token_file, (password, token), expected) in [
            (None, None, (None, None), Some(Origin::Password(None))),
            (None, None, (variable("vp"), None), Some(Origin::Password(Some(in_p)))),
            (None, None, (None, variable("vt")), Some(Origin::Token(in_t))),
            (None, None, both(), None),
            (file("p"), None, both(), Some(Origin::Password(Some(at_p)))),
            (None, file("t"), both(), Some(Origin::Token(at_t))),
        ] {
            let options = options(password_file, token_file);
            assert_eq!(choose(&options, &Variables { password, token }).ok(), expected);
        }
    }

    fn options(password_file: Option<PathBuf>, token_file: Option<PathBuf>) -> SourceOptions {
        SourceOptions {
            source_password_file: password_file,
            source_token_file: token_file,
            source_master_user: None,
            allow_plaintext: false,
            tls_ca: Vec::new(),
            tls_pin: None,
        }
    }

    #[test]
    fn only_one_newline_at_the_end_of_a_file_does_not_count() {
        for (content, expected) in [
            (&b"geheim\n"[..], Some("geheim")),
            (b"geheim\r\n", Some("geheim")),
            (b"geheim", Some("geheim")),
            (b" geheim \n\n", Some(" geheim \n")),
            (b"\n", None),
            (b"", None),
            (b"\xff\n", None),
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content).unwrap();
            let read = from_file(file.path());
            assert_eq!(
                read.ok().map(|secret| secret.expose_secret().to_owned()).as_deref(),
                expected,
                "{content:?}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = from_file(Path::new("/nowhere/password")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/password cannot be read: "), "{error}");
    }
}
