//! Every route there is, in one list, and the layers around them.
//!
//! From outside to inside: what no answer may lack, who is at the other end, what is written down, how long it may take;
//! then for pages language and session, for the API the token; then the body of a refusal; then the handler.

use std::collections::BTreeSet;

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
    router
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits::ANSWER))
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
