//! All ways of finding a server, with a resolver that the test fills and a web server on loopback that the policy allows.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use testkit::certificate::{self, Kind};
use testkit::web::{Reply, Request, Web};

use super::*;
use crate::address_policy::AddressPolicy;
use crate::resolver::{ResolveError, Resolver, Srv};

/// Knows what it was told, and remembers what it was asked.
#[derive(Debug, Default)]
struct Names {
    hosts: BTreeMap<&'static str, Vec<IpAddr>>,
    services: BTreeMap<&'static str, Vec<Srv>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn note(&self, name: &str) {
        self.asked.lock().unwrap().push(name.to_owned());
    }
}

#[async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        self.note(host);
        self.hosts.get(host).cloned().ok_or(ResolveError::NotFound)
    }

    async fn services(&self, name: &str) -> Result<Vec<Srv>, ResolveError> {
        self.note(name);
        self.services.get(name).cloned().ok_or(ResolveError::NotFound)
    }
}

const OPEN: &str = "127.0.0.1";
/// Answers there, but is not allowed.
const CLOSED: &str = "127.0.0.2";

struct Setting {
    names: Arc<Names>,
    network: Network,
    web: Web,
    _directory: tempfile::TempDir,
}

/// A name and its addresses.
type Host<'a> = (&'static str, &'a [&'a str]);
/// A name and its service records: priority, port, target.
type Services<'a> = (&'static str, &'a [(u16, u16, &'a str)]);

