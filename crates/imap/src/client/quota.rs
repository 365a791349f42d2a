//! GETQUOTAROOT (RFC 9208).

use super::Connection;
use crate::error::Error;
use crate::protocol::{Command, Quota, Response, WireName};

/// Quota roots of one folder; real servers have one or two.
const ROOTS: usize = 100;

impl Connection {
    /// The limits that a folder is under; none where the server has none.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where QUOTA is not offered.
    pub async fn quota_root(&mut self, name: &WireName) -> Result<Vec<Quota>, Error> {
        if !self.offers("QUOTA") {
            return Err(Error::Unsupported { extension: "QUOTA" });
        }
        let mut quotas = Vec::new();
        let command = Command::new("GETQUOTAROOT").string(name.as_bytes(), "the folder's name")?;
        self.execute(command, |response| {
            if let Response::Quota(quota) = response {
                quotas.push(quota);
            }
            if quotas.len() > ROOTS {
                return Err(Error::LimitExceeded { what: "quota roots", limit: ROOTS as u64 });
            }
            Ok(())
        })
        .await?;
        Ok(quotas)
    }
}
