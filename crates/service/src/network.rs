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

/// Ports of HTTP and HTTPS.
const HTTP: u16 = 80;
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

    /// Whether a webhook may be at this port: HTTPS's, HTTP's, or one that the operator has opened.
    pub(crate) fn may_call(&self, port: u16) -> bool {
        [HTTP, HTTPS, self.inner.web.port].contains(&port) || self.inner.policy.opens_port(port)
    }

    /// Whether somebody at this address may have answered: what stands between us and the network may have its own idea of
    /// who that is.
    pub(crate) fn may_answer(&self, peer: Option<SocketAddr>) -> bool {
        peer.is_some_and(|peer| self.inner.policy.judge(peer.ip()).is_ok())
    }

    /// Whether the operator has opened anything that is not public.
    pub(crate) fn opens_any(&self) -> bool {
        self.inner.policy.opens_any()
    }

    /// The addresses of a webhook's server, all judged; without encryption only those that the operator has named.
    pub(crate) async fn webhook_server(&self, url: &url::Url) -> Result<Vec<SocketAddr>, Closed> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.may_call(port) {
            return Err(Closed::Refused(Refusal::Port(port)));
        }
        let addresses = self.addresses(host).await.map_err(Closed::Unknown)?;
        let policy = &self.inner.policy;
        let judged = match url.scheme() {
            "https" => policy.judge_addresses(&addresses, port),
            _ => policy.judge_unencrypted(&addresses, port),
        };
        judged.map_err(Closed::Refused)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        // In its one spelling first, so that no odd spelling of an address is asked for as a name.
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let host = server_field::host(&bracketed).ok_or(ResolveError::NotFound)?;
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use imap::Security;
    use proptest::prelude::*;

    use super::*;
    use crate::address_policy::OwnAddresses;
    use crate::address_policy::tests::{addresses, is_public};
    use crate::resolver::Srv;

    /// Gives one answer after the other, and counts what it was asked.
    #[derive(Debug, Default)]
    struct Answers {
        answers: Mutex<VecDeque<Result<Vec<IpAddr>, ResolveError>>>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Resolver for Answers {
        async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
            self.asked.lock().unwrap().push(host.to_owned());
            self.answers.lock().unwrap().pop_front().unwrap_or(Err(ResolveError::NotFound))
        }

        async fn services(&self, _: &str) -> Result<Vec<Srv>, ResolveError> {
            Err(ResolveError::NotFound)
        }
    }

    fn network(allowed: &[&str], answers: &[&[&str]]) -> (Network, Arc<Answers>) {
        let allowed = allowed.iter().map(|range| range.parse().unwrap()).collect();
        let policy = AddressPolicy::new(allowed, &[]).with_own(OwnAddresses::Listed(Vec::new()));
        let address = |text: &&str| text.parse().unwrap();
        let resolver = Arc::new(Answers {
            answers: Mutex::new(answers.iter().map(|list| Ok(list.iter().map(address).collect())).collect()),
            asked: Mutex::default(),
        });
        (Network::new(policy, resolver.clone()), resolver)
    }

    async fn ask(network: &Network, host: &str, port: u16) -> Result<Vec<String>, &'static str> {
        let endpoint = Endpoint { host: host.to_owned(), port, security: Security::ImplicitTls };
        match AddressGuard::addresses(network, &endpoint).await {
            Ok(found) => Ok(found.iter().map(SocketAddr::to_string).collect()),
            Err(imap::Error::AddressRefused { host: named }) if named == host => Err("refused"),
            Err(imap::Error::Dns { .. }) => Err("dns"),
            Err(_) => Err("other"),
        }
    }

    #[tokio::test]
    async fn names_are_resolved_once_for_each_connect_and_judged_as_a_whole() {
        let (network, resolver) = network(
            &[],
            &[&["8.8.8.8", "2a00:1450::1"], &["8.8.8.8", "127.0.0.1"], &["::ffff:10.0.0.1"], &[]],
        );
        let expected = ["8.8.8.8:993", "[2a00:1450::1]:993"].map(str::to_owned);
        assert_eq!(ask(&network, "IMAP.example.org", 993).await, Ok(expected.to_vec()));
        // The same name, another answer: what was allowed before is no pass.
        assert_eq!(ask(&network, "imap.example.org", 993).await, Err("refused"));
        assert_eq!(ask(&network, "imap.example.org", 993).await, Err("refused"));
        assert_eq!(ask(&network, "imap.example.org", 993).await, Err("dns"));
        assert_eq!(*resolver.asked.lock().unwrap(), ["imap.example.org"; 4]);
    }

    #[tokio::test]
    async fn addresses_in_any_spelling_are_judged_without_a_question() {
        let (network, resolver) = network(&["192.168.7.0/24"], &[]);
        for (host, expected) in [
            ("8.8.8.8", Ok(vec!["8.8.8.8:993".to_owned()])),
            ("192.168.7.9", Ok(vec!["192.168.7.9:993".to_owned()])),
            ("192.168.8.9", Err("refused")),
            ("0", Err("refused")),
            ("127.1", Err("refused")),
            ("2130706433", Err("refused")),
            ("0x7f000001", Err("refused")),
            ("::1", Err("refused")),
            ("::ffff:127.0.0.1", Err("refused")),
            ("fe80::1", Err("refused")),
            ("017700000001", Err("refused")),
            ("64:ff9b::7f00:1", Err("refused")),
            ("2002:7f00:1::", Err("refused")),
            ("::127.0.0.1", Err("refused")),
            ("fe80::1%1", Err("dns")),
            ("::1%lo", Err("dns")),
            ("a..b", Err("dns")),
        ] {
            assert_eq!(ask(&network, host, 993).await, expected, "{host}");
        }
        assert_eq!(*resolver.asked.lock().unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_port_that_is_closed_is_no_way_to_ask_for_names() {
        let (network, resolver) = network(&[], &[&["8.8.8.8"]]);
        assert_eq!(ask(&network, "imap.example.org", 25).await, Err("refused"));
        assert_eq!(*resolver.asked.lock().unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn name_servers_that_do_not_answer_are_no_unknown_name() {
        let (network, resolver) = network(&[], &[]);
        resolver.answers.lock().unwrap().push_back(Err(ResolveError::Failed("timed out".to_owned())));
        let endpoint =
            Endpoint { host: "imap.example.org".to_owned(), port: 993, security: Security::ImplicitTls };
        let Err(imap::Error::Dns { source, .. }) = AddressGuard::addresses(&network, &endpoint).await else {
            panic!("an answer from nowhere")
        };
        assert_eq!(source.kind(), io::ErrorKind::TimedOut);
    }

    /// Whatever the name servers say, at whichever of the ways out: what is given to connect to.
    async fn given_out(answer: Vec<IpAddr>) -> Vec<Result<Vec<SocketAddr>, ()>> {
        let policy = AddressPolicy::new(Vec::new(), &[]).with_own(OwnAddresses::Listed(Vec::new()));
        let answers = (0..4).map(|_| Ok(answer.clone())).collect();
        let resolver = Arc::new(Answers { answers: Mutex::new(answers), asked: Mutex::default() });
        let network = Network::new(policy, resolver);
        let endpoint = |port| Endpoint { host: "h.example".to_owned(), port, security: Security::StartTls };
        let url = |text: &str| url::Url::parse(text).unwrap();
        vec![
            AddressGuard::addresses(&network, &endpoint(143)).await.map_err(drop),
            network.web_server("h.example").await.map_err(drop),
            network.webhook_server(&url("https://h.example/x")).await.map_err(drop),
            network.webhook_server(&url("http://h.example/x")).await.map_err(drop),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn no_refused_address_is_ever_given_out(answer in prop::collection::vec(addresses(), 0..5)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let all_public = !answer.is_empty() && answer.iter().all(|address| is_public(*address));
            let [mail, web, https, http]: [_; 4] = runtime.block_on(given_out(answer.clone())).try_into().unwrap();
            for way in [&mail, &web, &https] {
                match way {
                    Ok(out) => prop_assert!(all_public && out.iter().all(|a| is_public(a.ip())), "{:?}", out),
                    Err(()) => prop_assert!(!all_public, "{:?}", answer),
                }
            }
            // Without encryption only what the operator has named, and here that is nothing.
            prop_assert!(http.is_err());
        }
    }
}
