//! Refusals as problem details (RFC 9457), on every answer of the API that is none.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service::model::Problem;
use service::{Conflict, Error};
use utoipa::ToSchema;
use uuid::Uuid;

use super::domains::Readiness;
use crate::refusal::{Credentials, Refusal};
use crate::security::observe::RequestId;

/// Why a call was refused (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ProblemDetails {
    /// Where this kind of problem is described, relative to this server.
    #[serde(rename = "type")]
    #[schema(example = "/api#problem-not_ready", format = "uri-reference")]
    kind: String,
    /// The kind in English.
    title: String,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, in English.
    detail: String,
    /// The kind as a word that does not change.
    #[schema(example = "not_ready")]
    code: &'static str,
    /// What of the request cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FieldProblem>,
    /// What stands in the way of starting; with `not_ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    readiness: Option<Readiness>,
    /// Seconds to wait before the next try; as in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// The number of the request, for the operator's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Uuid>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// The field; empty for the whole.
    pub(super) field: String,
    /// The kind of problem as a word that does not change.
    #[schema(example = "mailbox_password_short")]
    pub(super) code: String,
    /// What the sentence is filled with.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub(super) args: std::collections::BTreeMap<String, String>,
    /// The sentence in English.
    pub(super) message: String,
}

impl From<Problem> for FieldProblem {
    fn from(problem: Problem) -> FieldProblem {
        let Problem { field, code, args, message } = problem;
        FieldProblem { field, code, args, message }
    }
}

/// The answers of every call that are refusals.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
#[response(status = "default", description = "Refused", content_type = "application/problem+json")]
pub(super) struct Problems(#[to_schema] ProblemDetails);

/// A kind of problem: its word, its title.
type Kind = (&'static str, &'static str);

/// Every kind that there is, for the documentation.
pub(crate) const KINDS: &[Kind] = &[
    BAD_REQUEST,
    TOKEN_MISSING,
    TOKEN_UNKNOWN,
    PERSON_NEEDED,
    PERSON_UNKNOWN,
    CODE_NEEDED,
    FORBIDDEN,
    OTHER_SITE,
    NOT_FOUND,
    METHOD,
    TIMEOUT,
    EMPTY,
    NOT_READY,
    CHANGED,
    ENDED,
    STILL_WORKING,
    NOTHING_TO_RETRY,
    SECRETS_ERASED,
    NAME_TAKEN,
    DOMAIN_BUSY,
    TOO_LARGE,
    MEDIA_TYPE,
    INVALID,
    KEY_REUSED,
    TOO_MANY,
    INTERNAL,
    UNAVAILABLE,
];

const BAD_REQUEST: Kind = ("bad_request", "The request cannot be read");
const TOKEN_MISSING: Kind = ("token_missing", "A token is needed");
const TOKEN_UNKNOWN: Kind = ("token_unknown", "This token is unknown, revoked or over");
const PERSON_NEEDED: Kind = ("person_needed", "Name and password are needed");
const PERSON_UNKNOWN: Kind = ("person_unknown", "Name, password or code are not right");
const CODE_NEEDED: Kind = ("code_needed", "A code of the second factor is needed");
const FORBIDDEN: Kind = ("forbidden", "This is not allowed");
const OTHER_SITE: Kind = ("other_site", "The request comes from another site");
const NOT_FOUND: Kind = ("not_found", "There is no such thing here");
const METHOD: Kind = ("method_not_allowed", "This method is not for this address");
const TIMEOUT: Kind = ("timeout", "This took too long");
const EMPTY: Kind = ("empty", "There is nothing to import yet");
const NOT_READY: Kind = ("not_ready", "Not every entry is verified");
const CHANGED: Kind = ("changed", "It was changed meanwhile");
const ENDED: Kind = ("ended", "It has ended already");
const STILL_WORKING: Kind = ("still_working", "It is still working");
const NOTHING_TO_RETRY: Kind = ("nothing_to_retry", "There is nothing to try again");
const SECRETS_ERASED: Kind = ("secrets_erased", "The passwords were erased");
const NAME_TAKEN: Kind = ("name_taken", "This name is taken");
const DOMAIN_BUSY: Kind = ("domain_busy", "A mailimport of this domain is still working");
const TOO_LARGE: Kind = ("too_large", "The request is too large");
const MEDIA_TYPE: Kind = ("media_type", "This kind of body is not read here");
const INVALID: Kind = ("invalid", "Something of the request cannot be used");
const KEY_REUSED: Kind = ("idempotency_key_reused", "This idempotency key is in use");
const TOO_MANY: Kind = ("too_many", "Too many requests");
const INTERNAL: Kind = ("internal", "An internal fault");
const UNAVAILABLE: Kind = ("unavailable", "Not available at the moment");

fn kind(refusal: &Refusal) -> Kind {
    match refusal {
        Refusal::Service(error) => match error {
            Error::NotFound => NOT_FOUND,
            Error::Forbidden => FORBIDDEN,
            Error::Invalid(_) => INVALID,
            Error::Conflict(conflict) => kind_of_conflict(conflict),
            Error::TooMany { .. } => TOO_MANY,
            Error::Internal(_) => INTERNAL,
        },
        Refusal::SignInNeeded { .. } | Refusal::TokenNeeded(Credentials::Missing) => TOKEN_MISSING,
        Refusal::TokenNeeded(_) => TOKEN_UNKNOWN,
        Refusal::PersonNeeded(Credentials::Missing) => PERSON_NEEDED,
        Refusal::PersonNeeded(Credentials::Wrong) => PERSON_UNKNOWN,
        Refusal::PersonNeeded(Credentials::CodeMissing) => CODE_NEEDED,
        Refusal::StaleForm | Refusal::OtherSite => OTHER_SITE,
        Refusal::Unreadable(_) => BAD_REQUEST,
        Refusal::WrongFields(_) => INVALID,
        Refusal::MediaType { .. } => MEDIA_TYPE,
        Refusal::TooManyStreams => TOO_MANY,
        Refusal::Status(status) => kind_of_status(*status),
    }
}

fn kind_of_conflict(conflict: &Conflict) -> Kind {
    match conflict {
        Conflict::Empty => EMPTY,
        Conflict::NotReady(_) => NOT_READY,
        Conflict::Changed => CHANGED,
        Conflict::Ended => ENDED,
        Conflict::StillWorking => STILL_WORKING,
        Conflict::NothingToRetry => NOTHING_TO_RETRY,
        Conflict::SecretsErased => SECRETS_ERASED,
        Conflict::NameTaken => NAME_TAKEN,
        Conflict::DomainBusy => DOMAIN_BUSY,
        Conflict::IdempotencyKeyReused => KEY_REUSED,
    }
}

fn kind_of_status(status: StatusCode) -> Kind {
    match status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::FORBIDDEN => FORBIDDEN,
        StatusCode::METHOD_NOT_ALLOWED => METHOD,
        StatusCode::REQUEST_TIMEOUT => TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => MEDIA_TYPE,
        StatusCode::TOO_MANY_REQUESTS => TOO_MANY,
        StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        status if status.is_client_error() => BAD_REQUEST,
        _ => INTERNAL,
    }
}

