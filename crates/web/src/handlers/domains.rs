//! The choice of a domain.

use axum::extract::{Query, State};
use axum::response::Response;

use super::page;
use super::pager::Number;
use crate::pages::domains::Domains;
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// Domains of one page.
const SIZE: u64 = 100;

/// `/`: to the domains.
pub(super) async fn home(signed_in: SignedIn) -> Response {
    signed_in.visit.go("/domains")
}

/// `/domains`.
pub(super) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(number): Query<Number>,
) -> Result<Response, Refusal> {
    let mut domains = app.service().domains(signed_in.actor()).await?;
    let (total, part) = (domains.len() as u64, number.of(SIZE));
    part.pass_over(&mut domains);
    let pager = part.pager(&mut domains, Some(total), |number| format!("/domains?page={number}"));
    page(&Domains { f: signed_in.visit.frame(), domains, pager })
}
