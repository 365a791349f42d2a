//! `/account/notifications`: how one is told when a mailimport ends.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service::model;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::body::Body;
use super::problem::Problems;
use super::repeat::Memorable;
use crate::refusal::Refusal;
use crate::state::App;

/// How one is told when a mailimport ends.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notifications {
    /// Whether this service sends e-mail at all.
    email_offered: bool,
    /// By e-mail, to the account's address.
    email: bool,
    /// Address of the webhook.
    #[schema(format = "uri")]
    webhook: Option<String>,
    /// The newest e-mail.
    last_email: Option<Notice>,
    /// The newest call of the webhook.
    last_webhook: Option<Notice>,
}

/// Something that was told, and how that went.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notice {
    /// The run that ended; `null`: a test.
    run: Option<Uuid>,
    state: NoticeState,
    /// How the latest attempt ended.
    outcome: Option<NoticeOutcome>,
    /// The same as a sentence.
    message: Option<&'static str>,
    /// The status that the other side answered, of HTTP or SMTP.
    code: Option<u16>,
    /// Attempts so far.
    attempts: u64,
    /// When the latest attempt ended; before the first one, when it was made.
    at: Timestamp,
    /// When the next attempt comes.
    retry_at: Option<Timestamp>,
}

/// Where a notice stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoticeState {
    /// Its first attempt is still to come.
    Waiting,
    /// An attempt failed; another one comes.
    Retrying,
    /// It was taken.
    Delivered,
    /// It is not tried any more.
    Failed,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoticeOutcome {
    /// The other side took it.
    Delivered,
    /// The receiver answered with an error.
    Status,
    /// The receiver has nothing at this address (404, 410): not tried again.
    Gone,
    /// The receiver names another address, which is not followed.
    Redirect,
    /// The receiver is not answering.
    NotAnswering,
    /// No trusted, encrypted connection.
    Tls,
    /// The mail server refuses it for good.
    MailRefused,
    /// The mail server does not take it now.
    MailUnavailable,
    /// An internal fault.
    Internal,
}

impl From<model::NoticeSettings> for Notifications {
    fn from(settings: model::NoticeSettings) -> Notifications {
        Notifications {
            email_offered: settings.email_offered,
            email: settings.email,
            webhook: settings.webhook,
            last_email: settings.last_email.map(Notice::from),
            last_webhook: settings.last_webhook.map(Notice::from),
        }
    }
}

impl From<model::Notice> for Notice {
    fn from(notice: model::Notice) -> Notice {
        Notice {
            run: notice.run.map(|run| run.0),
            state: match notice.state {
                model::NoticeState::Waiting => NoticeState::Waiting,
                model::NoticeState::Retrying => NoticeState::Retrying,
                model::NoticeState::Delivered => NoticeState::Delivered,
                model::NoticeState::Failed => NoticeState::Failed,
            },
            outcome: notice.outcome.map(NoticeOutcome::from),
            message: notice.outcome.map(model::NoticeOutcome::message),
            code: notice.code,
            attempts: notice.attempts,
            at: notice.at,
            retry_at: notice.retry_at,
        }
    }
}

impl From<model::NoticeOutcome> for NoticeOutcome {
    fn from(outcome: model::NoticeOutcome) -> NoticeOutcome {
        match outcome {
            model::NoticeOutcome::Delivered => NoticeOutcome::Delivered,
            model::NoticeOutcome::Status => NoticeOutcome::Status,
            model::NoticeOutcome::Gone => NoticeOutcome::Gone,
            model::NoticeOutcome::Redirect => NoticeOutcome::Redirect,
            model::NoticeOutcome::NotAnswering => NoticeOutcome::NotAnswering,
            model::NoticeOutcome::Tls => NoticeOutcome::Tls,
            model::NoticeOutcome::MailRefused => NoticeOutcome::MailRefused,
            model::NoticeOutcome::MailUnavailable => NoticeOutcome::MailUnavailable,
            model::NoticeOutcome::Internal => NoticeOutcome::Internal,
        }
    }
}

/// How one wants to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedNotifications {
    /// By e-mail, to the account's address.
    email: bool,
    /// By a webhook at this address; `null`: none.
    #[schema(format = "uri", max_length = 2000, example = "https://example.org/hook")]
    webhook: Option<String>,
}

/// What calls of the webhook are signed with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookSecret {
    /// Begins with `whsec_`. Only in the answer to the call that made it; `null` where none was made.
    secret: Option<String>,
}

/// How one is told when a mailimport ends, and how it went lately.
#[utoipa::path(
    get, path = "/api/v1/account/notifications", tag = "account", operation_id = "show_notifications",
    security(("token" = ["read"])), responses((status = 200, body = Notifications), Problems)
)]
pub(super) async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Notifications>, Refusal> {
    Ok(Json(app.service().notices(&caller.actor).await?.into()))
}

/// Says how one wants to be told. A first webhook gets a secret, which is in the answer.
#[utoipa::path(
    put, path = "/api/v1/account/notifications", tag = "account", operation_id = "change_notifications",
    security(("token" = ["write"])), request_body = WantedNotifications,
    responses((status = 200, body = WebhookSecret), Problems)
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Body(wanted): Body<WantedNotifications>,
) -> Result<Json<WebhookSecret>, Refusal> {
    let wishes = model::NoticeWishes { email: wanted.email, webhook: wanted.webhook };
    let secret = app.service().set_notices(&caller.actor, wishes).await?;
    Ok(Json(WebhookSecret { secret: secret.map(shown) }))
}

/// Makes another secret for the webhook. What is signed with the one before ends.
#[utoipa::path(
    post, path = "/api/v1/account/notifications/secret", tag = "account", operation_id = "renew_webhook_secret",
    security(("token" = ["write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeats are done once", max_length = 255)),
    responses((status = 200, body = WebhookSecret), Problems)
)]
pub(super) async fn renew_secret(State(app): State<App>, caller: Caller) -> Result<Response, Refusal> {
    let secret = app.service().renew_webhook_secret(&caller.actor).await?;
    let mut response = Json(WebhookSecret { secret: Some(shown(secret)) }).into_response();
    response.extensions_mut().insert(Memorable(r#"{"secret":null}"#.to_owned()));
    Ok(response)
}

/// Sends a test on every way that is switched on. How it went is told with the settings.
#[utoipa::path(
    post, path = "/api/v1/account/notifications/test", tag = "account", operation_id = "test_notifications",
    security(("token" = ["write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeats are done once", max_length = 255)),
    responses((status = 202, description = "On its way"), Problems)
)]
pub(super) async fn test(State(app): State<App>, caller: Caller) -> Result<StatusCode, Refusal> {
    app.service().test_notices(&caller.actor).await?;
    Ok(StatusCode::ACCEPTED)
}

fn shown(secret: SecretString) -> String {
    secret.expose_secret().to_owned()
}
