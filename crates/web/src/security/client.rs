//! Who is at the other end: the address, and whether the way there is encrypted.
//!
//! Only so many proxies as the operator has named are believed: whatever stands further left in `X-Forwarded-For` was
//! written by a stranger.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::state::App;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How the connection that a request came over is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// As it is.
    Plain,
    /// Encrypted.
    Tls,
}

/// The other end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its address, where known.
    pub(crate) address: Option<IpAddr>,
    /// The whole way to it.
    pub(crate) transport: Transport,
}

impl Client {
    /// `http` or `https`.
    pub(crate) fn scheme(self) -> &'static str {
        match self.transport {
            Transport::Plain => "http",
            Transport::Tls => "https",
        }
    }

    /// What [`note`] wrote down.
    pub(crate) fn of(parts: &Parts) -> Client {
        let unknown = Client { address: None, transport: Transport::Plain };
        parts.extensions.get::<Client>().copied().unwrap_or(unknown)
    }
}

/// Writes down who is at the other end, for everything that comes after.
pub(crate) async fn note(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let transport = request.extensions().get::<Transport>().copied().unwrap_or(Transport::Plain);
    let direct = Client { address: peer.map(|address| address.to_canonical()), transport };
    let client = behind_proxies(direct, request.headers(), app.settings().trusted_proxies);
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// The client that stands before `proxies` proxies.
fn behind_proxies(direct: Client, headers: &HeaderMap, proxies: usize) -> Client {
    if proxies == 0 {
        return direct;
    }
    let address = nth_from_right(headers, &FORWARDED_FOR, proxies).and_then(|text| address(&text));
    let transport = match nth_from_right(headers, &FORWARDED_PROTO, proxies).as_deref() {
        Some("https") => Transport::Tls,
        Some(_) => Transport::Plain,
        None => direct.transport,
    };
    Client { address: address.or(direct.address), transport }
}

/// Each proxy adds one at the right end. When there are fewer, the leftmost was written by a proxy still.
fn nth_from_right(headers: &HeaderMap, name: &HeaderName, nth: usize) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for line in headers.get_all(name) {
        all.extend(line.to_str().ok()?.split(',').map(str::trim));
    }
    all.get(all.len().saturating_sub(nth)).map(|text| text.to_ascii_lowercase())
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let found: Option<IpAddr> = bare.parse().ok();
    found
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|found| found.to_canonical())
}

/// The host that a request is for, with its port: of the address line (HTTP/2), else of `Host`.
pub(crate) fn host(parts: &Parts) -> Option<&str> {
    let from_line = parts.uri.authority().map(|authority| authority.as_str());
    from_line.or_else(|| parts.headers.get(header::HOST)?.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Plain, Tls};

    fn headers(forwarded: &[&str], proto: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        for value in proto {
            headers.append(FORWARDED_PROTO, value.parse().unwrap());
        }
        headers
    }

    /// Proxies named, both headers line by line, and who is believed to be there.
    type Case = (usize, &'static [&'static str], &'static [&'static str], &'static str, Transport);

    #[test]
    fn only_as_many_proxies_as_are_named_are_believed() {
        let cases: &[Case] = &[
            (0, &["192.0.2.9"], &["https"], "198.51.100.1", Plain),
            (1, &[], &[], "198.51.100.1", Plain),
            (1, &["192.0.2.9"], &["https"], "192.0.2.9", Tls),
            // The stranger wrote the first, our proxy the second.
            (1, &["127.0.0.1, 192.0.2.9"], &["https"], "192.0.2.9", Tls),
            (1, &["127.0.0.1", "192.0.2.9"], &["https, http"], "192.0.2.9", Plain),
            (2, &["10.0.0.1, 192.0.2.9, 10.1.1.1"], &["https, http"], "192.0.2.9", Tls),
            (3, &["192.0.2.9, 10.1.1.1"], &["HTTPS"], "192.0.2.9", Tls),
            (1, &["[2001:db8::7]:4711"], &[], "2001:db8::7", Plain),
            (1, &["2001:db8::7"], &[], "2001:db8::7", Plain),
            (1, &["192.0.2.9:4711"], &[], "192.0.2.9", Plain),
            (1, &["::ffff:192.0.2.9"], &[], "192.0.2.9", Plain),
            (1, &["unknown"], &[], "198.51.100.1", Plain),
        ];
        for (proxies, forwarded, proto, address, transport) in cases {
            let direct = Client { address: Some("198.51.100.1".parse().unwrap()), transport: Plain };
            let expected = Client { address: Some(address.parse().unwrap()), transport: *transport };
            let found = behind_proxies(direct, &headers(forwarded, proto), *proxies);
            assert_eq!(found, expected, "{proxies} {forwarded:?} {proto:?}");
        }
    }
}
