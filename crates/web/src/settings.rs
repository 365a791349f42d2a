//! What the operator can set about pages and API, with the defaults that suit one machine.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;

/// How pages and API behave.
#[derive(Clone)]
pub struct Settings {
    /// The address that people see, such as `https://mail.example.org`: links are made with it, and forms must come from
    /// it. Without it, the `Host` of each request counts.
    pub public_url: Option<url::Url>,
    /// How many proxies in front of us add to `X-Forwarded-For` and `X-Forwarded-Proto`. With 0 both are ignored.
    pub trusted_proxies: usize,
    /// Live pages and API streams open at the same time.
    pub streams: usize,
    /// The same, for one customer.
    pub streams_per_customer: usize,
    /// How often a stream looks for changes, and so the least time between two of its events.
    pub stream_interval: Duration,
    /// Measurements to show at `/metrics` to who has the token. Without a token here they are not shown; a listener of
    /// their own ([`crate::metrics::serve`]) needs none.
    pub metrics: Option<(PrometheusHandle, SecretString)>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            public_url: None,
            trusted_proxies: 0,
            streams: 512,
            streams_per_customer: 16,
            stream_interval: Duration::from_secs(1),
            metrics: None,
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("public_url", &self.public_url.as_ref().map(url::Url::as_str))
            .field("trusted_proxies", &self.trusted_proxies)
            .field("streams", &self.streams)
            .field("streams_per_customer", &self.streams_per_customer)
            .field("stream_interval", &self.stream_interval)
            .field("metrics", &self.metrics.is_some())
            .finish()
    }
}
