//! Finding the old server where nobody has named it: known providers, then DNS (RFC 6186, RFC 8314), then autoconfig.
//!
//! Needs a user name that is an e-mail address. Says where mail may be and how to log in there; it sends no password
//! and connects to no mail server. Whatever it fetches goes through the address policy.

mod autoconfig;
mod document;
mod srv;
#[cfg(test)]
mod tests;

use imap::Endpoint;

use crate::entry_fields::email_domain;
use crate::failure;
use crate::model::{Failure, FoundBy, FoundServer, Side};
use crate::network::Network;
use crate::providers;
use crate::server_field;

/// Servers that are tried at most.
const MAX_CANDIDATES: usize = 6;

/// A server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where to connect to.
    pub endpoint: Endpoint,
    /// What people see of it.
    pub found: FoundServer,
}

/// The servers to try for an account, in order: the next one only where nothing answers at the one before.
///
/// # Errors
///
/// Class `server_not_found`: neither given nor found.
pub async fn find(server: &str, username: &str, network: &Network) -> Result<Vec<Candidate>, Failure> {
    let mut candidates = if server.trim().is_empty() { look(username, network).await } else { given(server) };
    candidates.truncate(MAX_CANDIDATES);
    if candidates.is_empty() {
        return Err(failure::of_class(Side::Source, "server_not_found", None));
    }
    Ok(candidates)
}

fn given(server: &str) -> Vec<Candidate> {
    let endpoints = server_field::parse(server).unwrap_or_default();
    let candidate = |endpoint: Endpoint| {
        let provider =
            providers::of_host(&endpoint.host).map(|provider| provider.name(&endpoint.host).to_owned());
        candidate(endpoint, FoundBy::Given, None, provider)
    };
    endpoints.into_iter().map(candidate).collect()
}

async fn look(username: &str, network: &Network) -> Vec<Candidate> {
    let Some(domain) = email_domain(username) else { return Vec::new() };
    let known = known_provider(&domain, username);
    if !known.is_empty() {
        return known;
    }
    let named = srv::look(&domain, network.resolver()).await;
    if !named.is_empty() {
        return named.into_iter().map(|endpoint| candidate(endpoint, FoundBy::Srv, None, None)).collect();
    }
    autoconfig::look(&domain, username.trim(), network).await
}

fn known_provider(domain: &str, username: &str) -> Vec<Candidate> {
    let Some(provider) = providers::of_domain(domain) else { return Vec::new() };
    let found = |endpoint| {
        let name = provider.name(domain).to_owned();
        candidate(endpoint, FoundBy::KnownProvider, provider.username(username), Some(name))
    };
    provider.servers(domain).into_iter().map(found).collect()
}

fn candidate(
    endpoint: Endpoint,
    by: FoundBy,
    username: Option<String>,
    provider: Option<String>,
) -> Candidate {
    let found = FoundServer { url: server_field::url(&endpoint), username, by, provider };
    Candidate { endpoint, found }
}
