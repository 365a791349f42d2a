//! One import: watched, steered, and its report taken away.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use service::model::ImportId;
use service::{Conflict, Error, Watch};

use super::page;
use super::runs::{csv, file, id};
use crate::forms::Form;
use crate::pages::Flash;
use crate::pages::import::ImportPage;
use crate::pages::report::ReportFile;
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// `GET /imports/{import}`.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
) -> Result<Response, Refusal> {
    let (actor, id) = (signed_in.actor(), id::<ImportId>(&import)?);
    // First: what changes while the rest is read is told again, and not missed.
    let revision = app.service().revision(actor, Watch::Import(id)).await?;
    let import = app.service().import(actor, id).await?;
    page(&ImportPage { f: signed_in.visit.frame(), import }.live_from(revision))
}

fn address(import: ImportId) -> String {
    format!("/imports/{import}")
}

/// `POST /imports/{import}/pause`.
pub(super) async fn pause(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let import = id(&import)?;
    app.service().pause_import(signed_in.actor(), import).await?;
    Ok(signed_in.visit.go_and_tell(&address(import), Flash::ImportPaused))
}

/// `POST /imports/{import}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let import = id(&import)?;
    app.service().resume_import(signed_in.actor(), import).await?;
    Ok(signed_in.visit.go_and_tell(&address(import), Flash::ImportResumed))
}

/// `POST /imports/{import}/cancel`.
pub(super) async fn cancel(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let import = id(&import)?;
    app.service().cancel_import(signed_in.actor(), import).await?;
    Ok(signed_in.visit.go_and_tell(&address(import), Flash::ImportCancelled))
}

/// `GET /imports/{import}/report`: for people, as one file.
pub(super) async fn report(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
) -> Result<Response, Refusal> {
    let mut import = app.service().import(signed_in.actor(), id(&import)?).await?;
    let report = import.report.take().ok_or(Error::Conflict(Conflict::StillWorking))?;
    let template = ReportFile { words: signed_in.visit.words.clone(), import, report };
    Ok(file(&template.file_name(), page(&template)?))
}

/// `GET /imports/{import}/report.json`.
pub(super) async fn report_json(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
) -> Result<Response, Refusal> {
    let import: ImportId = id(&import)?;
    let report = app.service().import_report(signed_in.actor(), import).await?;
    Ok(file(&format!("mailimport-{import}.json"), Json(report).into_response()))
}

/// `GET /imports/{import}/report.csv`.
pub(super) async fn report_csv(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
) -> Result<Response, Refusal> {
    let import: ImportId = id(&import)?;
    let report = app.service().import_report_csv(signed_in.actor(), import).await?;
    Ok(csv(&format!("mailimport-{import}.csv"), report))
}
