//! `Idempotency-Key`: a call that may be repeated after a connection broke, without being done twice.
//!
//! The first call's answer is remembered for a day and given again. An answer that holds a secret is remembered without
//! it. A refusal is not remembered: the call may be tried again with its key.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::Repeated;
use service::model::Actor;
use utoipa::IntoParams;

use super::auth::Caller;
use crate::limits;
use crate::refusal::Refusal;
use crate::state::App;

/// The call's own name for itself.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the first one's.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Characters of a key at most.
const LONGEST: usize = 255;

/// The header, as it is described.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct RepeatKey {
    /// Repeats are done once.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = r"^[\t\x20-\x7e]+$",
        nullable = false
    )]
    key: Option<String>,
}

/// Beside an answer that holds a secret: what may be remembered of it.
#[derive(Debug, Clone)]
pub(super) struct Memorable(pub(super) String);

/// Does it once.
pub(super) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let key = match (request.method(), request.headers().get(&KEY)) {
        (&Method::POST, Some(key)) => key.clone(),
        _ => return next.run(request).await,
    };
    match first_or_again(app, key, request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn first_or_again(
    app: App,
    key: HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let unreadable = |sentence: &str| Refusal::Unreadable(sentence.to_owned());
    let usable = |key: &&str| !key.is_empty() && key.len() <= LONGEST;
    let key = key.to_str().ok().filter(usable).map(str::to_owned);
    let key = key.ok_or_else(|| unreadable("The idempotency key needs 1 to 255 visible characters."))?;
    let Some(Caller { actor }) = request.extensions().get::<Caller>().cloned() else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let too_large = |_| Refusal::Status(StatusCode::PAYLOAD_TOO_LARGE);
    let body = to_bytes(body, limits::CSV_BODY).await.map_err(too_large)?;
    let digest_of =
        [parts.method.as_str().as_bytes(), b" ", parts.uri.path().as_bytes(), b"\n", &body].concat();
    match app.service().begin_request(&actor, &key, &digest_of).await? {
        Repeated::Answered { status, answer } => Ok(again(status, answer)),
        Repeated::First => {
            let request = Request::from_parts(parts, Body::from(body));
            // Goes on when the other side hangs up: what was done must be remembered as done.
            let work = tokio::spawn(first(app, actor, key, request, next));
            work.await.unwrap_or(Err(Refusal::Status(StatusCode::INTERNAL_SERVER_ERROR)))
        }
    }
}

async fn first(
    app: App,
    actor: Actor,
    key: String,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_success() {
        app.service().forget_request(&actor, &key).await?;
        return Ok(response);
    }
    let memorable = response.extensions_mut().remove::<Memorable>();
    let (parts, body) = response.into_parts();
    let internal = |_| Refusal::Status(StatusCode::INTERNAL_SERVER_ERROR);
    let body: Bytes = to_bytes(body, usize::MAX).await.map_err(internal)?;
    let answer = match &memorable {
        Some(Memorable(answer)) => answer.as_str(),
        None => std::str::from_utf8(&body).unwrap_or_default(),
    };
    app.service().remember_answer(&actor, &key, status.as_u16(), answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn again(status: u16, answer: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
