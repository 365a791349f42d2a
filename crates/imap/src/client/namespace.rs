//! NAMESPACE (RFC 2342).

use super::Connection;
use crate::error::{Error, FramingFault};
use crate::protocol::{Command, Namespaces, Response};

impl Connection {
    /// Where the account's folders live.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where it is not offered.
    pub async fn namespace(&mut self) -> Result<Namespaces, Error> {
        if !self.offers("NAMESPACE") {
            return Err(Error::Unsupported { extension: "NAMESPACE" });
        }
        let mut answer = None;
        self.execute(Command::new("NAMESPACE"), |response| {
            if let Response::Namespace(namespaces) = response {
                answer = Some(namespaces);
            }
            Ok(())
        })
        .await?;
        answer.ok_or(Error::Framing { command: "NAMESPACE", fault: FramingFault::AnswerMissing })
    }
}
