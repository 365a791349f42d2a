//! Refusals as pages, in the reader's language.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use service::{Conflict, Error};

use crate::cookies::{self, Name};
use crate::pages::error::{ErrorPage, Fault, Hindrance};
use crate::refusal::Refusal;
use crate::security::observe::RequestId;
use crate::session::Visit;
use crate::state::App;

/// Whether the browser has been here before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It has a session's cookie: the session is over.
    SignedIn,
    /// It has none.
    Never,
}

/// Gives every refusal its page.
pub(super) async fn shape(State(_): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let is_stream = accepts(&parts.headers, "text/event-stream");
    let visit = Visit::of(&parts);
    let number = parts.extensions.get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default();
    let before = match cookies::get(&parts, Name::Session) {
        Some(_) => Before::SignedIn,
        None => Before::Never,
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(refusal) = Refusal::of(&mut response) else { return response };
    // Of an answer to a stream a browser reads the status only.
    let Ok(visit) = visit else { return refusal.status().into_response() };
    let mut shaped = match &*refusal {
        _ if is_stream => return refusal.status().into_response(),
        Refusal::SignInNeeded { to } => return sign_in_first(to, before),
        _ => {
            let (f, fault) = (visit.frame_at(coming_back(&visit.path)), fault(&refusal, number));
            let template = ErrorPage { f, fault, back: Some("/".to_owned()) };
            super::page(&template).unwrap_or_else(|_| refusal.status().into_response())
        }
    };
    *shaped.status_mut() = refusal.status();
    if let Some(seconds) = refusal.retry_after() {
        shaped.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(methods) = response.headers().get(header::ALLOW) {
        shaped.headers_mut().insert(header::ALLOW, methods.clone());
    }
    shaped
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with(kind))
}

/// To the sign-in, and back afterwards.
fn sign_in_first(to: &str, before: Before) -> Response {
    let mut query = Vec::new();
    if before == Before::SignedIn {
        query.push("expired=1".to_owned());
    }
    if !matches!(to, "" | "/") {
        query.push(format!("next={}", utf8_percent_encode(to, NON_ALPHANUMERIC)));
    }
    let question_mark = if query.is_empty() { "" } else { "?" };
    Redirect::to(&format!("/sign-in{question_mark}{}", query.join("&"))).into_response()
}

/// Where a choice in the footer leads: never to a one-time link.
fn coming_back(path: &str) -> &str {
    if path.starts_with("/link/") { "/" } else { path }
}

fn fault(refusal: &Refusal, reference: String) -> Fault {
    let wait = Fault::TooMany(refusal.retry_after().unwrap_or(1));
    match refusal {
        Refusal::Service(error) => match error {
            Error::NotFound => Fault::NotFound,
            Error::Forbidden => Fault::Forbidden,
            Error::Invalid(_) => Fault::BadRequest,
            Error::Conflict(conflict) => hindrance(conflict).map_or(Fault::BadRequest, Fault::Conflict),
            Error::TooMany { .. } => wait,
            Error::Internal(_) => Fault::Internal { reference },
        },
        Refusal::SignInNeeded { .. } | Refusal::TokenNeeded(_) | Refusal::PersonNeeded(_) => Fault::Forbidden,
        Refusal::StaleForm | Refusal::OtherSite => Fault::FormExpired,
        Refusal::Unreadable(_) | Refusal::WrongFields(_) | Refusal::MediaType { .. } => Fault::BadRequest,
        Refusal::TooManyStreams => wait,
        Refusal::Status(status) => match *status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Fault::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE => Fault::Unavailable,
            status if status.is_client_error() => Fault::BadRequest,
            _ => Fault::Internal { reference },
        },
    }
}

fn hindrance(conflict: &Conflict) -> Option<Hindrance> {
    Some(match conflict {
        Conflict::Empty => Hindrance::Empty,
        Conflict::NotReady(readiness) => {
            Hindrance::NotReady { open: readiness.entries - readiness.verified, all: readiness.entries }
        }
        Conflict::Changed => Hindrance::Changed,
        Conflict::Ended => Hindrance::Ended,
        Conflict::StillWorking => Hindrance::StillWorking,
        Conflict::NothingToRetry => Hindrance::NothingToRetry,
        Conflict::SecretsErased => Hindrance::SecretsErased,
        Conflict::NameTaken => Hindrance::NameTaken,
        Conflict::DomainBusy => Hindrance::DomainBusy,
        // Pages send no key.
        Conflict::IdempotencyKeyReused => return None,
    })
}
