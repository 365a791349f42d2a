//! What is written down of each request: a number, the route's pattern, the outcome, the time it took.
//!
//! Never the path itself, which may hold a one-time link, never a query, a cookie or a header.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The number of a request, which the answer carries and each line of the log about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// Writes it down.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(id);
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", |path| path.as_str()).to_owned();
    let method = known_method(request.method().as_str());
    let span = tracing::info_span!("request", id = %id.0, method, route);
    let begun = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (took, status) = (begun.elapsed(), response.status());
    span.in_scope(|| match status.is_server_error() {
        true => tracing::error!(status = status.as_u16(), took_ms = took.as_millis() as u64, "answered"),
        false => tracing::info!(status = status.as_u16(), took_ms = took.as_millis() as u64, "answered"),
    });
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    metrics::counter!("mailimport_http_requests_total", &labels).increment(1);
    metrics::histogram!("mailimport_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    if let Ok(value) = HeaderValue::try_from(id.0.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A stranger may send any word as a method; a measurement must not grow with their imagination.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
