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

    /// Leaves the open folder: UNSELECT where offered, else CLOSE, which expunges nothing of a folder that is open
    /// read-only (RFC 9051, section 6.4.1).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a folder that is open for writing where UNSELECT is not offered.
    pub async fn unselect(&mut self) -> Result<(), Error> {
        let name = match self.offers("UNSELECT") {
            true => "UNSELECT",
            false if self.open_for_writing => return Err(Error::Unsupported { extension: "UNSELECT" }),
            false => "CLOSE",
        };
        self.execute(Command::new(name), |_| Ok(())).await?;
        self.exists = None;
        Ok(())
    }
}
