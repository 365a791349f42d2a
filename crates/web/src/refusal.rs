//! Why a request is not answered as it wished, before anybody has said it in a language or as JSON.
//!
//! A handler returns a [`Refusal`]; it becomes an empty answer that carries it. The layer around the pages makes a page
//! of it, the one around the API problem details. The same layers give a body to whatever else was refused without one
//! (an unknown address, a body too large, a panic).

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use service::model::Problem;
use service::{Conflict, Error};

/// Why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// What the service said.
    Service(Error),
    /// A page for people who are signed in.
    SignInNeeded {
        /// Where they wanted to go.
        to: String,
    },
    /// API: there is no token, or no such token.
    TokenNeeded(Credentials),
    /// API: name and password are needed here, or they are wrong.
    PersonNeeded(Credentials),
    /// The form's token is missing or of another session.
    StaleForm,
    /// The form is on somebody else's page.
    OtherSite,
    /// The request cannot be read; the sentence says why, without repeating anything of it.
    Unreadable(String),
    /// Fields of the request cannot be read; like [`Error::Invalid`], but found here.
    WrongFields(Vec<Problem>),
    /// The body is of a kind that is not read here.
    MediaType {
        /// The kind that is.
        expected: &'static str,
    },
    /// Streams are bounded.
    TooManyStreams,
    /// Something that only the HTTP layer knows: an unknown address, a method, a size, a fault.
    Status(StatusCode),
}

/// What came with an API call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// None.
    Missing,
    /// Unknown ones.
    Wrong,
    /// The second factor's code is missing.
    CodeMissing,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Refusal::Service(error) => match error {
                Error::NotFound => StatusCode::NOT_FOUND,
                Error::Forbidden => StatusCode::FORBIDDEN,
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Conflict(Conflict::IdempotencyKeyReused) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Conflict(_) => StatusCode::CONFLICT,
                Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
                Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Refusal::SignInNeeded { .. } | Refusal::TokenNeeded(_) | Refusal::PersonNeeded(_) => {
                StatusCode::UNAUTHORIZED
            }
            Refusal::StaleForm | Refusal::OtherSite => StatusCode::FORBIDDEN,
            Refusal::Unreadable(_) => StatusCode::BAD_REQUEST,
            Refusal::WrongFields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::TooManyStreams => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Status(status) => *status,
        }
    }

    /// Whole seconds to wait, where waiting helps.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Refusal::Service(Error::TooMany { retry_after }) => Some(retry_after.as_secs().max(1)),
            Refusal::TooManyStreams => Some(30),
            _ => None,
        }
    }

    /// Why this answer was refused; `None` when it was not. Answers of ours with a body are left as they are.
    pub(crate) fn of(response: &mut Response) -> Option<Arc<Refusal>> {
        if let Some(refusal) = response.extensions_mut().remove::<Arc<Refusal>>() {
            return Some(refusal);
        }
        let status = response.status();
        let is_ours = response.extensions_mut().remove::<Complete>().is_some();
        ((status.is_client_error() || status.is_server_error()) && !is_ours)
            .then(|| Arc::new(Refusal::Status(status)))
    }
}

/// Marks an answer with an error's status that has its body already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Complete;

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Service(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Refusal::Service(Error::Internal(what)) = &self {
            tracing::error!(what, "internal fault");
        }
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// What becomes of a panic: an internal fault, told like any other. The panic hook has logged it.
pub(crate) fn of_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    Refusal::Status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// For addresses that nobody knows.
pub(crate) async fn unknown_address(_: Request) -> Refusal {
    Refusal::Status(StatusCode::NOT_FOUND)
}
