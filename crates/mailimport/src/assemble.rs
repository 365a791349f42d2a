//! Puts the service together as the settings say: data directory, database, mailboxes, vault.
//!
//! It makes what is missing and changes nothing that is there.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use imap::TlsTrust;
use mailhost::{MaildirTree, TreeOptions};
use nix::unistd::{Gid, Uid};
use secrecy::ExposeSecret;
use service::address_policy::{AddressPolicy, Range};
use service::network::Network;
use service::notices::MailOut;
use service::resolver::SystemResolver;
use service::{SealingKey, Service, Settings};
use store::Store;
use web::PlainLetters;

use crate::claim::{Extent, claim};
use crate::config::Config;
use crate::notice::notice;
use crate::owner;

/// The sealing key's file in the data directory.
const KEY: &str = "sealing.key";
/// The same as a credential of systemd.
const CREDENTIAL: &str = "mailimport.sealing-key";
/// The database's file there.
const DATABASE: &str = "mailimport.db";

/// Why the service cannot be put together: a plain sentence, without a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAssembled(String);

impl NotAssembled {
    /// Of any cause that says itself what it is.
    pub(crate) fn of(error: impl std::fmt::Display) -> NotAssembled {
        NotAssembled(error.to_string())
    }
}

/// The service and what it stands on.
pub(crate) struct Assembled {
    pub(crate) service: Service,
    pub(crate) store: Arc<Store>,
}

/// A new sealing key, with nobody else at work in the data directory. Says how many passwords were sealed.
pub(crate) async fn rotate_key(config: &Config) -> Result<u64, NotAssembled> {
    let data = config.data_dir();
    if let Some(credential) = credential() {
        let path = credential.display();
        return Err(NotAssembled(format!(
            "the sealing key is systemd's credential {path}, which only systemd can change"
        )));
    }
    let key = data.join(KEY);
    if !key.exists() {
        return Err(NotAssembled(format!("there is no sealing key {} yet", key.display())));
    }
    let _claim = claim(&data, Extent::Alone).map_err(NotAssembled::of)?;
    let store = open_store(config, &data).await?;
    let sealed = service::rotate_key(&store, &key).await.map_err(NotAssembled::of)?;
    store.close().await.map_err(NotAssembled::of)?;
    Ok(sealed)
}

/// Opens everything.
pub(crate) async fn assemble(config: &Config) -> Result<Assembled, NotAssembled> {
    let data = config.data_dir();
    let key = credential().map_or_else(|| SealingKey::File(data.join(KEY)), SealingKey::Credential);
    open(config, &data, key).await
}

/// Opens everything for somebody who neither seals nor opens a password, and may not reach the key.
pub(crate) async fn assemble_without_key(config: &Config) -> Result<Assembled, NotAssembled> {
    open(config, &config.data_dir(), SealingKey::ThisProcess).await
}

async fn open(config: &Config, data: &Path, key: SealingKey) -> Result<Assembled, NotAssembled> {
    make_data_dir(data)?;
    let store = Arc::new(open_store(config, data).await?);
    let host = Arc::new(open_host(config)?);
    let settings = settings(config, key)?;
    let service = Service::open(settings, Arc::clone(&store), host).await.map_err(NotAssembled::of)?;
    Ok(Assembled { service, store })
}

/// Makes the data directory with mode 0700. One that others may enter is said, and left as it is.
pub(crate) fn make_data_dir(data: &Path) -> Result<(), NotAssembled> {
    let failed = |what: &str, error: std::io::Error| {
        NotAssembled(format!("the data directory {} cannot be {what}: {error}", data.display()))
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| failed("made", error))?;
    let metadata = std::fs::metadata(data).map_err(|error| failed("used", error))?;
    if metadata.mode() & 0o077 != 0 {
        notice(format_args!(
            "The data directory {} can be entered by others; `chmod 0700` it.",
            data.display()
        ));
    }
    Ok(())
}

async fn open_store(config: &Config, data: &Path) -> Result<Store, NotAssembled> {
    let opened = match &config.database.url {
        Some(url) => Store::connect(url.0.expose_secret()).await,
        None => Store::open_file(&data.join(DATABASE), None).await,
    };
    opened.map_err(NotAssembled::of)
}

