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
    #[schema(example = "/api#ProblemCode-not_ready", format = "uri-reference")]
    kind: String,
    /// The kind in English.
    title: String,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, in English.
    detail: String,
    /// The kind as a word that does not change.
    code: ProblemCode,
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

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProblemCode {
    /// The request cannot be read.
    BadRequest,
    /// A token is needed.
    TokenMissing,
    /// This token is unknown, revoked or over.
    TokenUnknown,
    /// Name and password are needed.
    PersonNeeded,
    /// Name, password or code are not right.
    PersonUnknown,
    /// A code of the second factor is needed.
    CodeNeeded,
    /// This is not allowed.
    Forbidden,
    /// The request comes from another site.
    OtherSite,
    /// There is no such thing here.
    NotFound,
    /// This method is not for this address.
    MethodNotAllowed,
    /// This took too long.
    Timeout,
    /// There is nothing to import yet.
    Empty,
    /// Not every entry is verified.
    NotReady,
    /// It was changed meanwhile.
    Changed,
    /// It has ended already.
    Ended,
    /// It is still working.
    StillWorking,
    /// There is nothing to try again.
    NothingToRetry,
    /// The passwords were erased.
    SecretsErased,
    /// This name is taken.
    NameTaken,
    /// A mailimport of this domain is still working.
    DomainBusy,
    /// The request is too large.
    TooLarge,
    /// This kind of body is not read here.
    MediaType,
    /// Something of the request cannot be used.
    Invalid,
    /// This idempotency key is in use.
    IdempotencyKeyReused,
    /// Too many requests.
    TooMany,
    /// An internal fault.
    Internal,
    /// Not available at the moment.
    Unavailable,
}

impl ProblemCode {
    /// The kind in English.
    fn title(self) -> &'static str {
        match self {
            ProblemCode::BadRequest => "The request cannot be read",
            ProblemCode::TokenMissing => "A token is needed",
            ProblemCode::TokenUnknown => "This token is unknown, revoked or over",
            ProblemCode::PersonNeeded => "Name and password are needed",
            ProblemCode::PersonUnknown => "Name, password or code are not right",
            ProblemCode::CodeNeeded => "A code of the second factor is needed",
            ProblemCode::Forbidden => "This is not allowed",
            ProblemCode::OtherSite => "The request comes from another site",
            ProblemCode::NotFound => "There is no such thing here",
            ProblemCode::MethodNotAllowed => "This method is not for this address",
            ProblemCode::Timeout => "This took too long",
            ProblemCode::Empty => "There is nothing to import yet",
            ProblemCode::NotReady => "Not every entry is verified",
            ProblemCode::Changed => "It was changed meanwhile",
            ProblemCode::Ended => "It has ended already",
            ProblemCode::StillWorking => "It is still working",
            ProblemCode::NothingToRetry => "There is nothing to try again",
            ProblemCode::SecretsErased => "The passwords were erased",
            ProblemCode::NameTaken => "This name is taken",
            ProblemCode::DomainBusy => "A mailimport of this domain is still working",
            ProblemCode::TooLarge => "The request is too large",
            ProblemCode::MediaType => "This kind of body is not read here",
            ProblemCode::Invalid => "Something of the request cannot be used",
            ProblemCode::IdempotencyKeyReused => "This idempotency key is in use",
            ProblemCode::TooMany => "Too many requests",
            ProblemCode::Internal => "An internal fault",
            ProblemCode::Unavailable => "Not available at the moment",
        }
    }

    /// The word, as it stands in the answer.
    fn word(self) -> String {
        // A variant without fields is a text.
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

fn code(refusal: &Refusal) -> ProblemCode {
    match refusal {
        Refusal::Service(error) => match error {
            Error::NotFound => ProblemCode::NotFound,
            Error::Forbidden => ProblemCode::Forbidden,
            Error::Invalid(_) => ProblemCode::Invalid,
            Error::Conflict(conflict) => code_of_conflict(conflict),
            Error::TooMany { .. } => ProblemCode::TooMany,
            Error::Internal(_) => ProblemCode::Internal,
        },
        Refusal::SignInNeeded { .. } | Refusal::TokenNeeded(Credentials::Missing) => {
            ProblemCode::TokenMissing
        }
        Refusal::TokenNeeded(_) => ProblemCode::TokenUnknown,
        Refusal::PersonNeeded(Credentials::Missing) => ProblemCode::PersonNeeded,
        Refusal::PersonNeeded(Credentials::Wrong) => ProblemCode::PersonUnknown,
        Refusal::PersonNeeded(Credentials::CodeMissing) => ProblemCode::CodeNeeded,
        Refusal::StaleForm | Refusal::OtherSite => ProblemCode::OtherSite,
        Refusal::Unreadable(_) => ProblemCode::BadRequest,
        Refusal::WrongFields(_) => ProblemCode::Invalid,
        Refusal::MediaType { .. } => ProblemCode::MediaType,
        Refusal::TooManyStreams => ProblemCode::TooMany,
        Refusal::Status(status) => code_of_status(*status),
    }
}

fn code_of_conflict(conflict: &Conflict) -> ProblemCode {
    match conflict {
        Conflict::Empty => ProblemCode::Empty,
        Conflict::NotReady(_) => ProblemCode::NotReady,
        Conflict::Changed => ProblemCode::Changed,
        Conflict::Ended => ProblemCode::Ended,
        Conflict::StillWorking => ProblemCode::StillWorking,
        Conflict::NothingToRetry => ProblemCode::NothingToRetry,
        Conflict::SecretsErased => ProblemCode::SecretsErased,
        Conflict::NameTaken => ProblemCode::NameTaken,
        Conflict::DomainBusy => ProblemCode::DomainBusy,
        Conflict::IdempotencyKeyReused => ProblemCode::IdempotencyKeyReused,
    }
}

fn code_of_status(status: StatusCode) -> ProblemCode {
    match status {
        StatusCode::NOT_FOUND => ProblemCode::NotFound,
        StatusCode::FORBIDDEN => ProblemCode::Forbidden,
        StatusCode::METHOD_NOT_ALLOWED => ProblemCode::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => ProblemCode::Timeout,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemCode::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemCode::MediaType,
        StatusCode::TOO_MANY_REQUESTS => ProblemCode::TooMany,
        StatusCode::SERVICE_UNAVAILABLE => ProblemCode::Unavailable,
        status if status.is_client_error() => ProblemCode::BadRequest,
        _ => ProblemCode::Internal,
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
        other => format!("{}.", code(other).title()),
    }
}

fn details(refusal: &Refusal, request: Option<Uuid>) -> ProblemDetails {
    let code = code(refusal);
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
        kind: format!("/api#ProblemCode-{}", code.word()),
        title: code.title().to_owned(),
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
