//! From arguments to what the engine takes; every failure here is wrong use, found before anything is touched.

use std::path::PathBuf;
use std::time::Duration;

use engine::account::{Adoption, Compression, Route, Settings, Source};
use engine::destination::Limits;
use engine::plan::{Selection, SelectionError};
use imap::{Tls, TlsTrust};

use crate::arguments::{LineOptions, PatienceOption, SelectionOptions, SourceOptions};
use crate::location::{self, Plaintext};
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

/// Where the ledger is.
pub(crate) fn ledger(state: Option<&PathBuf>, mailbox: &std::path::Path) -> PathBuf {
    state.cloned().unwrap_or_else(|| mailbox.join(LEDGER))
}

/// The old account. May ask for the password.
pub(crate) fn source(place: &str, options: &SourceOptions) -> Result<Source, WrongUse> {
    let plaintext = if options.allow_plaintext { Plaintext::Allowed } else { Plaintext::Refused };
    let account = location::source(place, plaintext)?;
    let tls = Tls::new(trust(options)?)?;
    let credentials = secrets::credentials(&account.user, &account.endpoint.host, options)?;
    Ok(Source { endpoint: account.endpoint, tls, credentials, route: Route::Anywhere })
}

/// Which certificates to trust.
pub(crate) fn trust(options: &SourceOptions) -> Result<TlsTrust, WrongUse> {
    let mut trust = TlsTrust::default();
    for path in &options.tls_ca {
        let named = |error: &dyn std::fmt::Display| WrongUse(format!("{}: {error}", path.display()));
        let text = std::fs::read(path).map_err(|error| named(&error))?;
        trust.additional_roots.extend(TlsTrust::parse_pem(&text).map_err(|error| named(&error))?);
    }
    trust.pin = options.tls_pin.as_deref().map(TlsTrust::parse_pin).transpose()?;
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

/// What an import may take of the destination.
pub(crate) fn destination_limits(keep_free: u64) -> Limits {
    Limits { free_space: keep_free, ..Limits::default() }
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
