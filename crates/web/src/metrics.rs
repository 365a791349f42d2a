//! Health, and measurements for Prometheus.
//!
//! Measurements say how much there is to do on this machine, so they are no stranger's business: they are shown on a
//! listener of their own, or to who has a token, or not at all.

use std::future::Future;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
pub use metrics_exporter_prometheus::PrometheusHandle;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::refusal::Refusal;
use crate::state::App;

/// What a scraper reads (prometheus.io, "Exposition formats").
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Begins to measure, for the whole process; once.
///
/// # Errors
///
/// When something else measures already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)?
        .install_recorder()?;
    metrics::describe_counter!("mailimport_http_requests_total", "Requests answered, by route and status");
    metrics::describe_histogram!("mailimport_http_request_seconds", "Time until an answer begins");
    metrics::describe_gauge!("mailimport_http_streams", "Live streams that are open");
    Ok(handle)
}

/// Shows measurements at `/metrics` on a listener of their own, until `shutdown`.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    handle: PrometheusHandle,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new().route("/metrics", get(async move || text(&handle)));
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

fn text(handle: &PrometheusHandle) -> Response {
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, TEXT)], handle.render()).into_response()
}

/// `/metrics` beside the pages: for who has the token.
pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    // Where it is off, it is not there.
    let nothing = Refusal::Status(StatusCode::NOT_FOUND);
    let (handle, token) = app.settings().metrics.as_ref().ok_or(nothing)?;
    let given =
        headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let right = given.is_some_and(|given| given.ct_eq(token.expose_secret().as_bytes()).into());
    if right {
        return Ok(text(handle));
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"metrics\"")];
    Ok((StatusCode::UNAUTHORIZED, challenge, "A token is needed.\n").into_response())
}

/// `/healthz`: the process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: the database answers too.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match app.service().ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
        }
    }
}
