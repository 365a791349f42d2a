//! Who calls the API: a program with a token (RFC 6750), or a person with name and password (RFC 7617) where a token is
//! not enough. A cookie is no way in here.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;
use service::model::Actor;
use service::{SignInError, SignedIn};

use crate::refusal::{Credentials, Refusal};
use crate::security::client::Client;
use crate::state::App;

/// The second factor's code, beside name and password.
pub(super) const CODE: HeaderName = HeaderName::from_static("mailimport-code");

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// For the service.
    pub(super) actor: Actor,
}

/// The token itself, for streams, which ask again and again whether it holds.
#[derive(Clone)]
pub(super) struct BearerToken(pub(super) String);

/// Lets in whoever has a token.
pub(super) async fn token(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let refuse = |why| Refusal::TokenNeeded(why).into_response();
    let Some(secret) = credentials(request.headers(), "bearer").map(str::to_owned) else {
        return refuse(Credentials::Missing);
    };
    let from = request.extensions().get::<Client>().and_then(|client| client.address);
    match app.service().token_actor(&secret, from).await {
        Ok(Some(actor)) => {
            request.extensions_mut().insert(Caller { actor });
            request.extensions_mut().insert(BearerToken(secret));
            next.run(request).await
        }
        Ok(None) => refuse(Credentials::Wrong),
        Err(error) => Refusal::from(error).into_response(),
    }
}

/// Lets in whoever has name and password, and, where it is asked for, the second factor. The session lives for this call.
pub(super) async fn person(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let refuse = |why| Refusal::PersonNeeded(why).into_response();
    let Some((name, password)) = credentials(request.headers(), "basic").and_then(name_and_password) else {
        return refuse(Credentials::Missing);
    };
    let from = request.extensions().get::<Client>().and_then(|client| client.address);
    let code = request.headers().get(&CODE).and_then(|code| code.to_str().ok());
    match app.service().sign_in(&name, password, code, from).await {
        Ok(signed_in) => {
            request.extensions_mut().insert(Caller { actor: signed_in.session.actor.clone() });
            let response = next.run(request).await;
            end(&app, &signed_in).await;
            response
        }
        Err(SignInError::Refused) => refuse(Credentials::Wrong),
        Err(SignInError::CodeNeeded) => refuse(Credentials::CodeMissing),
        Err(SignInError::TooMany { retry_after }) => {
            Refusal::from(service::Error::TooMany { retry_after }).into_response()
        }
        Err(SignInError::Internal(what)) => Refusal::from(service::Error::Internal(what)).into_response(),
    }
}

/// Ends a session that was made for one call. One that cannot be ended now ends by itself; nobody has its secret.
pub(super) async fn end(app: &App, signed_in: &SignedIn) {
    if let Err(error) = app.service().sign_out(&signed_in.secret).await {
        tracing::warn!(%error, "a call's own session could not be ended");
    }
}

/// What stands behind the scheme in `Authorization`; schemes are compared without regard to case (RFC 9110, 11.1).
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (given, rest) = text.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim()).filter(|rest| !rest.is_empty())
}

fn name_and_password(encoded: &str) -> Option<(String, SecretString)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), SecretString::from(password)))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Refusal> {
        // Only a route outside both layers can lack it.
        parts.extensions.get().cloned().ok_or(Refusal::TokenNeeded(Credentials::Missing))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BearerToken {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<BearerToken, Refusal> {
        parts.extensions.get().cloned().ok_or(Refusal::TokenNeeded(Credentials::Missing))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn authorization_is_read_as_a_table() {
        let cases = [
            ("Bearer abc", "bearer", Some("abc")),
            ("bearer  abc ", "bearer", Some("abc")),
            ("Basic abc", "bearer", None),
            ("Bearer", "bearer", None),
            ("Bearer ", "bearer", None),
            ("abc", "bearer", None),
        ];
        for (value, scheme, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(credentials(&headers, scheme), expected, "{value}");
        }
    }

    #[test]
    fn a_password_may_hold_colons_and_umlauts() {
        let (name, password) = name_and_password(&BASE64_STANDARD.encode("anna:pässe:wort")).unwrap();
        assert_eq!((name.as_str(), password.expose_secret()), ("anna", "pässe:wort"));
        assert!(name_and_password("%").is_none());
        assert!(name_and_password(&BASE64_STANDARD.encode("anna")).is_none());
    }
}
