//! What the operator can set for `serve`, `worker` and `admin`: `mailimport.toml`, over it the environment
//! (`MAILIMPORT_*`), over that the command line.
//!
//! Everything has a default that works. `mailimport.sample.toml` describes every key, and a test keeps it true. No error
//! repeats a value: it may be a password.

mod environment;
pub(crate) mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use service::notices::{Sender, SmtpServer};
use toml::Table;

use crate::arguments::ServiceOptions;

pub(crate) use self::value::{Hidden, LogFormat, PublicUrl};

/// Where the file is looked for when nobody says where it is.
const SYSTEM_FILE: &str = "/etc/mailimport/mailimport.toml";
/// Names the file, as `--config` does.
const FILE_VARIABLE: &str = "MAILIMPORT_CONFIG";
/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// All settings.
#[derive(Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    #[serde(with = "value::optional")]
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    #[serde(with = "value::optional")]
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) trusted_proxies: u8,
    pub(crate) tls: TlsFiles,
    pub(crate) database: Database,
    pub(crate) mail: Mail,
    pub(crate) work: Work,
    pub(crate) source: SourceRules,
    pub(crate) smtp: Smtp,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
    pub(crate) metrics: Metrics,
}

/// `[tls]`
#[derive(Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsFiles {
    #[serde(with = "value::optional")]
    pub(crate) certificate: Option<PathBuf>,
    #[serde(with = "value::optional")]
    pub(crate) key: Option<PathBuf>,
}

/// `[database]`
#[derive(Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    #[serde(with = "value::optional")]
    pub(crate) url: Option<Hidden>,
}

/// `[mail]`
#[derive(Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mail {
    #[serde(with = "value::optional")]
    pub(crate) root: Option<PathBuf>,
    #[serde(with = "value::optional")]
    pub(crate) user: Option<String>,
    pub(crate) password_scheme: value::PasswordScheme,
    pub(crate) durability: value::Durability,
}

/// `[work]`
#[derive(Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Work {
    pub(crate) imports: u16,
    pub(crate) imports_per_customer: u16,
    pub(crate) imports_per_server: u16,
    pub(crate) connections_per_import: u16,
    pub(crate) checks: u16,
}

/// `[source]`
#[derive(Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourceRules {
    pub(crate) further_ports: Vec<u16>,
    pub(crate) allow: Vec<String>,
    pub(crate) authorities: Vec<PathBuf>,
    pub(crate) name_servers: Vec<SocketAddr>,
    pub(crate) connect_seconds: u32,
    pub(crate) tls_seconds: u32,
    pub(crate) greeting_seconds: u32,
    pub(crate) reply_seconds: u32,
    pub(crate) patience_seconds: u32,
    pub(crate) give_up_minutes: u32,
}

/// `[smtp]`
#[derive(Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Smtp {
    #[serde(with = "value::optional")]
    pub(crate) url: Option<SmtpServer>,
    #[serde(with = "value::optional")]
    pub(crate) from: Option<Sender>,
}

/// `[limits]`
#[derive(Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) entries_per_domain: u64,
    pub(crate) keep_passwords_days: u16,
    pub(crate) folders: u32,
    pub(crate) folder_name_octets: u32,
    pub(crate) folder_levels: u16,
    pub(crate) response_line_octets: u32,
    pub(crate) message_octets: u64,
    pub(crate) octets_per_import: u64,
    pub(crate) free_space_mb: u64,
}

/// `[log]`
#[derive(Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: value::LogFormat,
    pub(crate) level: String,
}

/// `[metrics]`
#[derive(Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(test, derive(Debug, serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    #[serde(with = "value::optional")]
    pub(crate) listen: Option<SocketAddr>,
    #[serde(with = "value::optional")]
    pub(crate) token: Option<Hidden>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data_dir: None,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8993),
            public_url: None,
            trusted_proxies: 0,
            tls: TlsFiles::default(),
            database: Database::default(),
            mail: Mail::default(),
            work: Work::default(),
            source: SourceRules::default(),
            smtp: Smtp::default(),
            limits: Limits::default(),
            log: Log::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Default for Work {
    fn default() -> Work {
        Work {
            imports: 4,
            imports_per_customer: 0,
            imports_per_server: 0,
            connections_per_import: 2,
            checks: 8,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries_per_domain: 10_000,
            keep_passwords_days: 7,
            folders: 100_000,
            folder_name_octets: 8_192,
            folder_levels: 30,
            response_line_octets: 65_536,
            message_octets: 0,
            octets_per_import: 0,
            free_space_mb: 512,
        }
    }
}

impl Default for SourceRules {
    fn default() -> SourceRules {
        SourceRules {
            further_ports: Vec::new(),
            allow: Vec::new(),
            authorities: Vec::new(),
            name_servers: Vec::new(),
            connect_seconds: 20,
            tls_seconds: 20,
            greeting_seconds: 30,
            reply_seconds: 180,
            patience_seconds: 60,
            give_up_minutes: 30,
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { format: value::LogFormat::Text, level: "info".to_owned() }
    }
}

/// What the command line says over file and environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    /// `--config`
    pub(crate) file: Option<PathBuf>,
    /// `--data-dir`
    pub(crate) data_dir: Option<PathBuf>,
    /// `--listen`
    pub(crate) listen: Option<SocketAddr>,
}

