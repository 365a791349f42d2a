//! Coming in and going out: name and password, second factor, one-time link.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use service::model::Problem;
use service::{Error, LinkPurpose, SignInError};

use super::{own_path, page, page_with};
use crate::cookies::{self, Keep, Name};
use crate::forms::Form;
use crate::pages::Flash;
use crate::pages::sign_in::{LinkFor, LinkOver, SecondFactor, SetPassword, SignIn, SignInTrouble};
use crate::pending::Pending;
use crate::refusal::Refusal;
use crate::session::{SignedIn, Visit, Who};
use crate::state::App;

/// Where to go afterwards, and why one is here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Coming {
    #[serde(default)]
    next: String,
    #[serde(default)]
    expired: String,
}

/// `GET /sign-in`.
pub(super) async fn show(visit: Visit, Query(coming): Query<Coming>) -> Result<Response, Refusal> {
    let next = own_path(&coming.next).to_owned();
    if matches!(visit.who, Who::Session(_)) {
        return Ok(visit.go(&next));
    }
    let trouble = (coming.expired == "1").then_some(SignInTrouble::Expired);
    page(&SignIn { f: visit.frame(), name: String::new(), next, trouble })
}

/// `POST /sign-in`: name and password, or the code after them.
pub(super) async fn sign_in(State(app): State<App>, visit: Visit, form: Form) -> Result<Response, Refusal> {
    let next = own_path(form.text("next")).to_owned();
    match form.filled("pending") {
        Some(key) => code(&app, &visit, key, form.text("code"), next).await,
        None => {
            let typed = Pending { name: form.text("name").to_owned(), password: form.secret("password") };
            name_and_password(&app, &visit, typed, next).await
        }
    }
}

async fn name_and_password(
    app: &App,
    visit: &Visit,
    typed: Pending,
    next: String,
) -> Result<Response, Refusal> {
    let f = visit.frame_at("/sign-in");
    match app.service().sign_in(&typed.name, typed.password.clone(), None, visit.client.address).await {
        Ok(signed_in) => Ok(come_in(app, visit, &signed_in, &next).await),
        Err(SignInError::CodeNeeded) => {
            let pending = app.pending().add(typed);
            page(&SecondFactor { f, pending, next, trouble: None })
        }
        Err(error) => {
            let (status, trouble) = trouble(error, SignInTrouble::Refused)?;
            page_with(status, &SignIn { f, name: typed.name, next, trouble: Some(trouble) })
        }
    }
}

async fn code(app: &App, visit: &Visit, key: &str, code: &str, next: String) -> Result<Response, Refusal> {
    let f = visit.frame_at("/sign-in");
    let Some(known) = app.pending().get(key) else {
        let trouble = Some(SignInTrouble::Expired);
        return page_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &SignIn { f, name: String::new(), next, trouble },
        );
    };
    match app.service().sign_in(&known.name, known.password, Some(code), visit.client.address).await {
        Ok(signed_in) => {
            app.pending().remove(key);
            Ok(come_in(app, visit, &signed_in, &next).await)
        }
        Err(error) => {
            let (status, trouble) = trouble(error, SignInTrouble::CodeRefused)?;
            page_with(status, &SecondFactor { f, pending: key.to_owned(), next, trouble: Some(trouble) })
        }
    }
}

fn trouble(error: SignInError, refused: SignInTrouble) -> Result<(StatusCode, SignInTrouble), Refusal> {
    match error {
        SignInError::Refused | SignInError::CodeNeeded => Ok((StatusCode::UNPROCESSABLE_ENTITY, refused)),
        SignInError::TooMany { retry_after } => {
            Ok((StatusCode::TOO_MANY_REQUESTS, SignInTrouble::TooMany(retry_after.as_secs().max(1))))
        }
        SignInError::Internal(what) => Err(Error::Internal(what).into()),
    }
}

/// A new session for this browser; one that it had before ends.
async fn come_in(app: &App, visit: &Visit, signed_in: &service::SignedIn, next: &str) -> Response {
    if let Who::Session(before) = &visit.who
        && let Err(error) = app.service().sign_out(&before.secret).await
    {
        tracing::warn!(%error, "an earlier session could not be ended");
    }
    let actor = &signed_in.session.actor;
    if let Err(error) = app.service().note_language(actor, visit.words.language()).await {
        tracing::warn!(%error, "the browser's language could not be noted");
    }
    let mut response = visit.go(next);
    cookies::set(response.headers_mut(), visit.client, Name::Session, &signed_in.secret, Keep::Session);
    response
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(app): State<App>,
    signed_in: SignedIn,
    _: Form,
) -> Result<Response, Refusal> {
    app.service().sign_out(&signed_in.signed.secret).await?;
    let mut response = signed_in.visit.go_and_tell("/sign-in", Flash::SignedOut);
    cookies::remove(response.headers_mut(), signed_in.visit.client, Name::Session);
    Ok(response)
}

/// `GET /link/{secret}`.
pub(super) async fn link(
    State(app): State<App>,
    visit: Visit,
    Path(secret): Path<String>,
) -> Result<Response, Refusal> {
    match app.service().open_link(&secret).await {
        Ok(purpose) => page(&set_password(&visit, secret, purpose, String::new(), Vec::new())),
        Err(Error::NotFound) => link_over(&visit),
        Err(error) => Err(error.into()),
    }
}

/// `POST /link/{secret}`.
pub(super) async fn use_link(
    State(app): State<App>,
    visit: Visit,
    Path(secret): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let purpose = match app.service().open_link(&secret).await {
        Ok(purpose) => purpose,
        Err(Error::NotFound) => return link_over(&visit),
        Err(error) => return Err(error.into()),
    };
    let (name, from) = (form.text("name").to_owned(), visit.client.address);
    let problems = match app.service().use_link(&secret, Some(&name), form.secret("password"), from).await {
        Ok(signed_in) => return Ok(come_in(&app, &visit, &signed_in, "/").await),
        Err(Error::NotFound) => return link_over(&visit),
        Err(Error::Invalid(problems)) => problems,
        Err(error) => return Err(error.into()),
    };
    let template = set_password(&visit, secret, purpose, name, problems);
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
}

fn set_password(
    visit: &Visit,
    secret: String,
    purpose: LinkPurpose,
    name: String,
    problems: Vec<Problem>,
) -> SetPassword {
    let whose = match purpose {
        LinkPurpose::SetUpOperator => LinkFor::Operator,
        LinkPurpose::SetPassword { name } => LinkFor::Customer(name),
    };
    SetPassword { f: visit.frame(), secret, whose, name, problems }
}

fn link_over(visit: &Visit) -> Result<Response, Refusal> {
    page_with(StatusCode::NOT_FOUND, &LinkOver { f: visit.frame_at("/") })
}
