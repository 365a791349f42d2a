//! LOGOUT (RFC 9051, section 6.1.3).

use std::time::Duration;

use super::Connection;
use crate::error::Error;
use crate::protocol::Command;

/// How long a goodbye may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Connection {
    /// Says goodbye and closes, within 5 seconds. Its errors may be ignored: everything is read already.
    pub async fn logout(mut self) -> Result<(), Error> {
        let goodbye = self.execute(Command::new("LOGOUT"), |_| Ok(()));
        match tokio::time::timeout(PATIENCE, goodbye).await {
            // The goodbye is the answer here.
            Ok(Err(Error::Bye { .. })) | Err(_) => Ok(()),
            Ok(result) => result.map(|_| ()),
        }
    }
}
