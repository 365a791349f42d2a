//! Every route there is, in one list, and the layers around them.
//!
//! From outside to inside: what no answer may lack, who is at the other end, what is written down, how long it may take;
//! then for pages language and session, for the API the token; then the body of a refusal; then the handler.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

use crate::refusal::of_panic;
use crate::security::{client, headers, observe};
use crate::state::App;
use crate::{api, handlers, limits, metrics};

/// A method and the pattern of an address.
pub type Route = (String, String);

/// Routes that remember their names.
pub(crate) struct Routes {
    router: Router<App>,
    names: Vec<Route>,
}

impl Routes {
    pub(crate) fn new() -> Routes {
        Routes { router: Router::new(), names: Vec::new() }
    }

    /// Something to look at.
    pub(crate) fn get<H, T>(self, path: &str, handler: H) -> Routes
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("GET", path, on(MethodFilter::GET, handler))
    }

    /// A form that is sent.
    pub(crate) fn post<H, T>(self, path: &str, handler: H) -> Routes
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("POST", path, on(MethodFilter::POST, handler))
    }

    /// A form with a file.
    pub(crate) fn post_file<H, T>(self, path: &str, handler: H) -> Routes
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let limit = DefaultBodyLimit::max(limits::CSV_BODY);
        self.add("POST", path, on(MethodFilter::POST, handler).layer(limit))
    }

    fn add(mut self, method: &str, path: &str, handler: MethodRouter<App>) -> Routes {
        self.names.push((method.to_owned(), path.to_owned()));
        self.router = self.router.route(path, handler);
        self
    }

    pub(crate) fn into_parts(self) -> (Router<App>, Vec<Route>) {
        (self.router, self.names)
    }
}

/// Bounds how long a handler may take, and what becomes of its panic.
pub(crate) fn bounded(router: Router<App>) -> Router<App> {
    bounded_by(limits::ANSWER, router)
}

fn bounded_by<S: Clone + Send + Sync + 'static>(answer: Duration, router: Router<S>) -> Router<S> {
    router
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, answer))
}

/// The whole router, and the names of all its routes.
pub(crate) fn router(app: &App) -> (Router, BTreeSet<Route>) {
    let plain = Routes::new()
        .get("/healthz", metrics::alive)
        .get("/readyz", metrics::ready)
        .get("/metrics", metrics::show);
    let (plain, mut names) = plain.into_parts();
    let (api, api_names, description) = api::router(app);
    let (pages, page_names) = handlers::router(app, description);
    names.extend(api_names);
    names.extend(page_names);
    let router = pages
        .merge(bounded(plain))
        .merge(api)
        // What is left without a body here is no page and no call: a probe, or a fault in a layer.
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(DefaultBodyLimit::max(limits::BODY))
        .layer(RequestBodyTimeoutLayer::new(limits::BODY_IDLE))
        .layer(from_fn(observe::observe))
        .layer(from_fn(headers::add))
        .layer(from_fn_with_state(app.clone(), client::note))
        .with_state(app.clone());
    (router, names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn status(path: &str, patience: Duration) -> StatusCode {
        let silent = get(async || std::future::pending::<&str>().await);
        let broken = get(async || -> &str { panic!("a fault of the test") });
        let router = Router::new()
            .route("/well", get(async || "well"))
            .route("/silent", silent)
            .route("/broken", broken);
        let request = Request::get(path).body(Body::empty()).unwrap();
        bounded_by(patience, router).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_handler_that_panics_or_never_answers_is_answered_for() {
        assert_eq!(status("/well", limits::ANSWER).await, StatusCode::OK);
        assert_eq!(status("/broken", limits::ANSWER).await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(status("/silent", Duration::from_millis(1)).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
