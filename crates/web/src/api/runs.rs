//! `/domains/{domain}/runs`, `/runs`: what was started.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::RunFilter;
use service::model::{self, DomainId, RunId};
use utoipa::openapi::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::body::{Asked, At};
use super::entries::Estimate;
use super::imports::Import;
use super::paging::{MOST, PAGES, Paging, within};
use super::problem::Problems;
use super::repeat::RepeatKey;
use crate::refusal::Refusal;
use crate::state::App;

/// A started set of entries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Run {
    id: Uuid,
    domain: Uuid,
    domain_name: String,
    /// Its number in the domain, from 1.
    number: u64,
    state: RunState,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    /// Sum over the imports.
    progress: Progress,
    /// Imports by state.
    imports: StateCounts,
    /// Exceptions in all reports.
    exceptions: u64,
    /// Grows with each change of it or of one of its imports.
    revision: i64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RunState {
    /// Works.
    Running,
    /// Was paused by somebody.
    Paused,
    /// Everything arrived.
    Completed,
    /// Everything that can be had arrived.
    CompletedWithExceptions,
    /// At least one import failed.
    Failed,
    /// Was cancelled; what was copied stays.
    Cancelled,
}

/// How far it is. Never decreases within a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Progress {
    /// Hundredths done; 100 only when all is done.
    #[schema(maximum = 100)]
    percent: u8,
    /// Folders; 0 until they were counted.
    folders: u64,
    /// Messages that the old server has.
    messages_total: u64,
    /// Messages of which it is known what became of them.
    messages_done: u64,
    /// Octets, when the server told.
    octets_total: Option<u64>,
    octets_done: u64,
    /// Messages that this run brought.
    imported: u64,
    /// Octets a second, lately; 0 while nothing comes.
    speed: u64,
    /// Time left, once it can be told.
    remaining: Option<Estimate>,
}

/// How many imports of a run are in which state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StateCounts {
    waiting: u64,
    /// Creating, scanning, copying.
    working: u64,
    retrying: u64,
    paused: u64,
    done: u64,
    done_with_exceptions: u64,
    failed: u64,
    cancelled: u64,
}

impl From<model::Progress> for Progress {
    fn from(progress: model::Progress) -> Progress {
        Progress {
            percent: progress.percent(),
            folders: progress.folders,
            messages_total: progress.messages_total,
            messages_done: progress.messages_done,
            octets_total: progress.octets_total,
            octets_done: progress.octets_done,
            imported: progress.imported,
            speed: progress.speed,
            remaining: progress.remaining.map(Estimate::from),
        }
    }
}

impl From<model::StateCounts> for StateCounts {
    fn from(counts: model::StateCounts) -> StateCounts {
        StateCounts {
            waiting: counts.waiting,
            working: counts.working,
            retrying: counts.retrying,
            paused: counts.paused,
            done: counts.done,
            done_with_exceptions: counts.done_with_exceptions,
            failed: counts.failed,
            cancelled: counts.cancelled,
        }
    }
}

impl From<model::RunSummary> for Run {
    fn from(run: model::RunSummary) -> Run {
        Run {
            id: run.id.0,
            domain: run.domain.0,
            domain_name: run.domain_name,
            number: run.number,
            state: match run.state {
                model::RunState::Running => RunState::Running,
                model::RunState::Paused => RunState::Paused,
                model::RunState::Completed => RunState::Completed,
                model::RunState::CompletedWithExceptions => RunState::CompletedWithExceptions,
                model::RunState::Failed => RunState::Failed,
                model::RunState::Cancelled => RunState::Cancelled,
            },
            started_at: run.started_at,
            finished_at: run.finished_at,
            progress: run.progress.into(),
            imports: run.imports.into(),
            exceptions: run.exceptions,
            revision: run.revision,
        }
    }
}

/// Which runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// Those that work or are paused.
    #[default]
    Current,
    /// Those that have ended.
    Finished,
}

/// The macro would say that a text with a default is an object as well.
fn which() -> Object {
    let words = ["current", "finished"];
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .default(Some(words[0].into()))
        .build()
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those that work, or those that have ended.
    #[serde(default)]
    #[param(schema_with = which)]
    state: Which,
    /// Items of a page: 1 to 1000.
    #[serde(default, deserialize_with = "within::<1, MOST, _>")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u64>,
    /// Number of the page, from 1.
    #[serde(default, deserialize_with = "within::<1, PAGES, _>")]
    #[param(minimum = 1, maximum = 1000000, default = 1)]
    page: Option<u64>,
}

/// A domain's runs, newest first.
#[utoipa::path(
    get, path = "/api/v1/domains/{domain}/runs", tag = "runs", operation_id = "list_runs",
    security(("token" = ["read"])), params(("domain" = Uuid, Path), Wanted),
    responses(
        (status = 200, body = Vec<Run>, headers(("Link" = String, description = "First, previous and next page (RFC 8288)"))),
        Problems
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Refusal> {
    let paging = Paging { limit: wanted.limit, page: wanted.page };
    let (filter, name) = match wanted.state {
        Which::Current => (RunFilter::Current, "current"),
        Which::Finished => (RunFilter::Finished, "finished"),
    };
    let runs = app.service().runs(&caller.actor, domain, filter, paging.ask()).await?;
    let runs = runs.into_iter().map(Run::from).collect();
    Ok(paging.answer(&format!("/api/v1/domains/{domain}/runs?state={name}"), runs))
}

/// Starts the prepared list. Refused (`not_ready`) while one entry is not verified.
#[utoipa::path(
    post, path = "/api/v1/domains/{domain}/runs", tag = "runs", operation_id = "start_run",
    security(("token" = ["write"])),
    params(("domain" = Uuid, Path), RepeatKey),
    responses(
        (status = 201, body = Run, headers(("Location" = String, description = "The run"))),
        Problems
    )
)]
pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
) -> Result<Response, Refusal> {
    let run = app.service().start(&caller.actor, domain).await?;
    created(&app, &caller, run).await
}

