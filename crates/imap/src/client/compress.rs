//! COMPRESS=DEFLATE (RFC 4978). Off unless asked for: over TLS it costs more than it saves on a fast line.

use bytes::BytesMut;

use super::Connection;
use crate::error::Error;
use crate::protocol::Command;

impl Connection {
    /// Compresses both directions from here on. Decompressed data beyond
    /// [`Limits::compression_ratio`](crate::Limits::compression_ratio) ends the connection.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where it is not offered.
    pub async fn compress(&mut self) -> Result<(), Error> {
        if !self.offers("COMPRESS=DEFLATE") {
            return Err(Error::Unsupported { extension: "COMPRESS=DEFLATE" });
        }
        self.execute(Command::new("COMPRESS").text("DEFLATE"), |_| Ok(())).await?;
        self.begin()?;
        // What follows the OK is compressed already.
        let leftover = std::mem::replace(&mut self.waiting, BytesMut::new());
        let result = match self.transport.take() {
            Some(transport) => transport.into_deflate(leftover).await,
            None => Err(Error::Closed),
        };
        self.transport = Some(self.end(result)?);
        Ok(())
    }
}
