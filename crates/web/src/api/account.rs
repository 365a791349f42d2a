//! `/account`: oneself. Password and second factor are for people, not for tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::model;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Caller, end};
use super::body::{Body, SecretText};
use super::problem::Problems;
use super::repeat::Memorable;
use crate::refusal::Refusal;
use crate::state::App;

/// A customer or operator.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Customer {
    id: Uuid,
    /// Name to sign in with.
    name: String,
    role: Role,
    /// Where to write to when a run ends.
    email: Option<String>,
    /// Chosen language; `null`: as the browser says.
    language: Option<Language>,
    theme: Theme,
    /// Whether a password was set; before, only a one-time link lets them in.
    has_password: bool,
    /// Whether a second factor is asked for.
    has_totp: bool,
    /// Signing in is switched off.
    disabled: bool,
    created_at: Timestamp,
    /// Domains owned.
    domains: u64,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// Runs mailimport: customers, domains, audit log.
    Operator,
    /// Owns domains and runs mailimports for them.
    Customer,
}

/// A language of the pages.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

/// The look of the pages.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Theme {
    /// As the browser says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl From<model::Customer> for Customer {
    fn from(customer: model::Customer) -> Customer {
        Customer {
            id: customer.id.0,
            name: customer.name,
            role: match customer.role {
                model::Role::Operator => Role::Operator,
                model::Role::Customer => Role::Customer,
            },
            email: customer.email,
            language: customer.language.map(|language| match language {
                model::Language::English => Language::English,
                model::Language::German => Language::German,
            }),
            theme: match customer.theme {
                model::Theme::System => Theme::System,
                model::Theme::Light => Theme::Light,
                model::Theme::Dark => Theme::Dark,
            },
            has_password: customer.has_password,
            has_totp: customer.has_totp,
            disabled: customer.disabled,
            created_at: customer.created_at,
            domains: customer.domains,
        }
    }
}

/// Language, look and e-mail address, as they shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Preferences {
    /// `null`: as the browser says.
    language: Option<Language>,
    theme: Theme,
    /// `null`: none.
    email: Option<String>,
}

/// Oneself.
#[utoipa::path(
    get, path = "/api/v1/account", tag = "account", operation_id = "show_account", security(("token" = ["read"])),
    responses((status = 200, body = Customer), Problems)
)]
pub(super) async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Customer>, Refusal> {
    Ok(Json(app.service().customer(&caller.actor).await?.into()))
}

/// Changes language, look and e-mail address.
#[utoipa::path(
    put, path = "/api/v1/account", tag = "account", operation_id = "change_account", security(("token" = ["write"])),
    request_body = Preferences, responses((status = 204, description = "Changed"), Problems)
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Body(wanted): Body<Preferences>,
) -> Result<StatusCode, Refusal> {
    let language = wanted.language.map(|language| match language {
        Language::English => model::Language::English,
        Language::German => model::Language::German,
    });
    let theme = match wanted.theme {
        Theme::System => model::Theme::System,
        Theme::Light => model::Theme::Light,
        Theme::Dark => model::Theme::Dark,
    };
    app.service().set_preferences(&caller.actor, language, theme, wanted.email.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new password to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The present one.
    old_password: SecretText,
    /// At least 12 characters, and not the name.
    password: SecretText,
}

/// Changes the password to sign in with. All sessions end; tokens stay.
#[utoipa::path(
    post, path = "/api/v1/account/password", tag = "account", operation_id = "change_password",
    security(("person" = [])), request_body = NewPassword,
    responses((status = 204, description = "Changed"), Problems)
)]
pub(super) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Refusal> {
    let signed_in = app.service().change_password(&caller.actor, new.old_password.0, new.password.0).await?;
    end(&app, &signed_in).await;
    Ok(StatusCode::NO_CONTENT)
}

/// What an authenticator needs. It counts once a code was confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TotpSetup {
    /// To type.
    secret: Option<String>,
    /// To scan (as a QR code).
    otpauth_url: Option<String>,
}

/// Prepares a second factor (RFC 6238).
#[utoipa::path(
    post, path = "/api/v1/account/totp", tag = "account", operation_id = "begin_totp", security(("person" = [])),
    responses((status = 200, body = TotpSetup), Problems)
)]
pub(super) async fn begin_totp(State(app): State<App>, caller: Caller) -> Result<Response, Refusal> {
    let setup = app.service().begin_totp(&caller.actor).await?;
    let setup = TotpSetup { secret: Some(setup.secret_base32), otpauth_url: Some(setup.otpauth_url) };
    let mut response = Json(setup).into_response();
    response.extensions_mut().insert(Memorable(r#"{"secret":null,"otpauth_url":null}"#.to_owned()));
    Ok(response)
}

/// A code of the authenticator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    #[schema(example = "123456")]
    code: String,
}

/// Switches the second factor on.
#[utoipa::path(
    post, path = "/api/v1/account/totp/confirm", tag = "account", operation_id = "confirm_totp",
    security(("person" = [])), request_body = Code,
    responses((status = 204, description = "Asked for from now on"), Problems)
)]
pub(super) async fn confirm_totp(
    State(app): State<App>,
    caller: Caller,
    Body(code): Body<Code>,
) -> Result<StatusCode, Refusal> {
    app.service().confirm_totp(&caller.actor, &code.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The present password, as a proof.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PresentPassword {
    password: SecretText,
}

/// Switches the second factor off.
#[utoipa::path(
    post, path = "/api/v1/account/totp/remove", tag = "account", operation_id = "remove_totp",
    security(("person" = [])), request_body = PresentPassword,
    responses((status = 204, description = "No longer asked for"), Problems)
)]
pub(super) async fn remove_totp(
    State(app): State<App>,
    caller: Caller,
    Body(proof): Body<PresentPassword>,
) -> Result<StatusCode, Refusal> {
    app.service().remove_totp(&caller.actor, proof.password.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
