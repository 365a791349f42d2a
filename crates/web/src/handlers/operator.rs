//! The operator's pages: customers, all domains, the audit log.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use service::model::{Customer, CustomerId, Domain, Problem};
use service::{Conflict, Error, OneTimeLink, Page};

use super::pager::Number;
use super::runs::id;
use super::{page, page_with};
use crate::address::Address;
use crate::forms::Form;
use crate::names::shown;
use crate::pages::Flash;
use crate::pages::operator::{AllDomains, Audit, Customers, NewLink};
use crate::refusal::Refusal;
use crate::session::{Operator, SignedIn};
use crate::state::App;

const CUSTOMERS: &str = "/operator/customers";
const DOMAINS: &str = "/operator/domains";
/// Rows of one page.
const SIZE: u64 = 100;
/// Owners that a new domain can be given to in the form; with more, the API does it.
const OWNERS: u64 = 1000;

async fn customers_page(app: &App, who: &SignedIn, number: &Number) -> Result<Customers, Refusal> {
    let part = number.of(SIZE);
    let mut customers = app.service().customers(who.actor(), part.ask()).await?;
    let pager = part.pager(&mut customers, None, |number| format!("{CUSTOMERS}?page={number}"));
    Ok(Customers {
        f: who.visit.frame_at(CUSTOMERS),
        customers,
        pager,
        link: None,
        name: String::new(),
        email: String::new(),
        problems: Vec::new(),
    })
}

/// `GET /operator/customers`.
pub(super) async fn customers(
    State(app): State<App>,
    Operator(who): Operator,
    Query(number): Query<Number>,
) -> Result<Response, Refusal> {
    page(&customers_page(&app, &who, &number).await?)
}

/// The page with a link that was made a moment ago, this once.
async fn with_link(
    app: &App,
    who: &SignedIn,
    address: &Address,
    name: String,
    link: &OneTimeLink,
) -> Result<Response, Refusal> {
    let mut template = customers_page(app, who, &Number::default()).await?;
    let address = address.of(&format!("/link/{}", link.secret));
    template.link = Some(NewLink { name, address, expires_at: link.expires_at });
    page(&template)
}

/// What is in the way as a problem of the field with the name.
fn problems(error: Error, field: &str) -> Result<Vec<Problem>, Refusal> {
    match error {
        Error::Invalid(problems) => Ok(problems),
        Error::Conflict(Conflict::NameTaken) => {
            Ok(vec![Problem::new(field, "name_taken", Conflict::NameTaken.to_string())])
        }
        error => Err(error.into()),
    }
}

/// `POST /operator/customers`.
pub(super) async fn create_customer(
    State(app): State<App>,
    Operator(who): Operator,
    address: Address,
    form: Form,
) -> Result<Response, Refusal> {
    let (name, email) = (form.text("name"), form.text("email"));
    match app.service().create_customer(who.actor(), name, form.filled("email")).await {
        Ok((customer, link)) => with_link(&app, &who, &address, customer.name, &link).await,
        Err(error) => {
            let mut template = customers_page(&app, &who, &Number::default()).await?;
            template.problems = problems(error, "name")?;
            (template.name, template.email) = (name.to_owned(), email.to_owned());
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
    }
}

/// The customer of an id, for its name.
async fn customer(app: &App, who: &SignedIn, customer: CustomerId) -> Result<Customer, Refusal> {
    Ok(app.service().any_customer(who.actor(), customer).await?)
}

/// `POST /operator/customers/{customer}/link`.
pub(super) async fn link(
    State(app): State<App>,
    Operator(who): Operator,
    address: Address,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let customer = customer(&app, &who, self::id(&id)?).await?;
    let link = app.service().reset_link(who.actor(), customer.id).await?;
    with_link(&app, &who, &address, customer.name, &link).await
}

/// `POST /operator/customers/{customer}/disable`.
pub(super) async fn disable(
    State(app): State<App>,
    Operator(who): Operator,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let Customer { id, name, .. } = customer(&app, &who, self::id(&id)?).await?;
    app.service().disable_customer(who.actor(), id).await?;
    Ok(who.visit.go_and_tell(CUSTOMERS, Flash::CustomerDisabled { name }))
}

/// `POST /operator/customers/{customer}/enable`.
pub(super) async fn enable(
    State(app): State<App>,
    Operator(who): Operator,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let Customer { id, name, .. } = customer(&app, &who, self::id(&id)?).await?;
    app.service().enable_customer(who.actor(), id).await?;
    Ok(who.visit.go_and_tell(CUSTOMERS, Flash::CustomerEnabled { name }))
}

async fn domains_page(app: &App, who: &SignedIn, number: &Number) -> Result<AllDomains, Refusal> {
    let part = number.of(SIZE);
    let mut domains = app.service().all_domains(who.actor(), part.ask()).await?;
    let pager = part.pager(&mut domains, None, |number| format!("{DOMAINS}?page={number}"));
    let customers = app.service().customers(who.actor(), Page::first(OWNERS)).await?;
    Ok(AllDomains {
        f: who.visit.frame_at(DOMAINS),
        domains,
        pager,
        customers,
        name: String::new(),
        owner: String::new(),
        problems: Vec::new(),
    })
}

/// `GET /operator/domains`.
pub(super) async fn domains(
    State(app): State<App>,
    Operator(who): Operator,
    Query(number): Query<Number>,
) -> Result<Response, Refusal> {
    page(&domains_page(&app, &who, &number).await?)
}

/// `POST /operator/domains`.
pub(super) async fn create_domain(
    State(app): State<App>,
    Operator(who): Operator,
    form: Form,
) -> Result<Response, Refusal> {
    let (name, owner) = (form.text("domain"), form.text("customer"));
    let created = app.service().create_domain(who.actor(), name, id(owner)?).await;
    match created {
        Ok(domain) => Ok(who.visit.go_and_tell(DOMAINS, Flash::DomainAdded { name: shown(&domain.name) })),
        Err(error) => {
            let mut template = domains_page(&app, &who, &Number::default()).await?;
            template.problems = problems(error, "domain")?;
            (template.name, template.owner) = (name.to_owned(), owner.to_owned());
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
    }
}

/// `POST /operator/domains/{domain}/remove`.
pub(super) async fn remove_domain(
    State(app): State<App>,
    Operator(who): Operator,
    Path(domain): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let Domain { id, name, .. } = app.service().any_domain(who.actor(), id(&domain)?).await?;
    app.service().remove_domain(who.actor(), id).await?;
    Ok(who.visit.go_and_tell(DOMAINS, Flash::DomainRemoved { name }))
}

/// Which lines of the audit log.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Before {
    before: Option<String>,
}

/// `GET /operator/audit`.
pub(super) async fn audit(
    State(app): State<App>,
    Operator(who): Operator,
    Query(part): Query<Before>,
) -> Result<Response, Refusal> {
    let before = part.before.and_then(|text| text.parse().ok());
    let mut lines = app.service().audit(who.actor(), before, SIZE + 1).await?;
    let more = lines.len() as u64 > SIZE;
    lines.truncate(usize::try_from(SIZE).unwrap_or(usize::MAX));
    let older = lines.last().filter(|_| more).map(|line| format!("/operator/audit?before={}", line.id));
    page(&Audit { f: who.visit.frame(), lines, older })
}
