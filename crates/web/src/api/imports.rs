//! `/imports`: one source account of a run.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use service::model::{self, ImportId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::body::At;
use super::entries::Failure;
use super::problem::Problems;
use super::runs::{Progress, csv};
use crate::refusal::Refusal;
use crate::state::App;

/// One source account of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Import {
    id: Uuid,
    run: Uuid,
    /// Its place in the run, from 1.
    number: u64,
    /// IMAP server, as used.
    server: String,
    /// IMAP user name.
    username: String,
    /// `local-part@domain`.
    mailbox: String,
    state: ImportState,
    progress: Progress,
    /// The folder that is worked on.
    current_folder: Option<String>,
    /// When it is tried again.
    retry_at: Option<Timestamp>,
    /// Why it failed or waits.
    failure: Option<Failure>,
    /// Exceptions in its report.
    exceptions: u64,
    /// Whether the mailbox was made by this run.
    mailbox_created: bool,
    /// When the first work on it began.
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    /// Grows with each change.
    revision: i64,
    /// How often its work was taken over from a worker that vanished.
    takeovers: u32,
    /// Its folders, where one import is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    folders: Vec<FolderProgress>,
    /// Its progress over time, where one import is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    samples: Vec<Sample>,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ImportState {
    /// Its turn has not come.
    Waiting,
    /// The mailbox is being made.
    Creating,
    /// Folders and messages are being counted.
    Scanning,
    /// Messages come.
    Copying,
    /// The old server has to be waited for.
    Retrying,
    /// Was paused by somebody.
    Paused,
    /// Everything arrived.
    Done,
    /// Everything that can be had arrived.
    DoneWithExceptions,
    /// It stopped; see the failure.
    Failed,
    /// Was cancelled; what was copied stays.
    Cancelled,
}

/// A folder of an import.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FolderProgress {
    /// Name at the old server.
    name: String,
    /// Name in the new mailbox.
    destination: String,
    messages_total: u64,
    messages_done: u64,
    octets_total: Option<u64>,
    octets_done: u64,
}

/// How far an import was.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sample {
    at: Timestamp,
    /// Messages done.
    messages: u64,
    /// Octets done.
    octets: u64,
}

impl From<model::ImportState> for ImportState {
    fn from(state: model::ImportState) -> ImportState {
        match state {
            model::ImportState::Waiting => ImportState::Waiting,
            model::ImportState::Creating => ImportState::Creating,
            model::ImportState::Scanning => ImportState::Scanning,
            model::ImportState::Copying => ImportState::Copying,
            model::ImportState::Retrying => ImportState::Retrying,
            model::ImportState::Paused => ImportState::Paused,
            model::ImportState::Done => ImportState::Done,
            model::ImportState::DoneWithExceptions => ImportState::DoneWithExceptions,
            model::ImportState::Failed => ImportState::Failed,
            model::ImportState::Cancelled => ImportState::Cancelled,
        }
    }
}

impl From<model::FolderProgress> for FolderProgress {
    fn from(folder: model::FolderProgress) -> FolderProgress {
        FolderProgress {
            name: folder.name,
            destination: folder.destination,
            messages_total: folder.messages_total,
            messages_done: folder.messages_done,
            octets_total: folder.octets_total,
            octets_done: folder.octets_done,
        }
    }
}

impl From<model::Sample> for Sample {
    fn from(sample: model::Sample) -> Sample {
        Sample { at: sample.at, messages: sample.messages, octets: sample.octets }
    }
}

impl From<model::Import> for Import {
    fn from(import: model::Import) -> Import {
        Import {
            id: import.id.0,
            run: import.run.0,
            number: import.number,
            server: import.server,
            username: import.username,
            mailbox: import.mailbox,
            state: import.state.into(),
            progress: import.progress.into(),
            current_folder: import.current_folder,
            retry_at: import.retry_at,
            failure: import.failure.map(Failure::from),
            exceptions: import.exceptions,
            mailbox_created: import.mailbox_created,
            started_at: import.started_at,
            finished_at: import.finished_at,
            revision: import.revision,
            takeovers: import.takeovers,
            folders: import.folders.into_iter().map(FolderProgress::from).collect(),
            samples: import.samples.into_iter().map(Sample::from).collect(),
        }
    }
}

async fn current(app: &App, caller: &Caller, id: ImportId) -> Result<Json<Import>, Refusal> {
    Ok(Json(app.service().import(&caller.actor, id).await?.into()))
}

/// An import with its folders and its progress over time.
#[utoipa::path(
    get, path = "/api/v1/imports/{import}", tag = "imports", operation_id = "show_import",
    security(("token" = ["read"])), params(("import" = Uuid, Path)),
    responses((status = 200, body = Import), Problems)
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    At(import): At<ImportId>,
) -> Result<Json<Import>, Refusal> {
    current(&app, &caller, import).await
}

/// Pauses one import; the others of its run go on.
#[utoipa::path(
    post, path = "/api/v1/imports/{import}/pause", tag = "imports", operation_id = "pause_import",
    security(("token" = ["write"])), params(("import" = Uuid, Path)),
    responses((status = 202, body = Import), Problems)
)]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    At(import): At<ImportId>,
) -> Result<(StatusCode, Json<Import>), Refusal> {
    app.service().pause_import(&caller.actor, import).await?;
    Ok((StatusCode::ACCEPTED, current(&app, &caller, import).await?))
}

/// Goes on with one import.
#[utoipa::path(
    post, path = "/api/v1/imports/{import}/resume", tag = "imports", operation_id = "resume_import",
    security(("token" = ["write"])), params(("import" = Uuid, Path)),
    responses((status = 202, body = Import), Problems)
)]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    At(import): At<ImportId>,
) -> Result<(StatusCode, Json<Import>), Refusal> {
    app.service().resume_import(&caller.actor, import).await?;
    Ok((StatusCode::ACCEPTED, current(&app, &caller, import).await?))
}

/// Cancels one import; what was copied stays.
#[utoipa::path(
    post, path = "/api/v1/imports/{import}/cancel", tag = "imports", operation_id = "cancel_import",
    security(("token" = ["write"])), params(("import" = Uuid, Path)),
    responses((status = 202, body = Import), Problems)
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    At(import): At<ImportId>,
) -> Result<(StatusCode, Json<Import>), Refusal> {
    app.service().cancel_import(&caller.actor, import).await?;
    Ok((StatusCode::ACCEPTED, current(&app, &caller, import).await?))
}

/// An import's report, schema `mailimport.report/1`: what the command line prints too.
#[utoipa::path(
    get, path = "/api/v1/imports/{import}/report", tag = "imports", operation_id = "show_import_report",
    security(("token" = ["read"])), params(("import" = Uuid, Path)),
    responses((status = 200, body = Object), Problems)
)]
pub(super) async fn report(
    State(app): State<App>,
    caller: Caller,
    At(import): At<ImportId>,
) -> Result<Response, Refusal> {
    use axum::response::IntoResponse;
    Ok(Json(app.service().import_report(&caller.actor, import).await?).into_response())
}

/// The same as a table: a line for each folder, then one for each exception.
#[utoipa::path(
    get, path = "/api/v1/imports/{import}/report.csv", tag = "imports", operation_id = "show_import_report_csv",
    security(("token" = ["read"])), params(("import" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/csv"), Problems)
)]
pub(super) async fn report_csv(
    State(app): State<App>,
    caller: Caller,
    At(import): At<ImportId>,
) -> Result<Response, Refusal> {
    Ok(csv(app.service().import_report_csv(&caller.actor, import).await?))
}
