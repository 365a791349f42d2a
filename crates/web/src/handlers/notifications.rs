//! How one is told when a mailimport ends: e-mail, webhook, its secret, a test.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use service::Error;
use service::model::NoticeWishes;

use super::account::{account, done};
use super::page;
use crate::forms::Form;
use crate::pages::Flash;
use crate::pages::account::Form as Part;
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// `POST /account/notifications`: a first webhook's secret is shown, this once.
pub(super) async fn save(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Refusal> {
    let before = app.service().notices(signed_in.actor()).await?;
    // What the page does not offer stays as it is.
    let email = if before.email_offered { form.filled("email").is_some() } else { before.email };
    let webhook = form.filled("webhook").map(str::to_owned);
    let wishes = NoticeWishes { email, webhook: webhook.clone() };
    match app.service().set_notices(signed_in.actor(), wishes).await {
        Ok(Some(secret)) => shown_once(&app, &signed_in, &secret).await,
        Ok(None) => done(&app, &signed_in, Part::Notices, Ok(Flash::NoticesSaved)).await,
        Err(Error::Invalid(problems)) => {
            let mut template = account(&app, &signed_in).await?;
            // What was typed is kept.
            (template.notices.email, template.notices.webhook) = (email, webhook);
            template.problems = Some((Part::Notices, problems));
            super::page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/notifications/secret`: shows the new secret, this once.
pub(super) async fn renew_secret(
    State(app): State<App>,
    signed_in: SignedIn,
    _: Form,
) -> Result<Response, Refusal> {
    let secret = app.service().renew_webhook_secret(signed_in.actor()).await?;
    shown_once(&app, &signed_in, &secret).await
}

/// `POST /account/notifications/test`.
pub(super) async fn test(State(app): State<App>, signed_in: SignedIn, _: Form) -> Result<Response, Refusal> {
    let sent = app.service().test_notices(signed_in.actor()).await;
    done(&app, &signed_in, Part::Notices, sent.map(|()| Flash::NoticeTestSent)).await
}

async fn shown_once(app: &App, signed_in: &SignedIn, secret: &SecretString) -> Result<Response, Refusal> {
    let mut template = account(app, signed_in).await?;
    template.new_secret = Some(secret.expose_secret().to_owned());
    page(&template)
}
