//! Providers that are known: where their mail is, how one logs in there, and what they ask for before that works.
//!
//! A table (`data/providers.tsv`) and nothing else; whoever is not in it is found by DNS and autoconfig.

use std::collections::HashMap;
use std::sync::LazyLock;

use imap::Endpoint;

use crate::entry_fields::email_domain;
use crate::model::ProviderHint;
use crate::server_field;

const TABLE: &str = include_str!("../data/providers.tsv");

/// A provider of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    name: &'static str,
    servers: Vec<&'static str>,
    login: Login,
    asks: Option<Asks>,
    domains: Vec<&'static str>,
}

/// What a provider asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks {
    /// What.
    pub hint: ProviderHint,
    /// The provider's own page about it.
    pub url: Option<&'static str>,
}

/// How one logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    Address,
    LocalPart,
}

impl Provider {
    /// Its name; where it has many, the domain of the address.
    pub fn name<'a>(&'a self, domain: &'a str) -> &'a str {
        if self.name == "*" { domain } else { self.name }
    }

    /// Its servers, in the order to try.
    pub fn servers(&self, domain: &str) -> Vec<Endpoint> {
        let parse = |server: &&str| server_field::parse(&server.replace('*', domain)).unwrap_or_default();
        self.servers.iter().flat_map(parse).collect()
    }

    /// The user name to log in with, where it is another than the address.
    pub fn username(&self, address: &str) -> Option<String> {
        match self.login {
            Login::Address => None,
            Login::LocalPart => address.trim().rsplit_once('@').map(|(local, _)| local.to_owned()),
        }
    }
}

struct Table {
    providers: Vec<Provider>,
    by_domain: HashMap<&'static str, usize>,
    by_host: HashMap<String, usize>,
}

static PROVIDERS: LazyLock<Table> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A line that cannot be read would be left out; a test reads them all.
    let providers: Vec<Provider> = lines.filter_map(provider).collect();
    let (mut by_domain, mut by_host) = (HashMap::new(), HashMap::new());
    for (index, provider) in providers.iter().enumerate() {
        for domain in &provider.domains {
            by_domain.entry(*domain).or_insert(index);
            for endpoint in provider.servers(domain) {
                by_host.entry(endpoint.host).or_insert(index);
            }
        }
    }
    Table { providers, by_domain, by_host }
});

fn provider(line: &'static str) -> Option<Provider> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (name, servers, login, asks, url, domains) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let login = match login {
        "address" => Login::Address,
        "local" => Login::LocalPart,
        _ => return None,
    };
    let url = (url != "-").then_some(url);
    let hint = match asks {
        "app-password" => Some(ProviderHint::AppPassword),
        "switch-on" => Some(ProviderHint::SwitchOnImap),
        "own-password" => Some(ProviderHint::MailProgramPassword),
        "no-password" => Some(ProviderHint::SignInPage),
        "-" => None,
        _ => return None,
    };
    Some(Provider {
        name,
        servers: servers.split(' ').collect(),
        login,
        asks: hint.map(|hint| Asks { hint, url }),
        domains: domains.split(' ').collect(),
    })
}

/// The provider of a domain.
pub fn of_domain(domain: &str) -> Option<&'static Provider> {
    PROVIDERS.by_domain.get(domain).map(|index| &PROVIDERS.providers[*index])
}

/// The provider that runs a server.
pub fn of_host(host: &str) -> Option<&'static Provider> {
    PROVIDERS.by_host.get(host).map(|index| &PROVIDERS.providers[*index])
}

