//! A run: watched, steered, and its report taken away.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use service::model::RunId;
use service::{Error, Watch};

use super::page;
use super::pager::part;
use crate::forms::Form;
use crate::pages::Flash;
use crate::pages::run::{RunPage, Show, mailboxes};
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// Imports of one page: a run of 500 is one page.
const IMPORTS: u64 = 500;

/// Which imports, and which part of them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct View {
    show: Option<String>,
    page: Option<String>,
}

/// The id in an address; what is none belongs to nothing.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Error::NotFound.into())
}

/// `GET /runs/{run}`.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    Query(view): Query<View>,
) -> Result<Response, Refusal> {
    let (service, actor, id) = (app.service(), signed_in.actor(), id::<RunId>(&run)?);
    // First: what changes while the rest is read is told again, and not missed.
    let revision = service.revision(actor, Watch::Run(id)).await?;
    let show = Show::parse(view.show.as_deref().unwrap_or_default());
    let part = part(view.page.as_deref(), IMPORTS);
    let mut run = service.run_part(actor, id, |state| show.includes(state), part.ask()).await?;
    let total = show.count(&run.summary.imports);
    let to = |number| format!("/runs/{id}?show={}&page={number}", show.as_str());
    let pager = part.pager(&mut run.imports, Some(total), to);
    page(&RunPage { f: signed_in.visit.frame(), run, show, pager }.live_from(revision))
}

fn address(run: RunId) -> String {
    format!("/runs/{run}")
}

/// `POST /runs/{run}/pause`.
pub(super) async fn pause(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let run = id(&run)?;
    app.service().pause_run(signed_in.actor(), run).await?;
    Ok(signed_in.visit.go_and_tell(&address(run), Flash::RunPaused))
}

/// `POST /runs/{run}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let run = id(&run)?;
    app.service().resume_run(signed_in.actor(), run).await?;
    Ok(signed_in.visit.go_and_tell(&address(run), Flash::RunResumed))
}

/// `POST /runs/{run}/cancel`.
pub(super) async fn cancel(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let run = id(&run)?;
    app.service().cancel_run(signed_in.actor(), run).await?;
    Ok(signed_in.visit.go_and_tell(&address(run), Flash::RunCancelled))
}

/// `POST /runs/{run}/retry`: a new run with what failed.
pub(super) async fn retry(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let new = app.service().retry_failed(signed_in.actor(), id(&run)?).await?;
    started(&app, &signed_in, new).await
}

/// `POST /runs/{run}/import-new`: a new run for what is new.
pub(super) async fn import_new(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let new = app.service().import_new(signed_in.actor(), id(&run)?).await?;
    started(&app, &signed_in, new).await
}

async fn started(app: &App, signed_in: &SignedIn, run: RunId) -> Result<Response, Refusal> {
    let mailboxes = mailboxes(&app.service().run_summary(signed_in.actor(), run).await?);
    Ok(signed_in.visit.go_and_tell(&address(run), Flash::RunStarted { mailboxes }))
}

/// `GET /runs/{run}/report.json`.
pub(super) async fn report_json(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
) -> Result<Response, Refusal> {
    let run: RunId = id(&run)?;
    let report = app.service().run_report(signed_in.actor(), run).await?;
    Ok(file(&format!("mailimport-{run}.json"), Json(report).into_response()))
}

/// `GET /runs/{run}/report.csv`.
pub(super) async fn report_csv(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
) -> Result<Response, Refusal> {
    let run: RunId = id(&run)?;
    let report = app.service().run_report_csv(signed_in.actor(), run).await?;
    Ok(csv(&format!("mailimport-{run}.csv"), report))
}

/// A table to take away.
pub(super) fn csv(name: &str, text: String) -> Response {
    file(name, ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// Something to keep: a browser saves it and does not show it. `name` holds no quotation marks.
pub(super) fn file(name: &str, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