/// What happened, in English. What only the operator should read stays in the log.
fn detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Service(Error::Internal(_)) => {
            "An internal fault. Nothing is lost; the operator's log has the request's number.".to_owned()
        }
        Refusal::Service(error) => error.to_string(),
        Refusal::Unreadable(sentence) => sentence.clone(),
        Refusal::WrongFields(problems) => {
            problems.first().map_or_else(String::new, |problem| problem.message.clone())
        }
        Refusal::MediaType { expected } => format!("The body has to be {expected}."),
        Refusal::TooManyStreams => "Too many streams are open.".to_owned(),
        other => format!("{}.", kind(other).1),
    }
}

fn details(refusal: &Refusal, request: Option<Uuid>) -> ProblemDetails {
    let (code, title) = kind(refusal);
    let (problems, readiness) = match refusal {
        Refusal::Service(Error::Invalid(problems)) | Refusal::WrongFields(problems) => {
            (problems.clone(), None)
        }
        Refusal::Service(Error::Conflict(Conflict::NotReady(readiness))) => {
            (Vec::new(), Some(Readiness::from(*readiness)))
        }
        _ => (Vec::new(), None),
    };
    ProblemDetails {
        kind: format!("/api#problem-{code}"),
        title: title.to_owned(),
        status: refusal.status().as_u16(),
        detail: detail(refusal),
        code,
        problems: problems.into_iter().map(FieldProblem::from).collect(),
        readiness,
        retry_after: refusal.retry_after(),
        request,
    }
}

/// What has to be shown, and where (RFC 9110, 11.6.1).
fn challenge(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::TokenNeeded(Credentials::Missing) => Some("Bearer realm=\"mailimport\""),
        Refusal::TokenNeeded(_) => Some("Bearer realm=\"mailimport\", error=\"invalid_token\""),
        Refusal::PersonNeeded(_) => Some("Basic realm=\"mailimport\", charset=\"UTF-8\""),
        Refusal::Service(Error::Forbidden) => {
            Some("Bearer realm=\"mailimport\", error=\"insufficient_scope\"")
        }
        _ => None,
    }
}

/// Gives every refusal its body.
pub(super) async fn shape(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0);
    let mut response = next.run(request).await;
    let Some(refusal) = Refusal::of(&mut response) else { return response };
    let mut headers = HeaderMap::new();
    let allowed: HeaderName = header::ALLOW;
    if let Some(methods) = response.headers().get(&allowed) {
        headers.insert(allowed, methods.clone());
    }
    if let Some(challenge) = challenge(&refusal) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    (refusal.status(), headers, Json(details(&refusal, id))).into_response()
}
