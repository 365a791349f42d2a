//! From arguments to what the engine takes; every failure here is wrong use, found before anything is touched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::account::{Adoption, Compression, Route, Settings, Source};
use engine::destination::{ImapDestination, Limits};
use engine::plan::{Selection, SelectionError};
use imap::{Tls, TlsTrust};
use sha2::{Digest, Sha256};

use crate::arguments::{DestinationOptions, LineOptions, PatienceOption, SelectionOptions, SourceOptions};
use crate::config::value::Durability;
use crate::location::{self, ImapAccount, Plaintext};
use crate::secrets;

/// Why the command line cannot be used: a plain sentence, without a secret.
#[derive(Debug)]
pub(crate) struct WrongUse(pub(crate) String);

impl<E: std::error::Error> From<E> for WrongUse {
    fn from(error: E) -> WrongUse {
        WrongUse(error.to_string())
    }
}

/// The ledger's name in the root of a Maildir, where Dovecot does not look at it.
const LEDGER: &str = "mailimport-ledger.db";

/// Where the ledger of a Maildir is.
pub(crate) fn maildir_ledger(state: Option<&PathBuf>, mailbox: &Path) -> PathBuf {
    state.cloned().unwrap_or_else(|| mailbox.join(LEDGER))
}

/// Where the ledger of an account at an IMAP server is: one for each account, whatever is imported into it, so that two
/// imports know of each other.
pub(crate) fn account_ledger(state: Option<&PathBuf>, account: &Source) -> Result<PathBuf, WrongUse> {
    if let Some(path) = state {
        return std::path::absolute(path).map_err(WrongUse::from);
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG base directory specification takes absolute paths only.
    let base = set("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let base = base.ok_or_else(|| {
        WrongUse(
            "the ledger has no place: neither XDG_STATE_HOME nor HOME is set; name it with --state"
                .to_owned(),
        )
    })?;
    let digest: String = Sha256::digest(ImapDestination::key_of(account).as_bytes())
        .iter()
        .take(12)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    Ok(base.join("mailimport").join(format!("{digest}.db")))
}

/// The new account. May ask for the password.
pub(crate) fn destination_account(
    account: ImapAccount,
    options: &DestinationOptions,
) -> Result<Source, WrongUse> {
    let tls = Tls::new(trust_of(&options.destination_tls_ca, options.destination_tls_pin.as_deref())?)?;
    let credentials = secrets::destination_credentials(&account.user, &account.endpoint.host, options)?;
    Ok(Source { endpoint: account.endpoint, tls, credentials, route: Route::Anywhere })
}

/// The old account. May ask for the password.
pub(crate) fn source(place: &str, options: &SourceOptions) -> Result<Source, WrongUse> {
    let plaintext = if options.allow_plaintext { Plaintext::Allowed } else { Plaintext::Refused };
    let account = location::source(place, plaintext)?;
    let tls = Tls::new(trust(options)?)?;
    let credentials = secrets::credentials(&account.user, &account.endpoint.host, options)?;
    Ok(Source { endpoint: account.endpoint, tls, credentials, route: Route::Anywhere })
}

/// Which certificates to trust at the old server.
pub(crate) fn trust(options: &SourceOptions) -> Result<TlsTrust, WrongUse> {
    trust_of(&options.tls_ca, options.tls_pin.as_deref())
}

fn trust_of(authorities: &[PathBuf], pin: Option<&str>) -> Result<TlsTrust, WrongUse> {
    let mut trust = TlsTrust::default();
    for path in authorities {
        let named = |error: &dyn std::fmt::Display| WrongUse(format!("{}: {error}", path.display()));
        let text = std::fs::read(path).map_err(|error| named(&error))?;
        trust.additional_roots.extend(TlsTrust::parse_pem(&text).map_err(|error| named(&error))?);
    }
    trust.pin = pin.map(TlsTrust::parse_pin).transpose()?;
    Ok(trust)
}

/// What to import.
pub(crate) fn selection(options: &SelectionOptions) -> Result<Selection, SelectionError> {
    let mut selection = Selection::default();
    for glob in &options.include {
        selection = selection.include(glob)?;
    }
    for glob in &options.exclude {
        selection = selection.exclude(glob)?;
    }
    for map in &options.map {
        selection = selection.map(map)?;
    }
    if let Some(date) = &options.since {
        selection = selection.since(date)?;
    }
    if let Some(size) = &options.max_size {
        selection = selection.max_size(size)?;
    }
    Ok(selection)
}

/// What an import may take of the destination, and how.
pub(crate) fn destination_limits(keep_free: u64, durability: Durability) -> Limits {
    Limits { free_space: keep_free, durability: durability.into(), ..Limits::default() }
}

/// How to import.
pub(crate) fn settings(line: &LineOptions, adoption: Adoption) -> Settings {
    Settings {
        connections: line.connections.into(),
        rate: line.rate,
        adoption,
        compression: if line.compress { Compression::On } else { Compression::Off },
        ..patient(&line.patience)
    }
}

/// Ordinary settings with this patience, which bounds every wait for the server too.
pub(crate) fn patient(option: &PatienceOption) -> Settings {
    let patience = Duration::from_secs(option.patience);
    let mut settings = Settings { patience, ..Settings::default() };
    let timeouts = &mut settings.client.timeouts;
    for timeout in [&mut timeouts.connect, &mut timeouts.tls, &mut timeouts.greeting, &mut timeouts.reply] {
        *timeout = patience.min(*timeout);
    }
    settings
}
