//! NOOP, UNSELECT and CLOSE (RFC 9051, sections 6.1.2, 6.4.1, 6.4.2).

use super::Connection;
use crate::error::Error;
use crate::protocol::Command;

impl Connection {
    /// Asks for a sign of life; the server may use it to tell news, which the connection notes.
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.execute(Command::new("NOOP"), |_| Ok(())).await?;
        Ok(())
    }

    /// Leaves the open folder: UNSELECT where offered, else CLOSE, which expunges nothing because
    /// folders are opened read-only here (RFC 9051, section 6.4.1).
    pub async fn unselect(&mut self) -> Result<(), Error> {
        let name = if self.offers("UNSELECT") { "UNSELECT" } else { "CLOSE" };
        self.execute(Command::new(name), |_| Ok(())).await?;
        self.exists = None;
        Ok(())
    }
}
