//! `/domains`: one's own domains, and whether their lists can be started.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use service::model::{self, DomainId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::body::At;
use super::problem::Problems;
use crate::refusal::Refusal;
use crate::state::App;

/// A domain of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Domain {
    id: Uuid,
    /// Lower case; international names in their ASCII form.
    #[schema(example = "example.org")]
    name: String,
    /// The customer who owns it.
    customer: Uuid,
    customer_name: String,
    /// Entries in the prepared list.
    prepared: u64,
    /// Runs that work or are paused.
    current_runs: u64,
    /// Runs that have ended.
    finished_runs: u64,
}

impl From<model::Domain> for Domain {
    fn from(domain: model::Domain) -> Domain {
        Domain {
            id: domain.id.0,
            name: domain.name,
            customer: domain.customer.0,
            customer_name: domain.customer_name,
            prepared: domain.prepared,
            current_runs: domain.current_runs,
            finished_runs: domain.finished_runs,
        }
    }
}

/// Whether a domain's prepared list can be started.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// There are entries, and all of them are verified.
    can_start: bool,
    /// Entries in the list.
    entries: u64,
    /// Of these, verified.
    verified: u64,
    /// Of these, invalid or with a failed check.
    need_attention: u64,
    /// Of these, waiting for their check or in it.
    pending: u64,
    /// The first that needs attention.
    first_failed: Option<Uuid>,
}

impl From<service::Readiness> for Readiness {
    fn from(readiness: service::Readiness) -> Readiness {
        Readiness {
            can_start: readiness.can_start(),
            entries: readiness.entries,
            verified: readiness.verified,
            need_attention: readiness.need_attention,
            pending: readiness.pending,
            first_failed: readiness.first_failed.map(|id| id.0),
        }
    }
}

/// One's own domains by name.
#[utoipa::path(
    get, path = "/api/v1/domains", tag = "domains", operation_id = "list_domains",
    security(("token" = ["read"])),
    responses((status = 200, body = Vec<Domain>), Problems)
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Domain>>, Refusal> {
    let domains = app.service().domains(&caller.actor).await?;
    Ok(Json(domains.into_iter().map(Domain::from).collect()))
}

/// One of one's own domains.
#[utoipa::path(
    get, path = "/api/v1/domains/{domain}", tag = "domains", operation_id = "show_domain",
    security(("token" = ["read"])), params(("domain" = Uuid, Path)),
    responses((status = 200, body = Domain), Problems)
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
) -> Result<Json<Domain>, Refusal> {
    Ok(Json(app.service().domain(&caller.actor, domain).await?.into()))
}

/// Whether the prepared list can be started, and what stands in the way.
#[utoipa::path(
    get, path = "/api/v1/domains/{domain}/readiness", tag = "domains", operation_id = "show_readiness",
    security(("token" = ["read"])), params(("domain" = Uuid, Path)),
    responses((status = 200, body = Readiness), Problems)
)]
pub(super) async fn readiness(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
) -> Result<Json<Readiness>, Refusal> {
    Ok(Json(app.service().readiness(&caller.actor, domain).await?.into()))
}
