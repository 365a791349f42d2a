//! STARTTLS (RFC 9051, sections 6.2.1 and 11.1).
//!
//! Nothing that was said before the handshake counts after it.

use super::Connection;
use super::options::Endpoint;
use super::tls::Tls;
use super::transport::Transport;
use crate::error::Error;
use crate::protocol::{Capabilities, Command, Decoder};

impl Connection {
    /// Encrypts the connection or fails.
    pub(super) async fn start_tls(&mut self, endpoint: &Endpoint, tls: &Tls) -> Result<(), Error> {
        if self.authenticated {
            // The server could only mean to keep us from encrypting.
            return Err(Error::PreAuthBeforeTls);
        }
        if !self.capabilities.has("STARTTLS") {
            self.refresh_capabilities().await?;
        }
        if !self.capabilities.has("STARTTLS") {
            return Err(Error::StartTlsMissing);
        }
        match self.execute(Command::new("STARTTLS"), |_| Ok(())).await {
            Err(Error::Refused { .. }) => return Err(Error::StartTlsMissing),
            result => result?,
        };
        if !self.waiting.is_empty() || self.decoder.is_mid_response() {
            self.lost = true;
            return Err(Error::StartTlsInjection);
        }
        self.begin()?;
        let result = self.shake_hands(endpoint, tls).await;
        self.end(result)?;
        self.refresh_capabilities().await
    }

    async fn shake_hands(&mut self, endpoint: &Endpoint, tls: &Tls) -> Result<(), Error> {
        let transport = self.transport.take().ok_or(Error::Closed)?;
        let plain = transport.into_stream().await?;
        let encrypted = tls.connect(&endpoint.host, plain, self.options.timeouts.tls).await?;
        self.transport = Some(Transport::new(encrypted, self.options.limits.compression_ratio));
        self.decoder = Decoder::new(self.options.limits.clone());
        self.capabilities = Capabilities::default();
        Ok(())
    }
}
