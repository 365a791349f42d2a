//! Calling a customer's webhook, as the Standard Webhooks say: a signed POST, and the status that comes back.
//!
//! The address is a stranger's: it is resolved once and judged by the address policy, and only what was judged is
//! connected to. No redirect is followed, no proxy asked, and what the receiver answers is not read beyond its head. That
//! an address is not allowed looks like silence, and takes as long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use secrecy::SecretString;
use serde_json::json;
use sha2::Sha256;

use super::secret_octets;
use super::telling::Answer;
use crate::model::{NoticeOutcome, Problem, RunEnd, RunState};
use crate::network::Network;

/// How a secret begins.
pub(super) const SECRET_PREFIX: &str = "whsec_";

/// For the connection, and for the whole call.
const CONNECT: Duration = Duration::from_secs(5);
const ALL: Duration = Duration::from_secs(15);

/// Longest address.
const LONGEST: usize = 2_000;

/// A call.
pub(super) struct Call<'a> {
    /// Where to.
    pub(super) address: &'a str,
    /// The same for each repetition.
    pub(super) id: String,
    /// JSON.
    pub(super) body: String,
    /// Signs it.
    pub(super) secret: &'a SecretString,
}

/// What a program is told when a run has ended.
pub(super) fn run_ended(end: &RunEnd, page: Option<&str>) -> String {
    let verdict = match end.state {
        RunState::Completed => "complete",
        RunState::CompletedWithExceptions => "complete_with_exceptions",
        RunState::Failed | RunState::Cancelled | RunState::Running | RunState::Paused => "incomplete",
    };
    let imports = json!({
        "total": end.total(), "done": end.imports.done, "done_with_exceptions": end.imports.done_with_exceptions,
        "failed": end.imports.failed, "cancelled": end.imports.cancelled,
    });
    let data = json!({
        "run": end.run, "number": end.number, "domain": end.domain, "state": end.state, "verdict": verdict,
        "imports": imports, "messages": end.messages, "imported": end.imported, "octets": end.octets,
        "exceptions": end.exceptions, "finished_at": end.finished_at, "url": page,
    });
    json!({ "type": "run.ended", "timestamp": end.finished_at, "data": data }).to_string()
}

/// What a program is told for a test.
pub(super) fn test(at: Timestamp) -> String {
    json!({ "type": "test", "timestamp": at, "data": {} }).to_string()
}

/// The address of a webhook, if it may be one. Who answers there is judged at each call.
pub(super) fn check(typed: &str, network: &Network) -> Result<Url, Problem> {
    let problem = |code: &str, message: &str| Problem::new("webhook", code, message);
    let unusable = || problem("webhook_unusable", "This is not an address such as https://example.org/hook.");
    let url = Url::parse(typed.trim()).map_err(|_| unusable())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if typed.trim().len() > LONGEST || url.host_str().is_none_or(str::is_empty) || !plain {
        return Err(unusable());
    }
    match url.scheme() {
        "https" => {}
        "http" if network.opens_any() => {}
        "http" => return Err(problem("webhook_https", "The address of a webhook begins with https://.")),
        _ => return Err(unusable()),
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if !network.may_call(port) {
        let message = "This port may not be connected to. Usually a webhook needs none in its address.";
        return Err(problem("webhook_port", message));
    }
    Ok(url)
}

impl Call<'_> {
    /// Calls, and says what came of it.
    pub(super) async fn make(&self, network: &Network) -> Answer {
        match tokio::time::timeout(ALL, self.attempt(network)).await {
            Ok(answer) => answer,
            Err(_) => Answer::later(NoticeOutcome::NotAnswering, None),
        }
    }

    async fn attempt(&self, network: &Network) -> Answer {
        let silent = Answer::later(NoticeOutcome::NotAnswering, None);
        // The operator may have closed what was open when it was typed.
        let Ok(url) = check(self.address, network) else { return silent };
        let judged = match network.webhook_server(&url).await {
            Ok(judged) => judged,
            Err(closed) => {
                tracing::info!(host = url.host_str(), %closed, "a webhook's address cannot be connected to");
                return silent;
            }
        };
        let now = Timestamp::now().as_second().to_string();
        let Some(signature) = signature(self.secret, &self.id, &now, &self.body) else {
            return Answer::never(NoticeOutcome::Internal, None);
        };
        let client = match client(network, judged) {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "no webhook: the HTTPS client cannot be made");
                return Answer::later(NoticeOutcome::Internal, None);
            }
        };
        let request = client
            .post(url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(self.body.clone());
        match request.send().await {
            Ok(response) if network.may_answer(response.remote_addr()) => answer(response.status().as_u16()),
            Ok(_) => silent,
            Err(error) => {
                let untrusted = is_tls(&error);
                // The path may hold a secret: only the host is named.
                tracing::info!(host = url.host_str(), error = %error.without_url(), "a webhook was not reached");
                let outcome = if untrusted { NoticeOutcome::Tls } else { NoticeOutcome::NotAnswering };
                Answer::later(outcome, None)
            }
        }
    }
}

fn answer(status: u16) -> Answer {
    match status {
        200..300 => Answer::taken(Some(status)),
        300..400 => Answer::never(NoticeOutcome::Redirect, Some(status)),
        404 | 410 => Answer::never(NoticeOutcome::Gone, Some(status)),
        _ => Answer::later(NoticeOutcome::Status, Some(status)),
    }
}

/// `v1,` and HMAC-SHA256 over id, time and body; `None` when the secret is none.
fn signature(secret: &SecretString, id: &str, time: &str, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret_octets(secret)?).ok()?;
    for part in [id, ".", time, ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())))
}

/// A client that knows these addresses only, whatever name it asks for.
fn client(
    network: &Network,
    judged: Vec<SocketAddr>,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let client = Client::builder()
        .tls_backend_preconfigured(network.web_tls()?.client_config())
        .dns_resolver(Arc::new(Judged(judged)))
        .redirect(Policy::none())
        // A proxy of the environment would resolve names in our place.
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(ALL)
        .user_agent(concat!("mailimport/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

/// Answers every name with what was judged.
struct Judged(Vec<SocketAddr>);

impl Resolve for Judged {
    fn resolve(&self, _: Name) -> Resolving {
        let judged = self.0.clone();
        Box::pin(async move { Ok(Box::new(judged.into_iter()) as Addrs) })
    }
}

/// Whether TLS is what failed, somewhere down the chain of causes.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    // An I/O error names as its source not what is in it, but the source of that.
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match inner {
        Some(inner) => is_tls(inner),
        None => error.source().is_some_and(is_tls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the convention's own libraries are tested with.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, time) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let signed = signature(&secret, id, time, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(signature(&SecretString::from("none"), id, time, ""), None);
    }

    #[test]
    fn what_a_status_means_stands_in_a_table() {
        for (status, outcome, again) in [
            (200, NoticeOutcome::Delivered, false),
            (204, NoticeOutcome::Delivered, false),
            (301, NoticeOutcome::Redirect, false),
            (404, NoticeOutcome::Gone, false),
            (410, NoticeOutcome::Gone, false),
            (400, NoticeOutcome::Status, true),
            (429, NoticeOutcome::Status, true),
            (503, NoticeOutcome::Status, true),
        ] {
            let answer = answer(status);
            assert_eq!(
                (answer.outcome, answer.again, answer.code),
                (outcome, again, Some(status)),
                "{status}"
            );
        }
    }
}
