//! `/operator`: customers, all domains, the audit log. For others it is not there.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::OneTimeLink;
use service::model::{CustomerId, DomainId};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::account::Customer;
use super::auth::Caller;
use super::body::{Asked, At, Body};
use super::domains::Domain;
use super::paging::{Paging, within};
use super::problem::Problems;
use super::repeat::{Memorable, RepeatKey};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::state::App;

/// A link with which somebody sets a password, once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Give it to the customer. It is never shown again; a repeated call gets `null`.
    url: Option<String>,
    /// When it ends.
    expires_at: Timestamp,
}

impl Link {
    fn new(link: &OneTimeLink, address: &Address) -> Link {
        Link { url: Some(address.of(&format!("/link/{}", link.secret))), expires_at: link.expires_at }
    }

    fn without_secret(&self) -> Link {
        Link { url: None, expires_at: self.expires_at }
    }
}

/// A customer that was made, with the link for the first sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedCustomer {
    customer: Customer,
    link: Link,
}

/// A customer that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCustomer {
    /// Name to sign in with: 2 to 64 letters, digits and `. _ - + @`.
    #[schema(example = "anna")]
    name: String,
    /// Where to write to when a run ends.
    email: Option<String>,
}

/// All customers by name.
#[utoipa::path(
    get, path = "/api/v1/operator/customers", tag = "operator", operation_id = "list_customers",
    security(("token" = ["admin"])), params(Paging),
    responses(
        (status = 200, body = Vec<Customer>, headers(("Link" = String, description = "First, previous and next page (RFC 8288)"))),
        Problems
    )
)]
pub(super) async fn customers(
    State(app): State<App>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Response, Refusal> {
    let customers = app.service().customers(&caller.actor, paging.ask()).await?;
    let customers = customers.into_iter().map(Customer::from).collect();
    Ok(paging.answer("/api/v1/operator/customers", customers))
}

/// Makes a customer.
#[utoipa::path(
    post, path = "/api/v1/operator/customers", tag = "operator", operation_id = "create_customer",
    security(("token" = ["admin"])), request_body = NewCustomer,
    params(RepeatKey),
    responses((status = 201, body = CreatedCustomer), Problems)
)]
pub(super) async fn create_customer(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    Body(new): Body<NewCustomer>,
) -> Result<Response, Refusal> {
    let (customer, link) =
        app.service().create_customer(&caller.actor, &new.name, new.email.as_deref()).await?;
    let mut created = CreatedCustomer { customer: customer.into(), link: Link::new(&link, &address) };
    let mut response = (StatusCode::CREATED, Json(&created)).into_response();
    created.link = created.link.without_secret();
    response.extensions_mut().insert(memorable(&created)?);
    Ok(response)
}

fn memorable(answer: &impl Serialize) -> Result<Memorable, Refusal> {
    serde_json::to_string(answer)
        .map(Memorable)
        .map_err(|error| service::Error::Internal(error.to_string()).into())
}

/// Makes a link with which a customer sets a new password; earlier links end.
#[utoipa::path(
    post, path = "/api/v1/operator/customers/{customer}/link", tag = "operator", operation_id = "create_link",
    security(("token" = ["admin"])), params(("customer" = Uuid, Path)),
    responses((status = 201, body = Link), Problems)
)]
pub(super) async fn link(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    At(customer): At<CustomerId>,
) -> Result<Response, Refusal> {
    let link = app.service().reset_link(&caller.actor, customer).await?;
    let link = Link::new(&link, &address);
    let mut response = (StatusCode::CREATED, Json(&link)).into_response();
    response.extensions_mut().insert(memorable(&link.without_secret())?);
    Ok(response)
}

