//! Forms that are sent: read, bounded, and believed only with the token that this site gave to this browser.
//!
//! The only way for a page's handler to see a body. A form without its token does nothing, whatever it asks for.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::refusal::Refusal;
use crate::session::{Visit, Who};
use crate::state::App;

/// The field with the token.
pub(crate) const TOKEN: &str = "csrf";
/// Fields of a form at most.
const MOST: usize = 64;

/// A form's fields, as they were typed.
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    file: Option<Vec<u8>>,
}

impl Form {
    /// A text; empty when the form has no such field.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// A text, if there is something in it.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.trim().is_empty())
    }

    /// What somebody typed as a password: every character counts.
    pub(crate) fn secret(&self, name: &str) -> SecretString {
        SecretString::from(self.text(name))
    }

    /// The same; an empty field is none.
    pub(crate) fn filled_secret(&self, name: &str) -> Option<SecretString> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(SecretString::from)
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The file that came with it, if it is not empty.
    pub(crate) fn file(&self) -> Option<&[u8]> {
        self.file.as_deref().filter(|file| !file.is_empty())
    }
}

impl FromRequest<App> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Form, Refusal> {
        let (parts, body) = request.into_parts();
        let expected = Visit::of(&parts)?.tokens(&parts);
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_owned();
        let request = Request::from_parts(parts, body);
        let form = match kind.as_str() {
            "application/x-www-form-urlencoded" => encoded(request, app).await?,
            "multipart/form-data" => multipart(request, app).await?,
            _ => return Err(Refusal::MediaType { expected: "application/x-www-form-urlencoded" }),
        };
        let given = form.text(TOKEN).as_bytes();
        // Compared in constant time: a token must not be guessable character by character.
        let known = expected.iter().any(|token| !token.is_empty() && token.as_bytes().ct_eq(given).into());
        if known { Ok(form) } else { Err(Refusal::StaleForm) }
    }
}

async fn encoded(request: Request, app: &App) -> Result<Form, Refusal> {
    let body = axum::body::Bytes::from_request(request, app).await;
    let body = body.map_err(|rejection| incomplete(rejection.status()))?;
    let fields: Vec<_> = url::form_urlencoded::parse(&body)
        .take(MOST + 1)
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    if fields.len() > MOST {
        return Err(incomplete(StatusCode::BAD_REQUEST));
    }
    Ok(Form { fields, file: None })
}

async fn multipart(request: Request, app: &App) -> Result<Form, Refusal> {
    let unreadable = |_| incomplete(StatusCode::BAD_REQUEST);
    let mut multipart = Multipart::from_request(request, app).await.map_err(unreadable)?;
    let mut form = Form { fields: Vec::new(), file: None };
    let failed = |error: axum::extract::multipart::MultipartError| incomplete(error.status());
    while let Some(field) = multipart.next_field().await.map_err(failed)? {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            form.file = Some(field.bytes().await.map_err(failed)?.to_vec());
        } else {
            form.fields.push((name, field.text().await.map_err(failed)?));
        }
        if form.fields.len() > MOST {
            return Err(incomplete(StatusCode::BAD_REQUEST));
        }
    }
    Ok(form)
}

fn incomplete(status: StatusCode) -> Refusal {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::Status(StatusCode::PAYLOAD_TOO_LARGE),
        _ => Refusal::Unreadable("The form did not arrive completely.".to_owned()),
    }
}

impl Visit {
    /// Tokens that a form may bring back: the session's; the visitor's where nobody is signed in, and for the pages on
    /// which somebody comes in, which may be open in a second tab.
    fn tokens(&self, parts: &Parts) -> Vec<String> {
        let comes_in = parts.uri.path() == "/sign-in" || parts.uri.path().starts_with("/link/");
        match &self.who {
            Who::Session(signed) if !comes_in => vec![signed.session.csrf.clone()],
            Who::Session(signed) => {
                let visitor = crate::cookies::get(parts, crate::cookies::Name::Visitor);
                [Some(signed.session.csrf.clone()), visitor].into_iter().flatten().collect()
            }
            // A token that this very request brings as new was in no form yet.
            Who::Visitor { token, known: true } => vec![token.clone()],
            Who::Visitor { known: false, .. } => Vec::new(),
        }
    }
}
