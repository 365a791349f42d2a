//! What a call brings along: JSON, a file, a query, ids in its address. What cannot be read is refused without repeating
//! any of it: it may be a secret.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use service::model::Problem;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::refusal::Refusal;

/// JSON.
pub(super) struct Body<T>(pub(super) T);

/// A CSV file as it is.
pub(super) struct CsvFile(pub(super) Bytes);

/// A query.
pub(super) struct Asked<T>(pub(super) T);

/// Ids in the address; what is no id belongs to nothing.
pub(super) struct At<T>(pub(super) T);

/// A secret that comes in. It has no way out.
#[derive(Debug, Clone)]
pub(super) struct SecretText(pub(super) SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretText, D::Error> {
        String::deserialize(deserializer).map(|text| SecretText(SecretString::from(text)))
    }
}

impl PartialSchema for SecretText {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .write_only(true);
        schema.build().into()
    }
}

impl ToSchema for SecretText {}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Refusal> {
        // A form of somebody else's page cannot send this type.
        if media_type(request.headers()) != Some("application/json") {
            return Err(Refusal::MediaType { expected: "application/json" });
        }
        let octets = octets(request, state).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&octets);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| unfit(&error))?;
        deserializer
            .end()
            .map_err(|_| Refusal::Unreadable("There is more than one JSON value.".to_owned()))?;
        Ok(Body(value))
    }
}

/// What serde says may repeat the value; only the place and the kind of the fault are told.
fn unfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let inner = error.inner();
    if !inner.is_data() {
        let (line, column) = (inner.line(), inner.column());
        return Refusal::Unreadable(format!("This is not JSON (line {line}, column {column})."));
    }
    let said = inner.to_string();
    let path = match error.path().to_string() {
        // The name of a field that nobody knows is the request's. A mistyped one helps; a password may have got there.
        path if said.starts_with("unknown field") && !is_name(&path) => String::new(),
        path if path == "." => String::new(),
        path => path,
    };
    // The name of a field that is missing is one of ours, not the request's.
    let missing = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let problem = match missing {
        Some(name) => {
            let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            Problem::new(&field, "value_missing", "This value is missing.")
        }
        None => {
            let message = "This value is of another type than it should be, or its name is not known here.";
            Problem::new(&path, "value_unusable", message)
        }
    };
    Refusal::WrongFields(vec![problem])
}

/// Whether this looks like a field's name.
fn is_name(text: &str) -> bool {
    text.len() <= 32 && text.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_')
}

impl<S: Send + Sync> FromRequest<S> for CsvFile {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<CsvFile, Refusal> {
        if media_type(request.headers()) != Some("text/csv") {
            return Err(Refusal::MediaType { expected: "text/csv" });
        }
        octets(request, state).await.map(CsvFile)
    }
}

async fn octets<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refusal> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::Status(StatusCode::PAYLOAD_TOO_LARGE),
        _ => Refusal::Unreadable("The body did not arrive completely.".to_owned()),
    })
}

/// The media type without its parameters.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked<T>, Refusal> {
        let unfit = |_| Refusal::Unreadable("The query (behind the ?) cannot be used.".to_owned());
        Query::from_request_parts(parts, state).await.map(|Query(value)| Asked(value)).map_err(unfit)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<At<T>, Refusal> {
        let nothing = |_| Refusal::Service(service::Error::NotFound);
        Path::from_request_parts(parts, state).await.map(|Path(value)| At(value)).map_err(nothing)
    }
}
