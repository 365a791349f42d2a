//! Whether a request that writes comes from a page of ours. The form's token is asked for besides (see `forms`).
//!
//! `Sec-Fetch-Site` is written by the browser, not by a page, and decides where it is sent: that is to every encrypted or
//! local address (W3C Fetch Metadata). Elsewhere `Origin` has to fit where it names somebody; a browser says `null` for
//! our own forms too, because our pages send no referrer (Fetch, "append a request Origin header").

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::client::{Client, host};
use crate::refusal::Refusal;
use crate::state::App;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what writes and comes from elsewhere.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let own = match &app.settings().public_url {
        Some(url) => Some(url.origin().ascii_serialization()),
        None => own_origin(&parts),
    };
    if is_ours(&parts.headers, own.as_deref()) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    Refusal::OtherSite.into_response()
}

fn own_origin(parts: &Parts) -> Option<String> {
    let address = format!("{}://{}", Client::of(parts).scheme(), host(parts)?);
    // The standard port is left out of an Origin.
    url::Url::parse(&address).ok().map(|url| url.origin().ascii_serialization())
}

fn is_ours(headers: &HeaderMap, own: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text(&SEC_FETCH_SITE), text(&header::ORIGIN)) {
        // `none`: the person typed the address or opened a bookmark.
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some("null") | None) => true,
        (None, Some(origin)) => own == Some(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_as_a_table() {
        let own = Some("https://mail.example.org");
        let cases = [
            (Some("same-origin"), Some("null"), true),
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("same-site"), Some("https://mail.example.org"), false),
            (Some("cross-site"), None, false),
            (Some("cross-site"), Some("null"), false),
            (None, Some("https://mail.example.org"), true),
            (None, Some("http://mail.example.org"), false),
            (None, Some("https://mail.example.org:8443"), false),
            (None, Some("https://mail.example.org.evil.example"), false),
            (None, Some("null"), true),
            (None, None, true),
        ];
        for (site, origin, ours) in cases {
            let mut headers = HeaderMap::new();
            site.map(|site: &str| headers.insert(SEC_FETCH_SITE, site.parse().unwrap()));
            origin.map(|origin: &str| headers.insert(header::ORIGIN, origin.parse().unwrap()));
            assert_eq!(is_ours(&headers, own), ours, "{site:?} {origin:?}");
        }
    }

    #[test]
    fn our_own_origin_is_written_as_browsers_write_it() {
        for (host, expected) in [
            ("localhost:8080", "http://localhost:8080"),
            ("LOCALHOST:80", "http://localhost"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            let (parts, ()) =
                axum::http::Request::post("/").header("host", host).body(()).unwrap().into_parts();
            assert_eq!(own_origin(&parts).as_deref(), Some(expected));
        }
    }
}