/// What the provider asks for, where a failure of that class may come from it.
///
/// `server` is the one that was asked, as `imaps://host:993`; the user name's domain tells the provider where the
/// server does not.
pub fn hint(server: &str, username: &str, class: &str) -> Option<Asks> {
    let host = server_field::parse(server).ok().and_then(|mut found| found.pop()).map(|found| found.host);
    let by_host = host.as_deref().and_then(of_host);
    let provider = by_host.or_else(|| of_domain(&email_domain(username)?));
    let asks = provider.and_then(|provider| provider.asks);
    match class {
        "auth" => asks,
        "imap_disabled" => {
            let named = asks.filter(|asks| asks.hint == ProviderHint::SwitchOnImap);
            Some(named.unwrap_or(Asks { hint: ProviderHint::SwitchOnImap, url: None }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use imap::Security;

    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_leads_to_an_encrypted_server() {
        let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!((PROVIDERS.providers.len(), lines > 100), (lines, true));
        let mut seen = HashSet::new();
        for provider in &PROVIDERS.providers {
            for domain in &provider.domains {
                assert!(seen.insert(domain), "{domain} stands twice");
                assert_eq!(server_field::host(domain).as_deref(), Some(*domain));
                let servers = provider.servers(domain);
                assert_eq!(servers.len(), provider.servers.len(), "{}", provider.name);
                assert!(servers.iter().all(|server| server.security != Security::Plaintext));
            }
            let url = provider.asks.and_then(|asks| asks.url);
            assert!(url.is_none_or(|url| url.starts_with("https://")), "{url:?}");
        }
    }

    #[test]
    fn well_known_providers_are_found_with_their_login() {
        for (address, server, username) in [
            ("anna@gmail.com", "imaps://imap.gmail.com:993", None),
            ("anna@gmx.de", "imaps://imap.gmx.net:993", None),
            ("anna@web.de", "imaps://imap.web.de:993", Some("anna")),
            ("anna@t-online.de", "imaps://secureimap.t-online.de:993", None),
            ("anna@me.com", "imaps://imap.mail.me.com:993", Some("anna")),
            ("anna@outlook.com", "imaps://outlook.office365.com:993", None),
            // The other one shows only the newest 10,000 messages of a folder.
            ("anna@yahoo.de", "imaps://export.imap.mail.yahoo.com:993", None),
            ("anna@inbox.lt", "imaps://mail.inbox.lt:993", None),
            ("anna@tim.it", "imap://imap.tim.it:143", None),
        ] {
            let domain = email_domain(address).unwrap();
            let provider = of_domain(&domain).unwrap();
            assert_eq!(server_field::url(&provider.servers(&domain)[0]), server);
            assert_eq!(provider.username(address).as_deref(), username, "{address}");
        }
        assert_eq!(of_domain("inbox.lt").unwrap().name("inbox.lt"), "inbox.lt");
        assert_eq!(of_domain("example.org"), None);
    }

    #[test]
    fn hints_come_with_the_failure_that_needs_them() {
        use ProviderHint::{AppPassword, MailProgramPassword, SignInPage, SwitchOnImap};
        for (server, username, class, expected) in [
            ("imaps://imap.gmail.com:993", "anna@firma.example", "auth", Some((AppPassword, true))),
            ("imaps://imap.mail.yahoo.com:993", "anna@yahoo.de", "auth", Some((AppPassword, true))),
            ("imaps://imap.aol.com:993", "anna", "auth", Some((AppPassword, true))),
            ("imaps://imap.mail.me.com:993", "anna", "auth", Some((AppPassword, true))),
            ("imap://imap.gmx.net:143", "anna@gmx.de", "auth", Some((SwitchOnImap, true))),
            ("imaps://imap.web.de:993", "anna", "auth", Some((SwitchOnImap, true))),
            (
                "imaps://secureimap.t-online.de:993",
                "anna@t-online.de",
                "auth",
                Some((MailProgramPassword, true)),
            ),
            ("imaps://outlook.office365.com:993", "anna@firma.example", "auth", Some((SignInPage, false))),
            // The name of the server tells nothing; the address does.
            ("imaps://192.0.2.1:993", "anna@gmx.de", "auth", Some((SwitchOnImap, true))),
            ("imaps://imap.example.org:993", "anna@example.org", "auth", None),
            (
                "imaps://imap.example.org:993",
                "anna@example.org",
                "imap_disabled",
                Some((SwitchOnImap, false)),
            ),
            ("imaps://imap.web.de:993", "anna", "imap_disabled", Some((SwitchOnImap, true))),
            ("imaps://imap.gmail.com:993", "anna@gmail.com", "imap_disabled", Some((SwitchOnImap, false))),
            ("imaps://imap.gmail.com:993", "anna@gmail.com", "connect", None),
            ("imaps://imap.gmail.com:993", "anna@gmail.com", "tls", None),
            ("", "", "auth", None),
        ] {
            let found = hint(server, username, class).map(|asks| (asks.hint, asks.url.is_some()));
            assert_eq!(found, expected, "{server} {username} {class}");
        }
    }
}
