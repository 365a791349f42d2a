//! One's own settings: language, look, e-mail, password, second factor, tokens.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use service::model::{Problem, Scope, TokenId};
use service::{Error, TotpSetup};

use super::preferences::{language, theme};
use super::runs::id;
use super::{page, page_with};
use crate::cookies::{self, Keep, Name};
use crate::forms::Form;
use crate::pages::Flash;
use crate::pages::account::{self, Account, NewToken, TotpShown};
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// Where it is.
const ADDRESS: &str = "/account";
/// Longest life of a token that a form can ask for, in days.
const LONGEST: i64 = 3650;

/// `GET /account`.
pub(super) async fn show(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Refusal> {
    page(&account(&app, &signed_in).await?)
}

pub(super) async fn account(app: &App, signed_in: &SignedIn) -> Result<Account, Refusal> {
    let customer = app.service().customer(signed_in.actor()).await?;
    let tokens = app.service().tokens(signed_in.actor()).await?;
    let notices = app.service().notices(signed_in.actor()).await?;
    Ok(Account::new(signed_in.visit.frame_at(ADDRESS), customer, tokens, notices))
}

/// What was done, or the page with what could not be taken.
pub(super) async fn done(
    app: &App,
    signed_in: &SignedIn,
    form: account::Form,
    result: Result<Flash, Error>,
) -> Result<Response, Refusal> {
    match result {
        Ok(flash) => Ok(signed_in.visit.go_and_tell(ADDRESS, flash)),
        Err(Error::Invalid(problems)) => {
            let mut template = account(app, signed_in).await?;
            template.problems = Some((form, problems));
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/preferences`.
pub(super) async fn save_preferences(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Refusal> {
    let (language, theme) = (language(form.text("language")), theme(form.text("theme")).unwrap_or_default());
    let email = form.filled("email");
    let saved = app.service().set_preferences(signed_in.actor(), language, theme, email).await;
    let saved = saved.map(|()| Flash::PreferencesSaved);
    let is_saved = saved.is_ok();
    let mut response = done(&app, &signed_in, account::Form::Preferences, saved).await?;
    if is_saved {
        // What this browser was told before somebody signed in is not what counts now.
        cookies::remove(response.headers_mut(), signed_in.visit.client, Name::Language);
        cookies::remove(response.headers_mut(), signed_in.visit.client, Name::Theme);
    }
    Ok(response)
}

/// `POST /account/password`: all other sessions end.
pub(super) async fn change_password(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Refusal> {
    let changed =
        app.service().change_password(signed_in.actor(), form.secret("old"), form.secret("password")).await;
    match changed {
        Ok(new) => {
            let mut response = signed_in.visit.go_and_tell(ADDRESS, Flash::PasswordChanged);
            let client = signed_in.visit.client;
            cookies::set(response.headers_mut(), client, Name::Session, &new.secret, Keep::Session);
            Ok(response)
        }
        Err(error) => done(&app, &signed_in, account::Form::Password, Err(at_its_field(error))).await,
    }
}

/// The form calls the present password `old`.
fn at_its_field(error: Error) -> Error {
    let rename = |problem: Problem| match problem.field.as_str() {
        "old_password" => Problem { field: "old".to_owned(), ..problem },
        _ => problem,
    };
    match error {
        Error::Invalid(problems) => Error::Invalid(problems.into_iter().map(rename).collect()),
        other => other,
    }
}

/// `POST /account/totp`: shows what an authenticator needs, this once.
pub(super) async fn begin_totp(
    State(app): State<App>,
    signed_in: SignedIn,
    _: Form,
) -> Result<Response, Refusal> {
    let setup = app.service().begin_totp(signed_in.actor()).await?;
    let mut template = account(&app, &signed_in).await?;
    template.totp = Some(shown(setup));
    page(&template)
}

/// `POST /account/totp/confirm`: who mistyped the code sees the same secret again.
pub(super) async fn confirm_totp(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Refusal> {
    match app.service().confirm_totp(signed_in.actor(), form.text("code")).await {
        Ok(()) => Ok(signed_in.visit.go_and_tell(ADDRESS, Flash::TotpAdded)),
        Err(Error::Invalid(problems)) => {
            let mut template = account(&app, &signed_in).await?;
            template.totp = app.service().pending_totp(signed_in.actor()).await?.map(shown);
            template.problems = Some((account::Form::Totp, problems));
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
        Err(error) => Err(error.into()),
    }
}

fn shown(setup: TotpSetup) -> TotpShown {
    TotpShown { secret_base32: setup.secret_base32, otpauth_url: setup.otpauth_url }
}

/// `POST /account/totp/remove`.
pub(super) async fn remove_totp(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Refusal> {
    let removed = app.service().remove_totp(signed_in.actor(), form.secret("password")).await;
    done(&app, &signed_in, account::Form::Totp, removed.map(|()| Flash::TotpRemoved)).await
}

/// `POST /account/tokens`: shows the token, this once.
pub(super) async fn create_token(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Refusal> {
    let name = form.text("name");
    let scopes: Vec<Scope> = form.all("scopes").filter_map(scope).collect();
    let days = form.text("expires").parse().ok().filter(|days| (1..=LONGEST).contains(days));
    let expires_at = days.map(|days: i64| Timestamp::now() + SignedDuration::from_hours(24 * days));
    let (problems, new_token) =
        match app.service().create_token(signed_in.actor(), name, &scopes, expires_at).await {
            Ok((token, secret)) => {
                (None, Some(NewToken { name: token.name, secret: secret.expose_secret().to_owned() }))
            }
            Err(Error::Invalid(problems)) => (Some((account::Form::Tokens, problems)), None),
            Err(error) => return Err(error.into()),
        };
    let mut template = account(&app, &signed_in).await?;
    if problems.is_some() {
        name.clone_into(&mut template.token_name);
    }
    let status = if problems.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    (template.problems, template.new_token) = (problems, new_token);
    page_with(status, &template)
}

fn scope(name: &str) -> Option<Scope> {
    match name {
        "read" => Some(Scope::Read),
        "write" => Some(Scope::Write),
        "admin" => Some(Scope::Admin),
        _ => None,
    }
}

/// `POST /account/tokens/{token}/revoke`.
pub(super) async fn revoke_token(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(token): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let token: TokenId = id(&token)?;
    let tokens = app.service().tokens(signed_in.actor()).await?;
    let name = tokens.into_iter().find(|known| known.id == token).map(|known| known.name);
    app.service().revoke_token(signed_in.actor(), token).await?;
    let flash = Flash::TokenRevoked { name: name.unwrap_or_default() };
    Ok(signed_in.visit.go_and_tell(ADDRESS, flash))
}
