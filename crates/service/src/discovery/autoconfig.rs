//! Fetching a domain's autoconfig document over HTTPS, from the two places where domains keep it.
//!
//! Every name is resolved and judged by the address policy, that of a redirect too; nothing is fetched without TLS, from an
//! address instead of a name, or from another port; size and time are bounded.

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

use super::document::{self, NamedServer};
use super::{Candidate, candidate};
use crate::model::FoundBy;
use crate::network::Network;

/// For one document, redirects included.
const PATIENCE: Duration = Duration::from_secs(8);
const MAX_OCTETS: usize = 256 * 1024;
const MAX_REDIRECTS: usize = 3;

/// The servers that the domain's own document names.
pub(super) async fn look(domain: &str, address: &str, network: &Network) -> Vec<Candidate> {
    let client = match client(network) {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(%error, "no autoconfig: the HTTPS client cannot be made");
            return Vec::new();
        }
    };
    let fetched = places(domain, address, network.https_port()).map(|url| fetch(&client, url, network));
    let documents = futures_util::future::join_all(fetched).await;
    let servers = documents.into_iter().flatten().map(|xml| document::read(&xml, address));
    servers
        .into_iter()
        .find(|servers| !servers.is_empty())
        .unwrap_or_default()
        .into_iter()
        .map(found)
        .collect()
}

fn found(server: NamedServer) -> Candidate {
    candidate(server.endpoint, FoundBy::Autoconfig, server.username, server.provider)
}

fn places(domain: &str, address: &str, port: u16) -> impl Iterator<Item = Url> {
    let asked = [
        (format!("https://autoconfig.{domain}/mail/config-v1.1.xml"), Some(address)),
        (format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"), None),
    ];
    asked.into_iter().filter_map(move |(place, address)| {
        let mut url = Url::parse(&place).ok()?;
        url.set_port(Some(port)).ok()?;
        // An address would be connected to without being resolved, and judged.
        url.domain()?;
        if let Some(address) = address {
            url.query_pairs_mut().append_pair("emailaddress", address);
        }
        Some(url)
    })
}

fn client(network: &Network) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let port = network.https_port();
    let client = Client::builder()
        .tls_backend_preconfigured(network.web_tls()?.client_config())
        .dns_resolver(Arc::new(Judged(network.clone())))
        .redirect(Policy::custom(move |attempt| follow(attempt, port)))
        .https_only(true)
        // A proxy of the environment would resolve names in our place.
        .no_proxy()
        .timeout(PATIENCE)
        .user_agent(concat!("mailimport/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

/// Resolves names for the HTTPS client and lets only judged addresses through.
struct Judged(Network);

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let network = self.0.clone();
        Box::pin(async move {
            let found = network.web_server(name.as_str()).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A redirect is followed to a name only: an address would be connected to without being resolved, and judged.
fn follow(attempt: Attempt<'_>, port: u16) -> reqwest::redirect::Action {
    let url = attempt.url();
    let is_named = url.domain().is_some();
    let allowed = url.scheme() == "https" && is_named && url.port_or_known_default() == Some(port);
    if allowed && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.error("this redirect is not followed")
    }
}

async fn fetch(client: &Client, url: Url, network: &Network) -> Option<String> {
    match document(client, url.clone(), network).await {
        Ok(document) => document,
        Err(error) => {
            // The address is in the query: only the host is named.
            tracing::debug!(host = url.host_str(), error = %error.without_url(), "no autoconfig document");
            None
        }
    }
}

async fn document(client: &Client, url: Url, network: &Network) -> Result<Option<String>, reqwest::Error> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    if !network.may_answer(response.remote_addr()) {
        return Ok(None);
    }
    let mut octets = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if octets.len() + chunk.len() > MAX_OCTETS {
            return Ok(None);
        }
        octets.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(octets).ok())
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn an_address_is_no_place_of_a_document() {
        let hosts = |domain| places(domain, "anna@x", 443).filter_map(|url| Some(url.host_str()?.to_owned()));
        assert!(hosts("firma.example").eq(["autoconfig.firma.example", "firma.example"]));
        for address in ["127.0.0.10", "0x7f.0.0.0xa", "2130706442", "[::1]"] {
            assert_eq!(hosts(address).collect::<Vec<_>>(), [""; 0], "{address}");
        }
    }
}
