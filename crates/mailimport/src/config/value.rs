//! Kinds of values: an empty text means that nothing is set, and a secret is never shown.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A value that may hold a password.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) SecretString);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Hidden) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Hidden, Self::Err> {
        Ok(Hidden(SecretString::from(text)))
    }
}

/// How browsers reach the pages: scheme, host and port, and nothing behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// `https://mail.example.org`, without a slash at the end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PublicUrl, Self::Err> {
        const FORM: &str = "write it as https://mail.example.org, without a path";
        let url = url::Url::parse(text).map_err(|_| FORM)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.host().is_some();
        if plain { Ok(PublicUrl(url.as_str().trim_end_matches('/').to_owned())) } else { Err(FORM) }
    }
}

/// `mail.password_scheme`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PasswordScheme {
    #[default]
    Argon2id,
    BlfCrypt,
    Sha512Crypt,
}

impl From<PasswordScheme> for mailhost::Scheme {
    fn from(scheme: PasswordScheme) -> mailhost::Scheme {
        match scheme {
            PasswordScheme::Argon2id => mailhost::Scheme::Argon2id,
            PasswordScheme::BlfCrypt => mailhost::Scheme::BlfCrypt,
            PasswordScheme::Sha512Crypt => mailhost::Scheme::Sha512Crypt,
        }
    }
}

/// `mail.durability` and `--durability`: how messages reach the disk before they appear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Durability {
    /// Whichever of the other two took less time lately
    #[default]
    Automatic,
    /// One syncfs for some hundred messages; writes out all that waits on that file system
    Syncfs,
    /// fsync for each message, some at a time; kinder to a disk that others use
    Fsync,
}

impl From<Durability> for engine::destination::Durability {
    fn from(durability: Durability) -> engine::destination::Durability {
        match durability {
            Durability::Automatic => engine::destination::Durability::Automatic,
            Durability::Syncfs => engine::destination::Durability::SyncFs,
            Durability::Fsync => engine::destination::Durability::FsyncEach,
        }
    }
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// What serde says is wrong with a value, without the value: `invalid type, expected u16`.
pub(crate) fn without_value(message: &str) -> String {
    for kind in ["invalid type", "invalid value", "invalid length", "unknown variant"] {
        if message.starts_with(kind) {
            // The last one: a value may say "expected" too.
            let expected = message.rfind(", expected ").map_or("", |at| &message[at..]);
            return format!("{kind}{expected}");
        }
    }
    message.to_owned()
}

/// An empty text is nothing, any other one is read.
pub(crate) mod optional {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer};

    pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr,
        T::Err: Display,
    {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(serde::de::Error::custom),
        }
    }

    #[cfg(test)]
    #[expect(clippy::ref_option, reason = "serde's form")]
    pub(crate) fn serialize<S: serde::Serializer, T>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        // Defaults are serialised for the sample's sake, and a default is never set.
        assert!(value.is_none());
        serializer.serialize_str("")
    }
}
