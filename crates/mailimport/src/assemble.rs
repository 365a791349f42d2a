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
    };
    let root = std::path::absolute(&root).map_err(NotAssembled::of)?;
    MaildirTree::open(&root, options).map_err(NotAssembled::of)
}

fn settings(config: &Config, key: SealingKey) -> Result<Settings, NotAssembled> {
    const DAY: u64 = 24 * 3600;
    let mut settings = Settings::new(key, network(config)?);
    settings.entries_per_domain = config.limits.entries_per_domain;
    settings.keep_secrets = Duration::from_secs(u64::from(config.limits.keep_passwords_days) * DAY);
    settings.engine.connections = config.work.connections_per_import.into();
    settings.tls = trust(config)?;
    settings.base_url = Some(config.base_url(&config.listen));
    settings.mail_out = mail_out(config);
    Ok(settings)
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
