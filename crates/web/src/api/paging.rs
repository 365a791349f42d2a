//! Long lists come in pages; `Link` names the others (RFC 8288).

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use service::Page;
use utoipa::IntoParams;

/// Items of a page, unless asked otherwise.
const USUAL: u64 = 100;
/// Items of a page at most.
pub(super) const MOST: u64 = 1000;
/// Pages at most: more than any list here can have.
pub(super) const PAGES: u64 = 1_000_000;

/// Which page of a list.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Items of a page: 1 to 1000.
    #[serde(default, deserialize_with = "within::<1, MOST, _>")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(super) limit: Option<u64>,
    /// Number of the page, from 1.
    #[serde(default, deserialize_with = "within::<1, PAGES, _>")]
    #[param(minimum = 1, maximum = 1000000, default = 1)]
    pub(super) page: Option<u64>,
}

/// A number that is refused when it is outside what the description says: a page of another size than was asked for would
/// surprise.
pub(super) fn within<'de, const LEAST: u64, const MOST: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let number = u64::deserialize(deserializer)?;
    let fits = (LEAST..=MOST).contains(&number);
    fits.then_some(Some(number)).ok_or_else(|| D::Error::custom("outside its bounds"))
}

impl Paging {
    fn limit(self) -> u64 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }

    fn number(self) -> u64 {
        self.page.unwrap_or(1).clamp(1, PAGES)
    }

    /// One more than is shown, to see whether there is a next page.
    pub(super) fn ask(self) -> Page {
        Page { offset: (self.number() - 1) * self.limit(), limit: self.limit() + 1 }
    }

    /// The answer with these items, of the list at `path`.
    pub(super) fn answer<T: Serialize>(self, path: &str, mut items: Vec<T>) -> Response {
        let more = items.len() as u64 > self.limit();
        items.truncate(usize::try_from(self.limit()).unwrap_or(usize::MAX));
        let link = |number: u64, rel: &str| {
            let separator = if path.contains('?') { '&' } else { '?' };
            format!("<{path}{separator}limit={}&page={number}>; rel=\"{rel}\"", self.limit())
        };
        let mut links = vec![link(1, "first")];
        if self.number() > 1 {
            links.push(link(self.number() - 1, "prev"));
        }
        if more {
            links.push(link(self.number() + 1, "next"));
        }
        let mut response = Json(items).into_response();
        if let Ok(value) = HeaderValue::try_from(links.join(", ")) {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_the_neighbours_that_exist() {
        let cases = [
            (
                None,
                None,
                101,
                100,
                r#"</a?limit=100&page=1>; rel="first", </a?limit=100&page=2>; rel="next""#,
            ),
            (Some(2), Some(2), 2, 2, r#"</a?limit=2&page=1>; rel="first", </a?limit=2&page=1>; rel="prev""#),
            (Some(0), Some(0), 1, 1, r#"</a?limit=1&page=1>; rel="first""#),
        ];
        for (limit, page, found, shown, expected) in cases {
            let paging = Paging { limit, page };
            assert_eq!(paging.ask().limit, paging.limit() + 1);
            let mut items = vec![0; found];
            let response = paging.answer("/a", items.clone());
            assert_eq!(response.headers()[header::LINK], expected);
            items.truncate(shown);
        }
    }
}