/// Switches a customer's sign-in off; all sessions end, tokens do not let in. Runs go on.
#[utoipa::path(
    post, path = "/api/v1/operator/customers/{customer}/disable", tag = "operator", operation_id = "disable_customer",
    security(("token" = ["admin"])), params(("customer" = Uuid, Path)),
    responses((status = 204, description = "Switched off"), Problems)
)]
pub(super) async fn disable(
    State(app): State<App>,
    caller: Caller,
    At(customer): At<CustomerId>,
) -> Result<StatusCode, Refusal> {
    app.service().disable_customer(&caller.actor, customer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches a customer's sign-in on again.
#[utoipa::path(
    post, path = "/api/v1/operator/customers/{customer}/enable", tag = "operator", operation_id = "enable_customer",
    security(("token" = ["admin"])), params(("customer" = Uuid, Path)),
    responses((status = 204, description = "Switched on"), Problems)
)]
pub(super) async fn enable(
    State(app): State<App>,
    caller: Caller,
    At(customer): At<CustomerId>,
) -> Result<StatusCode, Refusal> {
    app.service().enable_customer(&caller.actor, customer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All domains by name.
#[utoipa::path(
    get, path = "/api/v1/operator/domains", tag = "operator", operation_id = "list_all_domains",
    security(("token" = ["admin"])), params(Paging),
    responses(
        (status = 200, body = Vec<Domain>, headers(("Link" = String, description = "First, previous and next page (RFC 8288)"))),
        Problems
    )
)]
pub(super) async fn domains(
    State(app): State<App>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Response, Refusal> {
    let domains = app.service().all_domains(&caller.actor, paging.ask()).await?;
    Ok(paging.answer("/api/v1/operator/domains", domains.into_iter().map(Domain::from).collect()))
}

/// A domain that is to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDomain {
    #[schema(example = "example.org")]
    name: String,
    /// The customer who owns it.
    customer: Uuid,
}

/// Adds a domain.
#[utoipa::path(
    post, path = "/api/v1/operator/domains", tag = "operator", operation_id = "create_domain",
    security(("token" = ["admin"])), request_body = NewDomain,
    params(RepeatKey),
    responses((status = 201, body = Domain), Problems)
)]
pub(super) async fn create_domain(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewDomain>,
) -> Result<(StatusCode, Json<Domain>), Refusal> {
    let domain = app.service().create_domain(&caller.actor, &new.name, CustomerId(new.customer)).await?;
    Ok((StatusCode::CREATED, Json(domain.into())))
}

/// Removes a domain with its prepared list and its runs; mailboxes stay. Refused while one of its runs works.
#[utoipa::path(
    delete, path = "/api/v1/operator/domains/{domain}", tag = "operator", operation_id = "remove_domain",
    security(("token" = ["admin"])), params(("domain" = Uuid, Path)),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(super) async fn remove_domain(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
) -> Result<StatusCode, Refusal> {
    app.service().remove_domain(&caller.actor, domain).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditLine {
    /// Its number; later ones are larger.
    id: i64,
    at: Timestamp,
    /// Name of who did it; empty when nobody was signed in.
    actor: String,
    /// Whose things.
    customer: Option<Uuid>,
    /// What.
    #[schema(example = "run.start")]
    action: String,
    /// With what.
    subject: String,
    /// From which address.
    address: Option<String>,
}

impl From<service::AuditLine> for AuditLine {
    fn from(line: service::AuditLine) -> AuditLine {
        let service::AuditLine { id, at, actor, customer, action, subject, address } = line;
        AuditLine { id, at, actor, customer: customer.map(|id| id.0), action, subject, address }
    }
}

/// Which part of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditPart {
    /// Lines before this one; absent: the newest.
    before: Option<i64>,
    /// Lines at most: 1 to 999.
    #[serde(default, deserialize_with = "within::<1, 999, _>")]
    #[param(minimum = 1, maximum = 999, default = 100)]
    limit: Option<u64>,
}

/// The audit log, newest first.
#[utoipa::path(
    get, path = "/api/v1/operator/audit", tag = "operator", operation_id = "list_audit_log",
    security(("token" = ["admin"])), params(AuditPart),
    responses(
        (status = 200, body = Vec<AuditLine>, headers(("Link" = String, description = "The next page (RFC 8288)"))),
        Problems
    )
)]
pub(super) async fn audit(
    State(app): State<App>,
    caller: Caller,
    Asked(part): Asked<AuditPart>,
) -> Result<Response, Refusal> {
    let limit = part.limit.unwrap_or(100).clamp(1, 999);
    let mut lines = app.service().audit(&caller.actor, part.before, limit + 1).await?;
    let more = lines.len() as u64 > limit;
    lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut headers = HeaderMap::new();
    if let (true, Some(last)) = (more, lines.last()) {
        let next = format!("</api/v1/operator/audit?limit={limit}&before={}>; rel=\"next\"", last.id);
        headers.extend(HeaderValue::try_from(next).ok().map(|link| (header::LINK, link)));
    }
    let lines: Vec<AuditLine> = lines.into_iter().map(AuditLine::from).collect();
    Ok((headers, Json(lines)).into_response())
}
