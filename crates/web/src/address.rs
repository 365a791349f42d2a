//! The address at which people see us, for links that somebody takes along.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::refusal::Refusal;
use crate::security::client::{Client, host};
use crate::state::App;

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// The whole address of a path.
    pub(crate) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromRequestParts<App> for Address {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Address, Refusal> {
        if let Some(url) = &app.settings().public_url {
            return Ok(Address(url.as_str().trim_end_matches('/').to_owned()));
        }
        let unreadable = || Refusal::Unreadable("The request names no host.".to_owned());
        let host = host(parts).ok_or_else(unreadable)?;
        Ok(Address(format!("{}://{host}", Client::of(parts).scheme())))
    }
}