async fn created(app: &App, caller: &Caller, id: RunId) -> Result<Response, Refusal> {
    let location = format!("/api/v1/runs/{id}");
    let run = summary(app, caller, id).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(run)).into_response())
}

async fn summary(app: &App, caller: &Caller, id: RunId) -> Result<Run, Refusal> {
    Ok(app.service().run_summary(&caller.actor, id).await?.into())
}

/// A run.
#[utoipa::path(
    get, path = "/api/v1/runs/{run}", tag = "runs", operation_id = "show_run",
    security(("token" = ["read"])), params(("run" = Uuid, Path)),
    responses((status = 200, body = Run), Problems)
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<Json<Run>, Refusal> {
    Ok(Json(summary(&app, &caller, run).await?))
}

/// A run's imports by number.
#[utoipa::path(
    get, path = "/api/v1/runs/{run}/imports", tag = "runs", operation_id = "list_imports",
    security(("token" = ["read"])), params(("run" = Uuid, Path), Paging),
    responses(
        (status = 200, body = Vec<Import>, headers(("Link" = String, description = "First, previous and next page (RFC 8288)"))),
        Problems
    )
)]
pub(super) async fn imports(
    State(app): State<App>,
    caller: Caller,
    At(id): At<RunId>,
    Asked(paging): Asked<Paging>,
) -> Result<Response, Refusal> {
    let run = app.service().run_part(&caller.actor, id, |_| true, paging.ask()).await?;
    let imports = run.imports.into_iter().map(Import::from).collect();
    Ok(paging.answer(&format!("/api/v1/runs/{id}/imports"), imports))
}

/// Pauses a run; it stops at the next safe point.
#[utoipa::path(
    post, path = "/api/v1/runs/{run}/pause", tag = "runs", operation_id = "pause_run",
    security(("token" = ["write"])), params(("run" = Uuid, Path)),
    responses((status = 202, body = Run), Problems)
)]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<(StatusCode, Json<Run>), Refusal> {
    app.service().pause_run(&caller.actor, run).await?;
    Ok((StatusCode::ACCEPTED, Json(summary(&app, &caller, run).await?)))
}

/// Goes on with a run.
#[utoipa::path(
    post, path = "/api/v1/runs/{run}/resume", tag = "runs", operation_id = "resume_run",
    security(("token" = ["write"])), params(("run" = Uuid, Path)),
    responses((status = 202, body = Run), Problems)
)]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<(StatusCode, Json<Run>), Refusal> {
    app.service().resume_run(&caller.actor, run).await?;
    Ok((StatusCode::ACCEPTED, Json(summary(&app, &caller, run).await?)))
}

/// Cancels a run; what was copied stays.
#[utoipa::path(
    post, path = "/api/v1/runs/{run}/cancel", tag = "runs", operation_id = "cancel_run",
    security(("token" = ["write"])), params(("run" = Uuid, Path)),
    responses((status = 202, body = Run), Problems)
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<(StatusCode, Json<Run>), Refusal> {
    app.service().cancel_run(&caller.actor, run).await?;
    Ok((StatusCode::ACCEPTED, Json(summary(&app, &caller, run).await?)))
}

/// Starts a run with those imports of a finished one that failed; brings only what is missing.
#[utoipa::path(
    post, path = "/api/v1/runs/{run}/retry", tag = "runs", operation_id = "retry_run",
    security(("token" = ["write"])),
    params(("run" = Uuid, Path), RepeatKey),
    responses(
        (status = 201, body = Run, headers(("Location" = String, description = "The new run"))),
        Problems
    )
)]
pub(super) async fn retry(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<Response, Refusal> {
    let new = app.service().retry_failed(&caller.actor, run).await?;
    created(&app, &caller, new).await
}

/// Starts a run with the imports of a finished one; brings only what is new since then.
#[utoipa::path(
    post, path = "/api/v1/runs/{run}/import-new", tag = "runs", operation_id = "import_new_messages",
    security(("token" = ["write"])),
    params(("run" = Uuid, Path), RepeatKey),
    responses(
        (status = 201, body = Run, headers(("Location" = String, description = "The new run"))),
        Problems
    )
)]
pub(super) async fn import_new(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<Response, Refusal> {
    let new = app.service().import_new(&caller.actor, run).await?;
    created(&app, &caller, new).await
}

/// A run's report, schema `mailimport.run/1`: what the command line prints too.
#[utoipa::path(
    get, path = "/api/v1/runs/{run}/report", tag = "runs", operation_id = "show_run_report",
    security(("token" = ["read"])), params(("run" = Uuid, Path)),
    responses((status = 200, body = Object), Problems)
)]
pub(super) async fn report(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<Json<serde_json::Value>, Refusal> {
    Ok(Json(app.service().run_report(&caller.actor, run).await?))
}

/// The same as a table: a line for each mailbox.
#[utoipa::path(
    get, path = "/api/v1/runs/{run}/report.csv", tag = "runs", operation_id = "show_run_report_csv",
    security(("token" = ["read"])), params(("run" = Uuid, Path)),
    responses(
        (status = 200, body = String, content_type = "text/csv"),
        Problems
    )
)]
pub(super) async fn report_csv(
    State(app): State<App>,
    caller: Caller,
    At(run): At<RunId>,
) -> Result<Response, Refusal> {
    Ok(csv(app.service().run_report_csv(&caller.actor, run).await?))
}

/// A CSV answer.
pub(super) fn csv(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"))], text).into_response()
}
