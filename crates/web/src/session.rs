//! Whose browser this is, and in which language and look it is answered.
//!
//! Looked up once for each request of a page. The secret itself is in the browser's cookie only; `service` keeps a digest.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRngCore;
use service::Session;
use service::model::{Actor, Language, Role, Theme};

use crate::cookies::{self, Keep, Name};
use crate::flash;
use crate::pages::{Flash, Frame, Person};
use crate::refusal::Refusal;
use crate::security::client::Client;
use crate::state::App;
use crate::words::{Words, preferred};

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Signed {
    /// Who.
    pub(crate) session: Session,
    /// The cookie.
    pub(crate) secret: String,
}

/// Whose browser it is.
#[derive(Clone)]
pub(crate) enum Who {
    /// Somebody's who is signed in.
    Session(Arc<Signed>),
    /// Somebody's.
    Visitor {
        /// What forms bring back.
        token: String,
        /// Whether the browser had it before this request.
        known: bool,
    },
}

/// A request of a page.
#[derive(Clone)]
pub(crate) struct Visit {
    /// Whose browser.
    pub(crate) who: Who,
    /// Language and time zone.
    pub(crate) words: Words,
    /// Look.
    pub(crate) theme: Theme,
    /// From where, and how.
    pub(crate) client: Client,
    /// Path and query that were asked for.
    pub(crate) path: String,
    /// What the last action did.
    flash: Option<Flash>,
}

impl Visit {
    /// What [`look_up`] found.
    pub(crate) fn of(parts: &Parts) -> Result<Visit, Refusal> {
        // Only a route outside its layer lacks it.
        let missing =
            || Refusal::Service(service::Error::Internal("a page's route lies outside its layer".to_owned()));
        parts.extensions.get().cloned().ok_or_else(missing)
    }

    /// What every form of the page brings back.
    pub(crate) fn csrf(&self) -> &str {
        match &self.who {
            Who::Session(signed) => &signed.session.csrf,
            Who::Visitor { token, .. } => token,
        }
    }

    /// The frame of the page that was asked for.
    pub(crate) fn frame(&self) -> Frame {
        self.frame_at(&self.path)
    }

    /// The frame of a page that is shown as the answer to a form; its own address is `path`.
    pub(crate) fn frame_at(&self, path: &str) -> Frame {
        let person = match &self.who {
            Who::Session(signed) => {
                let Actor { name, role, .. } = &signed.session.actor;
                Some(Person { name: name.clone(), role: *role })
            }
            Who::Visitor { .. } => None,
        };
        Frame {
            words: self.words.clone(),
            theme: self.theme,
            person,
            csrf: self.csrf().to_owned(),
            path: path.to_owned(),
            flash: self.flash.clone(),
            live: None,
        }
    }

    /// Sends the browser on after a form.
    pub(crate) fn go(&self, to: &str) -> Response {
        Redirect::to(to).into_response()
    }

    /// The same, with what was done told there.
    pub(crate) fn go_and_tell(&self, to: &str, flash: Flash) -> Response {
        let mut response = self.go(to);
        flash::write(response.headers_mut(), self.client, flash);
        response
    }
}

/// Finds out whose browser it is.
pub(crate) async fn look_up(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let visit = match visit(&app, &parts).await {
        Ok(visit) => visit,
        Err(error) => return Refusal::from(error).into_response(),
    };
    parts.extensions.insert(visit.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let is_page =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if let (Who::Visitor { token, known: false }, true) = (&visit.who, is_page) {
        cookies::set(response.headers_mut(), visit.client, Name::Visitor, token, Keep::Session);
    }
    if visit.flash.is_some() && is_page {
        cookies::remove(response.headers_mut(), visit.client, Name::Flash);
    }
    response
}

async fn visit(app: &App, parts: &Parts) -> Result<Visit, service::Error> {
    let client = Client::of(parts);
    let signed = match cookies::get(parts, Name::Session) {
        Some(secret) => app.service().session(&secret).await?.map(|mut session| {
            session.actor.address = client.address;
            Arc::new(Signed { session, secret })
        }),
        None => None,
    };
    let customer = signed.as_ref().map(|signed| &signed.session.customer);
    let language = customer.and_then(|customer| customer.language).unwrap_or_else(|| language(parts));
    let theme = match customer.map(|customer| customer.theme) {
        Some(theme) if theme != Theme::System => theme,
        _ => theme(parts),
    };
    let words = Words::new(language, cookies::get(parts, Name::Zone).map(decoded).as_deref());
    let who = match signed {
        Some(signed) => Who::Session(signed),
        None => visitor(parts),
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(Visit { who, words, theme, client, path, flash: flash::read(parts) })
}

/// Scripts write a cookie's value percent-encoded.
fn decoded(value: String) -> String {
    percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned()
}

fn language(parts: &Parts) -> Language {
    match cookies::get(parts, Name::Language).as_deref() {
        Some("en") => Language::English,
        Some("de") => Language::German,
        _ => {
            let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            preferred(accepted.unwrap_or_default())
        }
    }
}

fn theme(parts: &Parts) -> Theme {
    match cookies::get(parts, Name::Theme).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

/// The token of a browser whose owner is not signed in (a double-submit cookie: no other site can read or, where the way
/// is encrypted, set it).
fn visitor(parts: &Parts) -> Who {
    match cookies::get(parts, Name::Visitor) {
        Some(token) if token.len() >= 22 => Who::Visitor { token, known: true },
        _ => Who::Visitor { token: random(), known: false },
    }
}

/// 256 bits that nobody can guess.
pub(crate) fn random() -> String {
    let mut octets = [0_u8; 32];
    // The kernel's generator does not fail once it is up; without it nothing here would be safe.
    #[allow(clippy::expect_used, reason = "see above")]
    rand::rngs::OsRng.try_fill_bytes(&mut octets).expect("the kernel has random numbers");
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

impl FromRequestParts<App> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Visit, Refusal> {
        Visit::of(parts)
    }
}

/// A page for people who are signed in.
#[derive(Clone)]
pub(crate) struct SignedIn {
    /// Who.
    pub(crate) signed: Arc<Signed>,
    /// How they are answered.
    pub(crate) visit: Visit,
}

impl SignedIn {
    pub(crate) fn actor(&self) -> &Actor {
        &self.signed.session.actor
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<SignedIn, Refusal> {
        let visit = Visit::of(parts)?;
        match &visit.who {
            Who::Session(signed) => Ok(SignedIn { signed: signed.clone(), visit }),
            Who::Visitor { .. } => {
                let to = if parts.method.is_safe() { visit.path } else { String::new() };
                Err(Refusal::SignInNeeded { to })
            }
        }
    }
}

/// A page for operators; for others it is not there.
#[derive(Clone)]
pub(crate) struct Operator(pub(crate) SignedIn);

impl FromRequestParts<App> for Operator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Operator, Refusal> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        match signed_in.actor().role {
            Role::Operator => Ok(Operator(signed_in)),
            Role::Customer => Err(Refusal::Service(service::Error::NotFound)),
        }
    }
}
