//! The choices in every page's footer: language and look, for this browser, and for the account of who is signed in.

use axum::extract::State;
use axum::response::Response;
use service::model::{Language, Theme};

use super::own_path;
use crate::cookies::{self, Keep, Name};
use crate::forms::Form;
use crate::refusal::Refusal;
use crate::session::{Visit, Who};
use crate::state::App;

/// `POST /preferences`.
pub(super) async fn choose(State(app): State<App>, visit: Visit, form: Form) -> Result<Response, Refusal> {
    let (language, theme) = (language(form.text("language")), theme(form.text("theme")));
    if let Who::Session(signed) = &visit.who {
        let customer = &signed.session.customer;
        let (language, theme) = (language.or(customer.language), theme.unwrap_or(customer.theme));
        let email = customer.email.as_deref();
        app.service().set_preferences(&signed.session.actor, language, theme, email).await?;
    }
    let mut response = visit.go(own_path(form.text("next")));
    if language.is_some() {
        cookies::set(response.headers_mut(), visit.client, Name::Language, form.text("language"), Keep::Year);
    }
    if theme.is_some() {
        cookies::set(response.headers_mut(), visit.client, Name::Theme, form.text("theme"), Keep::Year);
    }
    Ok(response)
}

/// A language by its code.
pub(super) fn language(code: &str) -> Option<Language> {
    match code {
        "en" => Some(Language::English),
        "de" => Some(Language::German),
        _ => None,
    }
}

/// A look by its name.
pub(super) fn theme(name: &str) -> Option<Theme> {
    match name {
        "system" => Some(Theme::System),
        "light" => Some(Theme::Light),
        "dark" => Some(Theme::Dark),
        _ => None,
    }
}
