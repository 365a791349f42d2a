//! CAPABILITY (RFC 9051, section 6.1.1).

use super::Connection;
use crate::error::Error;
use crate::protocol::{Capabilities, Command};

impl Connection {
    /// Forgets what is known and asks anew.
    pub(super) async fn refresh_capabilities(&mut self) -> Result<(), Error> {
        self.capabilities = Capabilities::default();
        self.execute(Command::new("CAPABILITY"), |_| Ok(())).await?;
        Ok(())
    }

    /// Asks unless the server has told by itself.
    pub(super) async fn ensure_capabilities(&mut self) -> Result<(), Error> {
        if self.capabilities.is_empty() { self.refresh_capabilities().await } else { Ok(()) }
    }
}