fn open_host(config: &Config) -> Result<MaildirTree, NotAssembled> {
    let root = config.mail_root();
    let owner = config.mail.user.as_deref().map(|user| owner::owner(&root, Some(user))).transpose();
    let options = TreeOptions {
        scheme: config.mail.password_scheme.into(),
        owner: owner.map_err(NotAssembled::of)?.flatten(),
        limits: destination_limits(config),
    };
    let root = std::path::absolute(&root).map_err(NotAssembled::of)?;
    MaildirTree::open(&root, options).map_err(NotAssembled::of)
}

fn settings(config: &Config, key: SealingKey) -> Result<Settings, NotAssembled> {
    const DAY: u64 = 24 * 3600;
    let mut settings = Settings::new(key, network(config)?);
    settings.entries_per_domain = config.limits.entries_per_domain;
    settings.keep_secrets = Duration::from_secs(u64::from(config.limits.keep_passwords_days) * DAY);
    settings.engine = engine_settings(config);
    settings.give_up_after = Duration::from_secs(u64::from(config.source.give_up_minutes) * 60);
    settings.selection.max_size = set(config.limits.message_octets);
    settings.tls = trust(config)?;
    settings.base_url = Some(config.base_url(&config.listen));
    settings.mail_out = mail_out(config);
    Ok(settings)
}

/// What an import may take of the mailboxes' disk.
fn destination_limits(config: &Config) -> engine::destination::Limits {
    engine::destination::Limits {
        free_space: config.limits.free_space_mb.saturating_mul(1_000_000),
        folder_levels: config.limits.folder_levels.into(),
        durability: config.mail.durability.into(),
    }
}

/// How each import goes about its work.
fn engine_settings(config: &Config) -> engine::account::Settings {
    let (source, limits) = (&config.source, &config.limits);
    let seconds = |number: u32| Duration::from_secs(number.into());
    let octets = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut client = imap::Options {
        timeouts: imap::Timeouts {
            connect: seconds(source.connect_seconds),
            tls: seconds(source.tls_seconds),
            greeting: seconds(source.greeting_seconds),
            reply: seconds(source.reply_seconds),
        },
        ..imap::Options::default()
    };
    client.limits.folders = octets(limits.folders);
    client.limits.name = octets(limits.folder_name_octets);
    client.limits.line = octets(limits.response_line_octets);
    engine::account::Settings {
        connections: config.work.connections_per_import.into(),
        patience: seconds(source.patience_seconds),
        octets: set(limits.octets_per_import),
        client,
        ..engine::account::Settings::default()
    }
}

/// A limit of 0 is none.
fn set(limit: u64) -> Option<u64> {
    (limit > 0).then_some(limit)
}

/// The sealing key that systemd hands over, if it does.
fn credential() -> Option<PathBuf> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|value| !value.is_empty())?;
    Some(PathBuf::from(directory).join(CREDENTIAL)).filter(|path| path.exists())
}

/// How customers are written to, in the words of the pages.
fn mail_out(config: &Config) -> Option<MailOut> {
    let (server, from) = (config.smtp.url.clone()?, config.smtp.from.clone()?);
    Some(MailOut { server, from, letters: Arc::new(PlainLetters) })
}

/// The way out: names that customers type are resolved and judged here.
fn network(config: &Config) -> Result<Network, NotAssembled> {
    let range = |text: &String| {
        let unusable = |error| NotAssembled(format!("source.allow cannot be used: {error}"));
        text.parse::<Range>().map_err(unusable)
    };
    let allow = config.source.allow.iter().map(range).collect::<Result<_, _>>()?;
    let policy = AddressPolicy::new(allow, &config.source.further_ports);
    let resolver = match config.source.name_servers.as_slice() {
        [] => SystemResolver::new(),
        name_servers => SystemResolver::asking(name_servers),
    };
    let resolver = resolver.map_err(NotAssembled::of)?;
    Ok(Network::new(policy, Arc::new(resolver)))
}