impl From<&ServiceOptions> for Overrides {
    fn from(options: &ServiceOptions) -> Overrides {
        Overrides { file: options.config.clone(), data_dir: options.data_dir.clone(), listen: None }
    }
}

/// Why there are no settings. Never with the value: it may be a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    File { path: PathBuf, why: String },
    /// The file says something that is no setting.
    #[error("{}, line {line}: {why}", path.display())]
    Line { path: PathBuf, line: usize, why: String },
    /// A variable that no setting belongs to.
    #[error("the environment has {0}, and there is no such setting")]
    UnknownVariable(String),
    /// A variable that cannot be used.
    #[error("the environment's {name} cannot be used: {why}")]
    Variable { name: String, why: String },
    /// Settings that do not go together.
    #[error("{0}")]
    Together(&'static str),
}

impl Config {
    /// Reads file and environment, and puts the command line over them.
    pub(crate) fn load(overrides: &Overrides) -> Result<Config, ConfigError> {
        Config::assemble(overrides, std::env::vars_os().collect())
    }

    fn assemble(
        overrides: &Overrides,
        environment: BTreeMap<OsString, OsString>,
    ) -> Result<Config, ConfigError> {
        let named = overrides
            .file
            .clone()
            .or_else(|| environment.get(&OsString::from(FILE_VARIABLE)).map(PathBuf::from));
        let table = match named {
            Some(path) => read(&path)?,
            None if Path::new(SYSTEM_FILE).exists() => read(Path::new(SYSTEM_FILE))?,
            None => Table::new(),
        };
        let mut config = environment::over(table, environment)?;
        config.data_dir = overrides.data_dir.clone().or(config.data_dir);
        config.listen = overrides.listen.unwrap_or(config.listen);
        config.check()?;
        Ok(config)
    }

    /// What one value alone cannot tell.
    fn check(&self) -> Result<(), ConfigError> {
        let together =
            |fine: bool, sentence| if fine { Ok(()) } else { Err(ConfigError::Together(sentence)) };
        together(
            self.tls.certificate.is_some() == self.tls.key.is_some(),
            "tls.certificate and tls.key belong together: set both, or none",
        )?;
        together(
            self.smtp.url.is_some() == self.smtp.from.is_some(),
            "smtp.url and smtp.from belong together: set both, or none",
        )?;
        together(self.work.imports > 0, "work.imports is at least 1")?;
        together(self.work.checks > 0, "work.checks is at least 1")?;
        together(
            (1..=16).contains(&self.work.connections_per_import),
            "work.connections_per_import is between 1 and 16",
        )?;
        let source = &self.source;
        let times =
            [source.connect_seconds, source.tls_seconds, source.greeting_seconds, source.reply_seconds];
        together(
            times.iter().all(|seconds| (1..=3_600).contains(seconds)),
            "source.connect_seconds, tls_seconds, greeting_seconds and reply_seconds are between 1 and 3600",
        )?;
        let limits = &self.limits;
        together(limits.folders > 0, "limits.folders is at least 1")?;
        together(limits.folder_name_octets > 0, "limits.folder_name_octets is at least 1")?;
        together(
            (2..=30).contains(&limits.folder_levels),
            "limits.folder_levels is between 2 and 30, which is what mail programs show",
        )?;
        together(
            (1_024..=16 << 20).contains(&limits.response_line_octets),
            "limits.response_line_octets is between 1024 and 16777216",
        )
    }

    /// Where everything is kept that is not mail: set, or systemd's, or the user's.
    pub(crate) fn data_dir(&self) -> PathBuf {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        self.data_dir
            .clone()
            .or_else(|| variable("STATE_DIRECTORY"))
            .or_else(|| rustix::process::geteuid().is_root().then(|| "/var/lib/mailimport".into()))
            .or_else(|| variable("XDG_DATA_HOME").map(|home| home.join("mailimport")))
            .or_else(|| variable("HOME").map(|home| home.join(".local/share/mailimport")))
            .unwrap_or_else(|| "mailimport-data".into())
    }

    /// What links that are handed out begin with, when `address` is listened on.
    pub(crate) fn base_url(&self, address: &SocketAddr) -> String {
        let scheme = if self.tls.certificate.is_some() { "https" } else { "http" };
        self.public_url
            .as_ref()
            .map_or_else(|| format!("{scheme}://{address}"), |url| url.as_str().to_owned())
    }

    /// The root of the mailboxes.
    pub(crate) fn mail_root(&self) -> PathBuf {
        self.mail.root.clone().unwrap_or_else(|| self.data_dir().join("mail"))
    }
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    use std::io::Read as _;
    let failed = |why: String| ConfigError::File { path: path.to_owned(), why };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
        .map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(failed("larger than 1 MiB".to_owned()));
    }
    // Twice: for the lines that a wrong value stands on, and for what environment and arguments go over.
    let wrong = |error: toml::de::Error| ConfigError::Line {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1),
        why: value::without_value(error.message()),
    };
    toml::from_str::<Config>(&text).map_err(wrong)?;
    toml::from_str::<Table>(&text).map_err(wrong)
}

#[cfg(test)]
mod tests;
