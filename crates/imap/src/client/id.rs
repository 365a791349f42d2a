//! ID (RFC 2971). Some providers refuse to open a folder before it was sent.

use super::Connection;
use crate::error::Error;
use crate::protocol::{Command, Response};

impl Connection {
    /// Tells the server who we are and returns what it says of itself; `None` where ID is not
    /// offered. Call it after logging in; it is sent whenever it is offered.
    pub async fn id(&mut self) -> Result<Option<Vec<(String, String)>>, Error> {
        if !self.offers("ID") {
            return Ok(None);
        }
        let quote = |text: &str| {
            let safe: String =
                text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect();
            format!("\"{safe}\"")
        };
        let fields: Vec<String> = self
            .options
            .client_id
            .iter()
            .map(|(name, value)| format!("{} {}", quote(name), quote(value)))
            .collect();
        let list = if fields.is_empty() { "NIL".to_owned() } else { format!("({})", fields.join(" ")) };
        let mut answer = Vec::new();
        self.execute(Command::new("ID").text(&list), |response| {
            if let Response::Id(fields) = response {
                answer = fields;
            }
            Ok(())
        })
        .await?;
        Ok(Some(answer))
    }
}
