//! ENABLE (RFC 5161).

use super::Connection;
use crate::error::Error;
use crate::protocol::{Command, NameEncoding, Response};

impl Connection {
    /// Switches extensions on; returns those the server has switched on. `UTF8=ACCEPT` and
    /// `IMAP4rev2` change how folder names are written ([`Connection::name_encoding`]).
    ///
    /// # Errors
    /// [`Error::Unsupported`] where ENABLE is not offered.
    pub async fn enable(&mut self, extensions: &[&str]) -> Result<Vec<String>, Error> {
        if !self.offers("ENABLE") {
            return Err(Error::Unsupported { extension: "ENABLE" });
        }
        let wellformed = |name: &&str| !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic());
        if extensions.is_empty() || !extensions.iter().all(wellformed) {
            return Err(Error::Unsendable { what: "an extension's name" });
        }
        let mut enabled = Vec::new();
        self.execute(Command::new("ENABLE").text(&extensions.join(" ")), |response| {
            if let Response::Enabled(names) = response {
                enabled.extend(names);
            }
            Ok(())
        })
        .await?;
        for name in &enabled {
            if name.eq_ignore_ascii_case("UTF8=ACCEPT") || name.eq_ignore_ascii_case("IMAP4rev2") {
                self.encoding = NameEncoding::Utf8;
            }
        }
        self.enabled.extend(enabled.iter().cloned());
        Ok(enabled)
    }

    pub(super) fn has_enabled(&self, extension: &str) -> bool {
        self.enabled.iter().any(|name| name.eq_ignore_ascii_case(extension))
    }
}
