//! Names to addresses and services. A trait, so that tests and the address policy see each answer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolverBuilder, TokioResolver};

/// How long one question to one name server may take, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;
/// Records of one answer that are looked at.
const MAX_RECORDS: usize = 64;

/// A service record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// The lowest is asked first.
    pub priority: u16,
    /// Among the same priority, more often first.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its host; empty when the domain says that it has no such service.
    pub target: String,
}

/// Why a name has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such name, or nothing of that kind under it.
    #[error("there is no such name")]
    NotFound,
    /// The name servers do not answer.
    #[error("the name servers did not answer: {0}")]
    Failed(String),
}

/// Looks names up.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses of a host.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError>;
    /// The service records of a name such as `_imaps._tcp.example.org`.
    async fn services(&self, name: &str) -> Result<Vec<Srv>, ResolveError>;
}

/// As this machine is configured: `/etc/hosts` first, then its name servers.
pub struct SystemResolver {
    resolver: TokioResolver,
}

impl fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemResolver")
    }
}

impl SystemResolver {
    /// Reads the machine's configuration. Without name servers only `/etc/hosts` is known.
    ///
    /// # Errors
    ///
    /// A configuration that cannot be used.
    pub fn new() -> Result<SystemResolver, ResolveError> {
        let builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
            tracing::warn!(%error, "no name servers are configured; only the hosts file is used");
            builder_with(Vec::new())
        });
        SystemResolver::build(builder)
    }

    /// Asks these name servers in place of the machine's own.
    ///
    /// # Errors
    ///
    /// A configuration that cannot be used.
    pub fn asking(name_servers: &[SocketAddr]) -> Result<SystemResolver, ResolveError> {
        let name_server = |address: &SocketAddr| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = address.port());
            NameServerConfig::new(address.ip(), true, connections)
        };
        SystemResolver::build(builder_with(name_servers.iter().map(name_server).collect()))
    }

    fn build(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<SystemResolver, ResolveError> {
        let options = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Always;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = PATIENCE;
        options.attempts = ATTEMPTS;
        let resolver = builder.build().map_err(failed)?;
        Ok(SystemResolver { resolver })
    }
}

fn builder_with(name_servers: Vec<NameServerConfig>) -> ResolverBuilder<TokioRuntimeProvider> {
    let config = ResolverConfig::from_parts(None, Vec::new(), name_servers);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
}

fn failed(error: NetError) -> ResolveError {
    if error.is_no_records_found() { ResolveError::NotFound } else { ResolveError::Failed(error.to_string()) }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let found = self.resolver.lookup_ip(host).await.map_err(failed)?;
        let addresses: Vec<IpAddr> = found.iter().take(MAX_RECORDS + 1).collect();
        // All are judged or none is connected to.
        if addresses.len() > MAX_RECORDS {
            return Err(ResolveError::Failed(format!("more than {MAX_RECORDS} addresses")));
        }
        Ok(addresses)
    }

    async fn services(&self, name: &str) -> Result<Vec<Srv>, ResolveError> {
        // With the root's dot: the search list is for hosts that people name shortly.
        let found = self.resolver.srv_lookup(format!("{name}.")).await.map_err(failed)?;
        let records = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: srv.target.to_ascii().trim_end_matches('.').to_ascii_lowercase(),
            }),
            _ => None,
        });
        Ok(records.take(MAX_RECORDS).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_of_the_hosts_file_are_known() {
        let found = SystemResolver::new().unwrap().addresses("localhost").await.unwrap();
        assert!(found.contains(&"127.0.0.1".parse().unwrap()), "{found:?}");
        assert!(found.iter().all(IpAddr::is_loopback));
    }
}
