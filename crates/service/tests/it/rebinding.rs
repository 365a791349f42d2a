//! A name that leads elsewhere the second time: each connect goes to what was judged for it, and to nothing else.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use imap::{Connection, Endpoint, Options, Security, Tls, TlsTrust};
use service::address_policy::AddressPolicy;
use service::network::Network;
use service::resolver::{ResolveError, Resolver, Srv};
use testkit::scripted::{Folder, Script, Scripted, VirtualAccount};

const ALLOWED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const REFUSED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// One answer after the other.
#[derive(Debug)]
struct Rebinding(Mutex<VecDeque<Vec<IpAddr>>>);

#[async_trait]
impl Resolver for Rebinding {
    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, ResolveError> {
        self.0.lock().unwrap().pop_front().ok_or(ResolveError::NotFound)
    }

    async fn services(&self, _: &str) -> Result<Vec<Srv>, ResolveError> {
        Err(ResolveError::NotFound)
    }
}

/// The scripted server, and what listens at its port of the other address.
fn servers() -> (Scripted, TcpListener) {
    loop {
        let account = VirtualAccount::new(vec![Folder::new("INBOX", Vec::new())]);
        let server = Scripted::start(account, Script::default()).unwrap();
        // Somebody else may have that port there.
        if let Ok(other) = TcpListener::bind(SocketAddr::new(REFUSED, server.addr().port())) {
            other.set_nonblocking(true).unwrap();
            return (server, other);
        }
    }
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_at_the_reconnect_is_judged_anew() {
    let (server, other) = servers();
    let port = server.addr().port();
    let policy = AddressPolicy::new(vec!["127.0.0.1".parse().unwrap()], &[port]);
    let answers =
        [vec![ALLOWED], vec![REFUSED], vec![ALLOWED, REFUSED], vec![REFUSED, ALLOWED], vec![ALLOWED]];
    let network = Network::new(policy, Arc::new(Rebinding(Mutex::new(answers.into()))));
    let endpoint = Endpoint { host: "imap.firma.example".to_owned(), port, security: Security::Plaintext };
    let (tls, options) = (Tls::new(TlsTrust::default()).unwrap(), Options::default());
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        let opened = Connection::open_guarded(&network, &endpoint, &tls, &options).await;
        outcomes.push(match opened {
            Ok(connection) => connection.peer_addr() == Some(server.addr()),
            Err(imap::Error::AddressRefused { .. }) => false,
            Err(other) => panic!("{other}"),
        });
    }
    assert_eq!(outcomes, [true, false, false, false, true]);
    assert_eq!(server.connections(), 2);
    let nobody = other.accept().map(|(_, peer)| peer).unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}
