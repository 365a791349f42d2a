//! A service of its own for each test: a database, a Maildir tree, a key, and people who sign in.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use mailhost::{MaildirTree, TreeOptions};
use secrecy::SecretString;
use service::address_policy::AddressPolicy;
use service::model::{Actor, DomainId, NewEntry};
use service::network::Network;
use service::resolver::{ResolveError, Resolver, Srv};
use service::{Page, Service, Settings};
use store::Store;
use tempfile::TempDir;
use testkit::server::Postgres;

/// A password that everybody in these tests signs in with.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The number of the user whose mail it is, where root runs the tests.
const MAIL_USER: u32 = 12345;

/// Where a test's rows lie.
pub(crate) enum Place {
    /// A file.
    Sqlite(TempDir),
    /// A server of its own.
    Postgres(Box<Postgres>),
    /// Another process's, by its address.
    Elsewhere(String),
}

impl Place {
    pub(crate) fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Place {
        Place::Postgres(Box::new(Postgres::start().unwrap()))
    }

    /// What another process opens as [`Place::Elsewhere`].
    pub(crate) fn address(&self) -> String {
        match self {
            Place::Sqlite(directory) => directory.path().join("mailimport.db").display().to_string(),
            Place::Postgres(server) => server.url(),
            Place::Elsewhere(address) => address.clone(),
        }
    }

    pub(crate) async fn open(&self) -> Arc<Store> {
        let address = self.address();
        let store = if address.starts_with("postgresql:") {
            Store::connect(&address).await
        } else {
            Store::open_file(Path::new(&address), None).await
        };
        Arc::new(store.unwrap())
    }
}

/// Everything around one service.
pub(crate) struct Rig {
    pub(crate) service: Service,
    pub(crate) directory: TempDir,
}

impl Rig {
    pub(crate) async fn open(place: &Place) -> Rig {
        Rig::with(place, |_| {}).await
    }

    pub(crate) async fn with(place: &Place, change: impl FnOnce(&mut Settings)) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let service = open_service(place, directory.path(), change).await;
        Rig { service, directory }
    }

    /// The first operator, signed in.
    pub(crate) async fn operator(&self) -> Actor {
        let link = self.service.first_link().await.unwrap().unwrap();
        let signed_in =
            self.service.use_link(&link.secret, Some("admin"), SecretString::from(PASSWORD), None).await;
        signed_in.unwrap().session.actor
    }

    /// A customer with a domain.
    pub(crate) async fn customer(&self, operator: &Actor, name: &str, domain: &str) -> (Actor, DomainId) {
        let (customer, link) = self.service.create_customer(operator, name, None).await.unwrap();
        let signed_in = self.service.use_link(&link.secret, None, SecretString::from(PASSWORD), None).await;
        let domain = self.service.create_domain(operator, domain, customer.id).await.unwrap();
        (signed_in.unwrap().session.actor, domain.id)
    }

    /// What of the list is there.
    pub(crate) async fn entries(&self, actor: &Actor, domain: DomainId) -> Vec<service::model::Entry> {
        self.service.entries(actor, domain, Page::first(100_000)).await.unwrap()
    }
}

pub(crate) async fn open_service(
    place: &Place,
    directory: &Path,
    change: impl FnOnce(&mut Settings),
) -> Service {
    let mail = directory.join("mail");
    if !mail.exists() {
        std::fs::create_dir(&mail).unwrap();
        // Mail belongs to the user as whom the tests' Dovecot serves it.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&mail, Some(MAIL_USER), Some(MAIL_USER)).unwrap();
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let host = MaildirTree::open(&mail, TreeOptions::default()).unwrap();
    let mut settings = Settings::new(service::SealingKey::File(directory.join("sealing.key")), network(&[]));
    // Tests sign in more often than people do.
    settings.sign_ins_per_name = 100;
    change(&mut settings);
    Service::open(settings, place.open().await, Arc::new(host)).await.unwrap()
}

/// A resolver that knows this machine only: no test asks a name server.
#[derive(Debug)]
struct Names;

#[async_trait::async_trait]
impl Resolver for Names {
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        match host {
            "localhost" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
            _ => Err(ResolveError::NotFound),
        }
    }

    async fn services(&self, _: &str) -> Result<Vec<Srv>, ResolveError> {
        Err(ResolveError::NotFound)
    }
}

/// A way out that leads to loopback only, on these ports.
pub(crate) fn network(ports: &[u16]) -> Network {
    let allow = ["127.0.0.1/32", "::1/128"].map(|range| range.parse().unwrap());
    let policy = AddressPolicy::new(allow.to_vec(), ports);
    Network::new(policy, Arc::new(Names))
}

/// The same with a web server on loopback that is trusted otherwise.
pub(crate) fn network_with_web(tls: imap::Tls, port: u16, further: &[u16]) -> Network {
    let policy = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()], further);
    Network::with_web(policy, Arc::new(Names), tls, port)
}

/// A way out that leads nowhere: nothing is opened.
pub(crate) fn closed_network(ports: &[u16]) -> Network {
    Network::new(AddressPolicy::new(Vec::new(), ports), Arc::new(Names))
}

/// An entry as somebody types it who makes no mistake.
pub(crate) fn entry(user: &str) -> NewEntry {
    NewEntry {
        server: "imap.example.org".into(),
        username: format!("{user}@example.org"),
        password: Some("old password".into()),
        mailbox: user.into(),
        mailbox_password: Some("New-Password-1".into()),
    }
}

/// Runs each test on both databases.
macro_rules! on_both_databases {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::rig::Place::sqlite()).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::rig::Place::postgres()).await;
            })*
        }
    };
}
pub(crate) use on_both_databases;