fn trust(config: &Config) -> Result<TlsTrust, NotAssembled> {
    let mut trust = TlsTrust::default();
    for path in &config.source.authorities {
        let named = |error: &dyn std::fmt::Display| NotAssembled(format!("{}: {error}", path.display()));
        let text = std::fs::read(path).map_err(|error| named(&error))?;
        trust.additional_roots.extend(TlsTrust::parse_pem(&text).map_err(|error| named(&error))?);
    }
    Ok(trust)
}

/// What root does by hand beside a running service is done as the service's user: files that root left behind could not
/// be written by it any more. Before there are threads.
pub(crate) fn become_owner_of_data(config: &Config) -> Result<(), NotAssembled> {
    let Ok(metadata) = std::fs::metadata(config.data_dir()) else { return Ok(()) };
    if !rustix::process::geteuid().is_root() || metadata.uid() == 0 {
        return Ok(());
    }
    let failed = |error: nix::Error| {
        NotAssembled(format!("cannot become the owner of {}: {error}", config.data_dir().display()))
    };
    let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
    nix::unistd::setgroups(&[gid]).map_err(failed)?;
    nix::unistd::setgid(gid).map_err(failed)?;
    nix::unistd::setuid(uid).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setting, and what the service makes of it.
    type Row = (&'static str, &'static str, u64, fn(&Settings) -> u64);

    const ROWS: [Row; 11] = [
        ("source", "connect_seconds", 7, |s| s.engine.client.timeouts.connect.as_secs()),
        ("source", "tls_seconds", 8, |s| s.engine.client.timeouts.tls.as_secs()),
        ("source", "greeting_seconds", 9, |s| s.engine.client.timeouts.greeting.as_secs()),
        ("source", "reply_seconds", 11, |s| s.engine.client.timeouts.reply.as_secs()),
        ("source", "patience_seconds", 12, |s| s.engine.patience.as_secs()),
        ("source", "give_up_minutes", 19, |s| s.give_up_after.as_secs() / 60),
        ("limits", "folders", 13, |s| s.engine.client.limits.folders as u64),
        ("limits", "folder_name_octets", 14, |s| s.engine.client.limits.name as u64),
        ("limits", "response_line_octets", 2_015, |s| s.engine.client.limits.line as u64),
        ("limits", "message_octets", 16, |s| s.selection.max_size.unwrap_or(0)),
        ("limits", "octets_per_import", 17, |s| s.engine.octets.unwrap_or(0)),
    ];

    fn made(config: &Config) -> Settings {
        settings(config, SealingKey::ThisProcess).unwrap()
    }

    #[test]
    fn each_limit_reaches_the_engine_and_no_other() {
        let usual = made(&Config::default());
        for (section, key, value, _) in ROWS {
            let config: Config = toml::from_str(&format!("[{section}]\n{key} = {value}\n")).unwrap();
            let set = made(&config);
            for (_, other, _, read) in ROWS {
                let expected = if other == key { value } else { read(&usual) };
                assert_eq!(read(&set), expected, "{key} = {value}: {other}");
            }
        }
    }

    #[test]
    fn the_documented_defaults_are_the_engines_own() {
        let (made, own) = (
            made(&Config::default()),
            Settings::new(SealingKey::ThisProcess, network(&Config::default()).unwrap()),
        );
        assert_eq!(made.engine.client.timeouts, own.engine.client.timeouts);
        assert_eq!(made.engine.client.limits, own.engine.client.limits);
        assert_eq!(
            (made.engine.patience, made.engine.connections),
            (own.engine.patience, own.engine.connections)
        );
        assert_eq!(made.give_up_after, own.give_up_after);
        assert_eq!((made.engine.octets, made.selection.max_size), (None, None));
    }

    #[test]
    fn what_is_to_stay_free_and_how_deep_folders_go_reaches_the_mailboxes() {
        let text = "[limits]\nfree_space_mb = 3\nfolder_levels = 4\n[mail]\ndurability = \"fsync\"\n";
        let config: Config = toml::from_str(text).unwrap();
        let (set, usual) = (destination_limits(&config), destination_limits(&Config::default()));
        assert_eq!((set.free_space, set.folder_levels), (3_000_000, 4));
        assert_eq!(set.durability, engine::destination::Durability::FsyncEach);
        assert_eq!(
            (usual.free_space, usual.folder_levels),
            (512_000_000, engine::destination::Limits::default().folder_levels)
        );
    }
}
