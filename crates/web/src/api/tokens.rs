//! `/tokens`: what programs come in with. Made and ended by people.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use service::model::{self, TokenId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::body::{At, Body};
use super::problem::Problems;
use super::repeat::{Memorable, RepeatKey};
use crate::refusal::Refusal;
use crate::state::App;

/// An API token, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Token {
    id: Uuid,
    /// What it is for, in its owner's words.
    name: String,
    scopes: Vec<Scope>,
    created_at: Timestamp,
    /// When it was used last, to the minute.
    last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// Reading lists, runs and reports.
    Read,
    /// Preparing entries, starting and steering runs.
    Write,
    /// What only operators do: customers, domains, audit log.
    Admin,
}

impl From<model::Token> for Token {
    fn from(token: model::Token) -> Token {
        let scope = |scope: &model::Scope| match scope {
            model::Scope::Read => Scope::Read,
            model::Scope::Write => Scope::Write,
            model::Scope::Admin => Scope::Admin,
        };
        Token {
            id: token.id.0,
            name: token.name,
            scopes: token.scopes.iter().map(scope).collect(),
            created_at: token.created_at,
            last_used_at: token.last_used_at,
            expires_at: token.expires_at,
        }
    }
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for.
    #[schema(max_length = 64)]
    name: String,
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// When it ends by itself; `null`: never.
    expires_at: Option<Timestamp>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatedToken {
    #[serde(flatten)]
    token: Token,
    /// What to send as `Authorization: Bearer ...`. It is never shown again; a repeated call gets `null`.
    secret: Option<String>,
}

/// One's own tokens, newest first.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens", security(("person" = [])),
    responses((status = 200, body = Vec<Token>), Problems)
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Token>>, Refusal> {
    let tokens = app.service().tokens(&caller.actor).await?;
    Ok(Json(tokens.into_iter().map(Token::from).collect()))
}

/// Makes a token.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", operation_id = "create_token", security(("person" = [])),
    request_body = NewToken,
    params(RepeatKey),
    responses((status = 201, body = CreatedToken), Problems)
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewToken>,
) -> Result<Response, Refusal> {
    let scope = |scope: &Scope| match scope {
        Scope::Read => model::Scope::Read,
        Scope::Write => model::Scope::Write,
        Scope::Admin => model::Scope::Admin,
    };
    let scopes: Vec<model::Scope> = new.scopes.iter().map(scope).collect();
    let (token, secret) =
        app.service().create_token(&caller.actor, &new.name, &scopes, new.expires_at).await?;
    let token = Token::from(token);
    let memorable = CreatedToken { token: token.clone(), secret: None };
    let memorable =
        serde_json::to_string(&memorable).map_err(|error| service::Error::Internal(error.to_string()))?;
    let created = CreatedToken { token, secret: Some(secret.expose_secret().to_owned()) };
    let mut response = (StatusCode::CREATED, Json(created)).into_response();
    response.extensions_mut().insert(Memorable(memorable));
    Ok(response)
}

/// Ends a token.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{token}", tag = "tokens", operation_id = "revoke_token", security(("person" = [])),
    params(("token" = Uuid, Path)), responses((status = 204, description = "It is over"), Problems)
)]
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    At(token): At<TokenId>,
) -> Result<StatusCode, Refusal> {
    app.service().revoke_token(&caller.actor, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
