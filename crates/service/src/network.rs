//! The way out: every name is resolved here, every address judged, at each connect and reconnect.
//!
//! Nothing of this crate opens a connection to what a customer named in any other way.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use engine::account::Route;
use imap::{AddressGuard, Allowed, Endpoint};

use crate::address_policy::{AddressPolicy, Refusal};
use crate::resolver::{ResolveError, Resolver};
use crate::server_field;

/// Port of HTTPS.
const HTTPS: u16 = 443;

/// Name resolution and address policy together. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolver>,
    web: Web,
}

/// How documents are fetched.
#[derive(Debug, Clone)]
struct Web {
    /// `None`: the machine's own authorities.
    tls: Option<imap::Tls>,
    port: u16,
}

/// Why a host cannot be connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    /// It has no address.
    #[error(transparent)]
    Unknown(ResolveError),
    /// It has one that is not allowed.
    #[error("{0}")]
    Refused(Refusal),
}

impl Network {
    /// With this policy and this resolver.
    pub fn new(policy: AddressPolicy, resolver: Arc<dyn Resolver>) -> Network {
        Network { inner: Arc::new(Inner { policy, resolver, web: Web { tls: None, port: HTTPS } }) }
    }

    /// The same where web servers are trusted otherwise and listen elsewhere: for tests.
    pub fn with_web(
        policy: AddressPolicy,
        resolver: Arc<dyn Resolver>,
        tls: imap::Tls,
        port: u16,
    ) -> Network {
        Network { inner: Arc::new(Inner { policy, resolver, web: Web { tls: Some(tls), port } }) }
    }

    /// How the engine gets to an old server.
    pub fn route(&self) -> Route {
        Route::Guarded(Arc::new(self.clone()))
    }

    /// Whom to trust when a document is fetched.
    pub(crate) fn web_tls(&self) -> Result<imap::Tls, imap::Error> {
        self.inner.web.tls.clone().map_or_else(|| imap::Tls::new(imap::TlsTrust::default()), Ok)
    }

    pub(crate) fn https_port(&self) -> u16 {
        self.inner.web.port
    }

    pub(crate) fn resolver(&self) -> &dyn Resolver {
        self.inner.resolver.as_ref()
    }

    /// The addresses of a host at a mail port, all judged.
    async fn mail_server(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Closed> {
        // A port that is closed is closed whatever the name says.
        self.inner.policy.judge_all(&[], port).map_err(Closed::Refused)?;
        let addresses = self.addresses(host).await.map_err(Closed::Unknown)?;
        self.inner.policy.judge_all(&addresses, port).map_err(Closed::Refused)
    }

    /// The addresses of a web server, all judged.
    pub(crate) async fn web_server(&self, host: &str) -> Result<Vec<SocketAddr>, Closed> {
        let addresses = self.addresses(host).await.map_err(Closed::Unknown)?;
        self.inner.policy.judge_addresses(&addresses, self.inner.web.port).map_err(Closed::Refused)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        // In its one spelling first, so that no odd spelling of an address is asked for as a name.
        let host = server_field::host(host).ok_or(ResolveError::NotFound)?;
        let found = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.inner.resolver.addresses(&host).await?,
        };
        if found.is_empty() { Err(ResolveError::NotFound) } else { Ok(found) }
    }
}

impl AddressGuard for Network {
    fn addresses<'a>(&'a self, endpoint: &'a Endpoint) -> Allowed<'a> {
        Box::pin(async move {
            let host = || endpoint.host.clone();
            self.mail_server(&endpoint.host, endpoint.port).await.map_err(|closed| match closed {
                Closed::Refused(refusal) => {
                    tracing::warn!(host = host(), %refusal, "a server that a customer named is not allowed");
                    imap::Error::AddressRefused { host: host() }
                }
                Closed::Unknown(error) => {
                    let kind = match error {
                        ResolveError::NotFound => io::ErrorKind::NotFound,
                        ResolveError::Failed(_) => io::ErrorKind::TimedOut,
                    };
                    imap::Error::Dns { host: host(), source: Arc::new(io::Error::new(kind, error)) }
                }
            })
        })
    }
}
