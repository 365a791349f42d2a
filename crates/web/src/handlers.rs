//! The pages' handlers: one file for each part of the site.
//!
//! A GET shows and changes nothing. A POST does one thing and sends the browser on to a page that says so; only what is
//! shown once and never again (a token, a one-time link, a new second factor) is its answer itself.

mod account;
mod domains;
mod entrance;
mod entries;
mod files;
mod imports;
mod live;
mod mailimport;
mod notifications;
mod operator;
mod pager;
mod preferences;
mod refused;
mod runs;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use utoipa::openapi::OpenApi;

use crate::refusal::{Complete, Refusal, unknown_address};
use crate::router::{Route, Routes, bounded};
use crate::security::origin;
use crate::session::{self, Visit};
use crate::state::App;

/// The pages' routes, and their names.
pub(crate) fn router(app: &App, description: OpenApi) -> (Router<App>, Vec<Route>) {
    let description = Arc::new(serde_json::to_value(description).unwrap_or_default());
    let (router, names) = routes(description).into_parts();
    let router = bounded(router.fallback(unknown_address))
        .layer(from_fn_with_state(app.clone(), refused::shape))
        .layer(from_fn_with_state(app.clone(), origin::check))
        .layer(from_fn_with_state(app.clone(), session::look_up));
    (router, names)
}

fn routes(description: Arc<serde_json::Value>) -> Routes {
    let routes = Routes::new()
        .get("/", domains::home)
        .get("/domains", domains::list)
        .get("/assets/{asset}", files::asset)
        .get("/favicon.ico", files::favicon)
        .get("/api", async move |visit: Visit| files::api(&visit, &description));
    let routes = entrance(routes);
    let routes = mailimport(routes);
    let routes = runs(routes);
    let routes = account(routes);
    operator(routes)
}

fn entrance(routes: Routes) -> Routes {
    routes
        .get("/sign-in", entrance::show)
        .post("/sign-in", entrance::sign_in)
        .post("/sign-out", entrance::sign_out)
        .get("/link/{secret}", entrance::link)
        .post("/link/{secret}", entrance::use_link)
        .post("/preferences", preferences::choose)
}

fn mailimport(routes: Routes) -> Routes {
    routes
        .get("/domains/{name}/mailimport", mailimport::show)
        .post("/domains/{name}/mailimport/entries", mailimport::add)
        .post_file("/domains/{name}/mailimport/csv", mailimport::add_csv)
        .post("/domains/{name}/mailimport/check-again", mailimport::check_failed_again)
        .post("/domains/{name}/mailimport/remove-failed", mailimport::remove_failed)
        .post("/domains/{name}/mailimport/start", mailimport::start)
        .get("/domains/{name}/mailimport/events", live::domain)
        .get("/domains/{name}/mailimport/entries/{entry}", entries::edit)
        .post("/domains/{name}/mailimport/entries/{entry}", entries::save)
        .get("/domains/{name}/mailimport/entries/{entry}/remove", entries::ask)
        .post("/domains/{name}/mailimport/entries/{entry}/remove", entries::remove)
        .post("/domains/{name}/mailimport/entries/{entry}/check", entries::check_again)
}

fn runs(routes: Routes) -> Routes {
    routes
        .get("/runs/{run}", runs::show)
        .post("/runs/{run}/pause", runs::pause)
        .post("/runs/{run}/resume", runs::resume)
        .post("/runs/{run}/cancel", runs::cancel)
        .post("/runs/{run}/retry", runs::retry)
        .post("/runs/{run}/import-new", runs::import_new)
        .get("/runs/{run}/events", live::run)
        .get("/runs/{run}/report.json", runs::report_json)
        .get("/runs/{run}/report.csv", runs::report_csv)
        .get("/imports/{import}", imports::show)
        .post("/imports/{import}/pause", imports::pause)
        .post("/imports/{import}/resume", imports::resume)
        .post("/imports/{import}/cancel", imports::cancel)
        .get("/imports/{import}/events", live::import)
        .get("/imports/{import}/report", imports::report)
        .get("/imports/{import}/report.json", imports::report_json)
        .get("/imports/{import}/report.csv", imports::report_csv)
}

fn account(routes: Routes) -> Routes {
    routes
        .get("/account", account::show)
        .post("/account/preferences", account::save_preferences)
        .post("/account/notifications", notifications::save)
        .post("/account/notifications/secret", notifications::renew_secret)
        .post("/account/notifications/test", notifications::test)
        .post("/account/password", account::change_password)
        .post("/account/totp", account::begin_totp)
        .post("/account/totp/confirm", account::confirm_totp)
        .post("/account/totp/remove", account::remove_totp)
        .post("/account/tokens", account::create_token)
        .post("/account/tokens/{token}/revoke", account::revoke_token)
}

fn operator(routes: Routes) -> Routes {
    routes
        .get("/operator/customers", operator::customers)
        .post("/operator/customers", operator::create_customer)
        .post("/operator/customers/{customer}/link", operator::link)
        .post("/operator/customers/{customer}/disable", operator::disable)
        .post("/operator/customers/{customer}/enable", operator::enable)
        .get("/operator/domains", operator::domains)
        .post("/operator/domains", operator::create_domain)
        .post("/operator/domains/{domain}/remove", operator::remove_domain)
        .get("/operator/audit", operator::audit)
}

/// A page.
fn page(template: &impl Template) -> Result<Response, Refusal> {
    let text = template.render().map_err(|error| service::Error::Internal(format!("a page: {error}")))?;
    Ok(Html(text).into_response())
}

/// A page that says what cannot be taken.
fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Refusal> {
    let mut response = page(template)?;
    *response.status_mut() = status;
    response.extensions_mut().insert(Complete);
    Ok(response)
}

/// A path of this site, or the first page: a form must not send anybody elsewhere.
fn own_path(path: &str) -> &str {
    let elsewhere = path.starts_with("//") || path.starts_with("/\\") || path.chars().any(char::is_control);
    if path.starts_with('/') && !elsewhere { path } else { "/" }
}