/// A world with these hosts and services, and a web server for them all.
fn setting(
    hosts: &[Host<'_>],
    services: &[Services<'_>],
    answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> Setting {
    let directory = tempfile::tempdir().unwrap();
    let named: Vec<&str> = hosts.iter().map(|(host, _)| *host).chain(["localhost"]).collect();
    let files = certificate::write_for(Kind::Good, &named, directory.path()).unwrap();
    let web = Web::start(certificate::server_config(&files).unwrap(), answer).unwrap();
    let roots = imap::TlsTrust::parse_pem(&std::fs::read(files.ca).unwrap()).unwrap();
    let tls = imap::Tls::new(imap::TlsTrust { additional_roots: roots, pin: None }).unwrap();
    let address = |text: &&str| text.parse().unwrap();
    let record = |(priority, port, target): &(u16, u16, &str)| Srv {
        priority: *priority,
        weight: 0,
        port: *port,
        target: (*target).to_owned(),
    };
    let names = Arc::new(Names {
        hosts: hosts
            .iter()
            .map(|(host, addresses)| (*host, addresses.iter().map(address).collect()))
            .collect(),
        services: services
            .iter()
            .map(|(name, records)| (*name, records.iter().map(record).collect()))
            .collect(),
        asked: Mutex::default(),
    });
    let policy = AddressPolicy::new(vec![OPEN.parse().unwrap()], &[]);
    let network = Network::with_web(policy, names.clone(), tls, web.addr().port());
    Setting { names, network, web, _directory: directory }
}

fn nothing(_: &Request) -> Option<Reply> {
    Some(Reply::not_found())
}

impl Setting {
    async fn find(&self, server: &str, username: &str) -> Result<Vec<FoundServer>, String> {
        let found = find(server, username, &self.network).await;
        found
            .map(|list| list.into_iter().map(|candidate| candidate.found).collect())
            .map_err(|failure| failure.class)
    }

    fn asked(&self) -> Vec<String> {
        self.names.asked.lock().unwrap().clone()
    }
}

fn server(url: &str, by: FoundBy) -> FoundServer {
    FoundServer { url: url.to_owned(), username: None, by, provider: None }
}

fn document(host: &str) -> Reply {
    Reply::found(format!(
        "<clientConfig><emailProvider><displayName>Firma</displayName><incomingServer type=\"imap\">\
         <hostname>{host}</hostname><port>993</port><socketType>SSL</socketType>\
         <username>%EMAILLOCALPART%</username></incomingServer></emailProvider></clientConfig>"
    ))
}

fn from_document(host: &str) -> FoundServer {
    FoundServer {
        username: Some("anna".to_owned()),
        provider: Some("Firma".to_owned()),
        ..server(&format!("imaps://{host}:993"), FoundBy::Autoconfig)
    }
}

#[tokio::test]
async fn what_was_given_is_taken_and_nothing_is_looked_up() {
    let setting = setting(&[], &[], nothing);
    let given = |url: &str| server(url, FoundBy::Given);
    let found = setting.find("imap.firma.example", "anna@gmx.de").await.unwrap();
    assert_eq!(found, [given("imaps://imap.firma.example:993"), given("imap://imap.firma.example:143")]);
    let found = setting.find(" imap.gmx.net:143 ", "anna").await.unwrap();
    assert_eq!(
        found,
        [FoundServer { provider: Some("GMX Freemail".to_owned()), ..given("imap://imap.gmx.net:143") }]
    );
    assert_eq!((setting.asked(), setting.web.asked()), (vec![], vec![]));
}

#[tokio::test]
async fn known_providers_come_from_the_table_alone() {
    let setting = setting(&[], &[("_imaps._tcp.web.de", &[(0, 993, "elsewhere.example")])], nothing);
    let found = setting.find("", "Anna@WEB.de").await.unwrap();
    let expected = |url: &str| FoundServer {
        username: Some("Anna".to_owned()),
        provider: Some("WEB.DE Freemail".to_owned()),
        ..server(url, FoundBy::KnownProvider)
    };
    assert_eq!(found, [expected("imaps://imap.web.de:993"), expected("imap://imap.web.de:143")]);
    assert_eq!((setting.asked(), setting.web.asked()), (vec![], vec![]));
}

#[tokio::test]
async fn service_records_come_before_autoconfig() {
    let setting = setting(
        &[("autoconfig.firma.example", &[OPEN])],
        &[
            ("_imaps._tcp.firma.example", &[(10, 993, "b.firma.example"), (0, 993, "a.firma.example")]),
            ("_imap._tcp.firma.example", &[(20, 143, "c.firma.example")]),
        ],
        |_| Some(document("imap.firma.example")),
    );
    let found = setting.find("", "anna@firma.example").await.unwrap();
    let urls = ["imaps://a.firma.example:993", "imaps://b.firma.example:993", "imap://c.firma.example:143"];
    assert_eq!(found, urls.map(|url| server(url, FoundBy::Srv)));
    assert_eq!(setting.web.asked(), []);
}

#[tokio::test]
async fn autoconfig_is_asked_in_both_places_and_the_domains_own_server_wins() {
    let hosts: &[Host<'_>] = &[("autoconfig.firma.example", &[OPEN]), ("firma.example", &[OPEN])];
    let services: &[Services<'_>] =
        &[("_imaps._tcp.firma.example", &[(0, 0, "")]), ("_imap._tcp.firma.example", &[(0, 0, "")])];
    let both = setting(hosts, services, |request| match request.host.as_str() {
        "autoconfig.firma.example" => Some(document("one.firma.example")),
        _ => Some(document("two.firma.example")),
    });
    assert_eq!(both.find("", "anna@firma.example").await.unwrap(), [from_document("one.firma.example")]);
    let asked = both.web.asked();
    let targets: Vec<_> =
        asked.iter().map(|request| (request.host.as_str(), request.target.as_str())).collect();
    assert_eq!(
        targets,
        [
            ("autoconfig.firma.example", "/mail/config-v1.1.xml?emailaddress=anna%40firma.example"),
            ("firma.example", "/.well-known/autoconfig/mail/config-v1.1.xml"),
        ]
    );
    let second = setting(hosts, services, |request| match request.host.as_str() {
        "autoconfig.firma.example" => Some(Reply::found("<html>Welcome</html>")),
        _ => Some(document("two.firma.example")),
    });
    assert_eq!(second.find("", "anna@firma.example").await.unwrap(), [from_document("two.firma.example")]);
}

#[tokio::test]
async fn no_document_is_fetched_from_an_address_that_is_refused() {
    for addresses in [&[CLOSED][..], &[OPEN, CLOSED], &[CLOSED, OPEN], &["10.0.0.1"], &["::ffff:127.0.0.2"]] {
        let setting =
            setting(&[("autoconfig.firma.example", addresses), ("firma.example", addresses)], &[], |_| {
                Some(document("imap.firma.example"))
            });
        let found = setting.find("", "anna@firma.example").await;
        assert_eq!(
            (found, setting.web.asked()),
            (Err("server_not_found".to_owned()), vec![]),
            "{addresses:?}"
        );
        assert!(setting.asked().contains(&"autoconfig.firma.example".to_owned()));
    }
}

#[tokio::test]
async fn redirects_are_judged_like_everything_else() {
    for (location, followed) in [
        ("https://config.firma.example:PORT/x", true),
        ("/x", true),
        ("https://closed.firma.example:PORT/x", false),
        ("https://unknown.firma.example:PORT/x", false),
        ("https://127.0.0.1:PORT/x", false),
        ("https://127.0.0.2:PORT/x", false),
        ("https://2130706433:PORT/x", false),
        ("https://[::1]:PORT/x", false),
        ("http://config.firma.example:PORT/x", false),
        ("https://config.firma.example/x", false),
        ("ftp://config.firma.example/x", false),
    ] {
        let hosts: &[Host<'_>] = &[
            ("autoconfig.firma.example", &[OPEN]),
            ("config.firma.example", &[OPEN]),
            ("closed.firma.example", &[CLOSED]),
        ];
        // The port is known only when the server listens.
        let port = Arc::new(Mutex::new(0));
        let to = Arc::clone(&port);
        let setting = setting(hosts, &[], move |request| match request.target.as_str() {
            "/x" => Some(document("imap.firma.example")),
            _ => Some(Reply::redirect(&location.replace("PORT", &to.lock().unwrap().to_string()))),
        });
        *port.lock().unwrap() = setting.web.addr().port();
        let found = setting.find("", "anna@firma.example").await;
        let expected = if followed {
            Ok(vec![from_document("imap.firma.example")])
        } else {
            Err("server_not_found".to_owned())
        };
        assert_eq!(found, expected, "{location}");
        assert_eq!(setting.web.asked().len(), 1 + usize::from(followed), "{location}");
    }
}

#[tokio::test]
async fn redirects_end() {
    let setting = setting(&[("autoconfig.firma.example", &[OPEN])], &[], |request| {
        Some(Reply::redirect(&format!("/{}", request.target.len())))
    });
    assert_eq!(setting.find("", "anna@firma.example").await, Err("server_not_found".to_owned()));
    assert!(setting.web.asked().len() <= 5, "{:?}", setting.web.asked());
}

#[tokio::test]
async fn a_document_that_is_too_large_or_not_trusted_is_not_read() {
    let large = setting(&[("autoconfig.firma.example", &[OPEN])], &[], |_| {
        let start = "<clientConfig><emailProvider><incomingServer type=\"imap\"><hostname>h.example</hostname>\
                     <port>993</port><socketType>SSL</socketType></incomingServer>";
        Some(Reply::found(start.to_owned() + &" ".repeat(300_000)))
    });
    assert_eq!(large.find("", "anna@firma.example").await, Err("server_not_found".to_owned()));
    // The certificate is for the hosts that the test names: this is not one of them.
    let mut untrusted = setting(&[("firma.example", &[OPEN])], &[], |_| Some(document("imap.firma.example")));
    let mut names = Names::default();
    names.hosts.insert("autoconfig.other.example", vec![OPEN.parse().unwrap()]);
    let policy = AddressPolicy::new(vec![OPEN.parse().unwrap()], &[]);
    let (tls, port) = (untrusted.network.web_tls().unwrap(), untrusted.web.addr().port());
    untrusted.network = Network::with_web(policy, Arc::new(names), tls, port);
    assert_eq!(untrusted.find("", "anna@other.example").await, Err("server_not_found".to_owned()));
    assert_eq!(untrusted.web.asked(), []);
}

#[tokio::test]
async fn without_an_address_nothing_can_be_found() {
    let setting = setting(&[], &[], nothing);
    for username in [
        "",
        "anna",
        "anna@localhost",
        "anna@127.0.0.1",
        "anna@127.1",
        "anna@0x7f.0.0.0xa",
        "anna@169.254.169.0xfe",
        "anna@0x7f00000a.",
        "anna@１２７.0.0.1",
        "anna@[::1]",
        "anna@firma..example",
    ] {
        assert_eq!(setting.find("", username).await, Err("server_not_found".to_owned()), "{username}");
    }
    assert_eq!(setting.asked(), [""; 0]);
    assert_eq!(setting.find("", "anna@firma.example").await, Err("server_not_found".to_owned()));
    assert!(!setting.asked().is_empty());
}
