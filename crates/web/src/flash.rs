//! The message of the last action, on its way to the next page: in a cookie, for a minute, read once.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::cookies::{self, Keep, Name};
use crate::pages::Flash;
use crate::security::client::Client;

/// What the last action did, if this browser was told to say so.
pub(crate) fn read(parts: &Parts) -> Option<Flash> {
    let value = cookies::get(parts, Name::Flash)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(value).ok()?).ok()
}

/// Tells it to the next page.
pub(crate) fn write(headers: &mut HeaderMap, client: Client, flash: Flash) {
    let encoded = encoded(&flash);
    let short = match flash {
        // What concerns the whole file may be long; the rows say the rest.
        Flash::CsvAdded { added, with_problems, duplicates, .. } if encoded.len() > cookies::LONGEST => {
            self::encoded(&Flash::CsvAdded { added, with_problems, duplicates, notes: Vec::new() })
        }
        _ => encoded,
    };
    cookies::set(headers, client, Name::Flash, &short, Keep::Minute);
}

fn encoded(flash: &Flash) -> String {
    // Texts and numbers: nothing that JSON could not say.
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(flash).unwrap_or_default())
}
