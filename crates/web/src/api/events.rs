//! Progress as Server-Sent Events: `event: changes`, once a second at most, with what changed.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use serde::{Deserialize, Serialize};
use service::Watch;
use service::model::{DomainId, ImportId, RunId};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{BearerToken, Caller};
use super::body::{Asked, At};
use super::entries::Entry;
use super::imports::Import;
use super::problem::Problems;
use super::runs::Run;
use crate::events::{Proof, Watching};
use crate::refusal::Refusal;
use crate::state::App;

/// What changed: the data of each event. Its id is the revision; a stream that is opened with it as `Last-Event-ID` goes
/// on from there.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changes {
    /// Everything up to here is told.
    revision: i64,
    /// Entries that are new or changed.
    entries: Vec<Entry>,
    /// Runs that are new or changed.
    runs: Vec<Run>,
    /// Imports that are new or changed.
    imports: Vec<Import>,
    /// Entries that are gone, or were started.
    removed: Vec<Uuid>,
}

impl From<service::Changes> for Changes {
    fn from(changes: service::Changes) -> Changes {
        Changes {
            revision: changes.revision,
            entries: changes.entries.into_iter().map(Entry::from).collect(),
            runs: changes.runs.into_iter().map(Run::from).collect(),
            imports: changes.imports.into_iter().map(Import::from).collect(),
            removed: changes.removed.into_iter().map(|id| id.0).collect(),
        }
    }
}

/// From where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The revision that was seen last; 0 tells everything first.
    #[serde(default)]
    #[param(default = 0)]
    since: i64,
}

async fn open(
    app: App,
    caller: Caller,
    token: BearerToken,
    watch: Watch,
    since: Since,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let proof = Proof::Token(token.0);
    let watching = Watching::open(&app, caller.actor, watch, since.since, proof, &headers).await?;
    Ok(watching.into_response(|changes| {
        let event = Event::default().event("changes").json_data(Changes::from(changes));
        Box::pin(async move { event.ok() })
    }))
}

/// What changes in a domain's prepared list and its runs.
#[utoipa::path(
    get, path = "/api/v1/domains/{domain}/events", tag = "events", operation_id = "domain_events",
    security(("token" = ["read"])), params(("domain" = Uuid, Path), Since),
    responses((status = 200, body = Changes, content_type = "text/event-stream"), Problems)
)]
pub(super) async fn of_domain(
    State(app): State<App>,
    caller: Caller,
    token: BearerToken,
    At(domain): At<DomainId>,
    Asked(since): Asked<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    open(app, caller, token, Watch::Domain(domain), since, headers).await
}

/// What changes in a run and its imports.
#[utoipa::path(
    get, path = "/api/v1/runs/{run}/events", tag = "events", operation_id = "run_events",
    security(("token" = ["read"])), params(("run" = Uuid, Path), Since),
    responses((status = 200, body = Changes, content_type = "text/event-stream"), Problems)
)]
pub(super) async fn of_run(
    State(app): State<App>,
    caller: Caller,
    token: BearerToken,
    At(run): At<RunId>,
    Asked(since): Asked<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    open(app, caller, token, Watch::Run(run), since, headers).await
}

/// What changes in one import.
#[utoipa::path(
    get, path = "/api/v1/imports/{import}/events", tag = "events", operation_id = "import_events",
    security(("token" = ["read"])), params(("import" = Uuid, Path), Since),
    responses((status = 200, body = Changes, content_type = "text/event-stream"), Problems)
)]
pub(super) async fn of_import(
    State(app): State<App>,
    caller: Caller,
    token: BearerToken,
    At(import): At<ImportId>,
    Asked(since): Asked<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    open(app, caller, token, Watch::Import(import), since, headers).await
}
