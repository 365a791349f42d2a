//! What an import is told: where from, where to, how.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::destination::{Destination, MaildirDestination};
use crate::ledger::{AccountKey, Ledger};
use crate::plan::Selection;
use crate::progress::Progress;

/// How the old server's addresses are found, at each connect and reconnect.
#[derive(Debug, Clone, Default)]
pub enum Route {
    /// As the system resolves its name: for a command that its user runs.
    #[default]
    Anywhere,
    /// Only where this guard allows it: for servers that strangers name.
    Guarded(Arc<dyn imap::AddressGuard>),
}

impl Route {
    pub(crate) async fn open(
        &self,
        endpoint: &imap::Endpoint,
        tls: &imap::Tls,
        options: &imap::Options,
    ) -> Result<imap::Connection, imap::Error> {
        match self {
            Route::Anywhere => imap::Connection::open(endpoint, tls, options).await,
            Route::Guarded(guard) => {
                imap::Connection::open_guarded(guard.as_ref(), endpoint, tls, options).await
            }
        }
    }
}

/// A source account.
#[derive(Debug, Clone)]
pub struct Source {
    /// The old server.
    pub endpoint: imap::Endpoint,
    /// Whom to trust there.
    pub tls: imap::Tls,
    /// How to log in.
    pub credentials: imap::Credentials,
    /// How to get there.
    pub route: Route,
}

impl Source {
    /// Host name, as given.
    pub fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// The account whose mail is read: the authorization id where one is given.
    pub fn user(&self) -> &str {
        match &self.credentials {
            imap::Credentials::Password { authorization_id: Some(id), .. } => id,
            imap::Credentials::Password { user, .. } | imap::Credentials::OAuth { user, .. } => user,
        }
    }
}

/// What is known to be at the destination although the ledger does not say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adoption {
    /// Messages that carry our own names.
    #[default]
    OwnNames,
    /// Beside them any message with the same octets, whoever put it there.
    ByDigest,
}

/// Whether the wire is compressed (RFC 4978).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// No: measured 5.9 times slower on a fast line.
    #[default]
    Off,
    /// Where the server offers it.
    On,
}

/// How to import.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections to the old server for this account.
    pub connections: usize,
    /// Octets of mail a second at most, over all connections.
    pub rate: Option<u64>,
    /// How long a server may be silent or refuse for the moment before the import stops.
    pub patience: Duration,
    /// The first pause after a failure that may heal; further ones grow up to half a minute.
    pub first_pause: Duration,
    /// Octets of mail that one run of the import may store; what is in hand when they are stored is put away. `None`: any.
    pub octets: Option<u64>,
    /// What counts as being there already.
    pub adoption: Adoption,
    /// Compression of the wire.
    pub compression: Compression,
    /// Time-outs and limits of connections.
    pub client: imap::Options,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connections: 2,
            rate: None,
            patience: Duration::from_secs(180),
            first_pause: Duration::from_millis(500),
            octets: None,
            adoption: Adoption::default(),
            compression: Compression::default(),
            client: imap::Options::default(),
        }
    }
}

/// One account to import or verify.
pub struct Account<'a, L: Ledger, D: Destination = MaildirDestination> {
    /// Where from.
    pub source: &'a Source,
    /// Where to.
    pub destination: &'a D,
    /// The record.
    pub ledger: &'a L,
    /// What of it.
    pub selection: &'a Selection,
    /// How.
    pub settings: &'a Settings,
    /// Who watches.
    pub progress: Arc<dyn Progress>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Stops it; what was staged completely is still delivered.
    pub cancel: CancellationToken,
}

impl<L: Ledger, D: Destination> Account<'_, L, D> {
    /// The key of this account's rows.
    pub fn key(&self) -> AccountKey {
        AccountKey {
            source: format!("{}@{}", self.source.user(), self.source.host().to_lowercase()),
            destination: self.destination.key(),
        }
    }
}
