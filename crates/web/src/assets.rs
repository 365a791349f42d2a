//! Files that pages refer to. They are part of the binary; their names hold a digest of their content, so that a browser
//! may keep them for ever.

use std::hash::{DefaultHasher, Hasher};
use std::sync::LazyLock;

/// A file.
#[derive(Debug)]
pub struct Asset {
    /// Its name with the digest, as in `app.0f3a….css`; below `/assets/`.
    pub name: String,
    /// Its type.
    pub content_type: &'static str,
    /// What it holds.
    pub content: &'static [u8],
    plain: &'static str,
    url: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset("app.css", "text/css; charset=utf-8", include_bytes!("../assets/app.css")),
        asset("app.js", "text/javascript; charset=utf-8", include_bytes!("../assets/app.js")),
        asset("favicon.svg", "image/svg+xml", include_bytes!("../assets/favicon.svg")),
        asset("example.csv", "text/csv; charset=utf-8", include_bytes!("../assets/example.csv")),
        asset("beispiel.csv", "text/csv; charset=utf-8", include_bytes!("../assets/beispiel.csv")),
    ]
});

/// The file of this name, digest and all.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// All files.
pub fn all() -> &'static [Asset] {
    &ASSETS
}

/// The address of a file.
pub(crate) fn url(plain: &str) -> &'static str {
    // A name that is not there gives an address that is not there; a test looks at every page's.
    ASSETS.iter().find(|asset| asset.plain == plain).map_or("/assets/", |asset| &asset.url)
}

fn asset(plain: &'static str, content_type: &'static str, content: &'static [u8]) -> Asset {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    let digest = hasher.finish();
    let (stem, extension) = plain.split_once('.').unwrap_or((plain, ""));
    let name = format!("{stem}.{digest:016x}.{extension}");
    let url = format!("/assets/{name}");
    Asset { name, content_type, content, plain, url }
}
