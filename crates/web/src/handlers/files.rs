//! Style sheet, script and pictures; the API's documentation.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::page;
use crate::assets;
use crate::pages::api::ApiDocs;
use crate::refusal::Refusal;
use crate::session::Visit;

/// A name holds a digest of the content, so that it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// `/assets/{name}`.
pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Refusal> {
    let asset = assets::find(&name).ok_or(Refusal::Status(StatusCode::NOT_FOUND))?;
    let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, FOR_EVER)];
    Ok((headers, asset.content).into_response())
}

/// `/favicon.ico`, for what looks nowhere else.
pub(super) async fn favicon() -> Redirect {
    Redirect::temporary(assets::url("favicon.svg"))
}

/// `/api`: for everybody, as the description is.
pub(super) fn api(visit: &Visit, description: &Value) -> Result<Response, Refusal> {
    page(&ApiDocs::new(visit.frame(), description))
}
