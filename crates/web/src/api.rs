//! The API, `/api/v1`: everything the pages do, as JSON.
//!
//! One file for each resource; each has the public form of what it gives and takes (the contract, described in OpenAPI),
//! and handlers that pass on to `service`. Secrets go in and never come out; those that are made here (a token, a
//! one-time link, a webhook's) are in the one answer that makes them.

mod account;
mod auth;
mod body;
mod description;
mod domains;
mod entries;
mod events;
mod imports;
mod notifications;
mod operator;
mod paging;
pub(crate) mod problem;
mod repeat;
mod runs;
mod tokens;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::limits;
use crate::refusal::unknown_address;
use crate::router::{Route, bounded};
use crate::security::origin;
use crate::state::App;

/// Where it is.
pub(crate) const ROOT: &str = "/api/v1";
/// Where its description is.
pub(crate) const DESCRIPTION: &str = "/api/v1/openapi.json";

/// The API's routes, their names, and their description.
pub(crate) fn router(app: &App) -> (Router<App>, Vec<Route>, OpenApi) {
    let tokens = from_fn_with_state(app.clone(), auth::token);
    let people = from_fn_with_state(app.clone(), auth::person);
    let repeat = from_fn_with_state(app.clone(), repeat::once);
    let (with_token, mut description) = with_token().split_for_parts();
    let (for_people, people_description) = for_people().split_for_parts();
    description.merge(people_description);
    let mut names = names(&description);
    names.push(("GET".to_owned(), DESCRIPTION.to_owned()));
    let document = description.clone();
    let router = with_token
        .layer(repeat.clone())
        .layer(tokens)
        .merge(for_people.layer(repeat).layer(people))
        .route(DESCRIPTION, get(async move || Json(document.clone())))
        .route(&format!("{ROOT}/{{*unknown}}"), any(unknown_address));
    let router =
        bounded(router).layer(from_fn_with_state(app.clone(), origin::check)).layer(from_fn(problem::shape));
    (router, names, description)
}

/// The methods and addresses that are described.
fn names(description: &OpenApi) -> Vec<Route> {
    let mut names = Vec::new();
    for (path, item) in &description.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        let known = methods.into_iter().filter(|(_, operation)| operation.is_some());
        names.extend(known.map(|(method, _)| (method.to_owned(), path.clone())));
    }
    names
}

/// For programs, with a token.
fn with_token() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(description::Description::openapi())
        .routes(routes!(account::show, account::change))
        .routes(routes!(notifications::show, notifications::change))
        .routes(routes!(notifications::renew_secret))
        .routes(routes!(notifications::test))
        .routes(routes!(domains::list))
        .routes(routes!(domains::show))
        .routes(routes!(domains::readiness))
        .routes(routes!(entries::list, entries::add))
        .routes(routes!(entries::show, entries::change, entries::remove))
        .routes(routes!(entries::check))
        .routes(routes!(entries::check_failed))
        .routes(routes!(entries::remove_failed))
        .routes(routes!(entries::add_csv).layer(DefaultBodyLimit::max(limits::CSV_BODY)))
        .routes(routes!(entries::read_csv).layer(DefaultBodyLimit::max(limits::CSV_BODY)))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::show))
        .routes(routes!(runs::imports))
        .routes(routes!(runs::pause))
        .routes(routes!(runs::resume))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::retry))
        .routes(routes!(runs::import_new))
        .routes(routes!(runs::report))
        .routes(routes!(runs::report_csv))
        .routes(routes!(imports::show))
        .routes(routes!(imports::pause))
        .routes(routes!(imports::resume))
        .routes(routes!(imports::cancel))
        .routes(routes!(imports::report))
        .routes(routes!(imports::report_csv))
        .routes(routes!(events::of_domain))
        .routes(routes!(events::of_run))
        .routes(routes!(events::of_import))
        .routes(routes!(operator::customers, operator::create_customer))
        .routes(routes!(operator::link))
        .routes(routes!(operator::disable))
        .routes(routes!(operator::enable))
        .routes(routes!(operator::domains, operator::create_domain))
        .routes(routes!(operator::remove_domain))
        .routes(routes!(operator::audit))
}

/// For people, with name and password: what a token that leaked must not be able to do.
fn for_people() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(account::change_password))
        .routes(routes!(account::begin_totp))
        .routes(routes!(account::confirm_totp))
        .routes(routes!(account::remove_totp))
}
