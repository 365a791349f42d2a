//! CREATE with what the folder is for (RFC 9051, section 6.3.4; RFC 6154, section 3) and SUBSCRIBE (section 6.3.7).

use super::Connection;
use crate::error::Error;
use crate::protocol::{Attribute, Command, WireName};

impl Connection {
    /// Makes a folder. `purpose` is told where the server takes it (CREATE-SPECIAL-USE).
    ///
    /// # Errors
    /// [`Error::Refused`], with [`AlreadyExists`](crate::ResponseCode::AlreadyExists) from servers that say so.
    pub async fn create(&mut self, name: &WireName, purpose: Option<&Attribute>) -> Result<(), Error> {
        let mut command = Command::new("CREATE").string(name.as_bytes(), "the folder's name")?;
        let purpose = purpose.and_then(special_use).filter(|_| self.offers("CREATE-SPECIAL-USE"));
        if let Some(purpose) = purpose {
            command = command.text(&format!("(USE ({purpose}))"));
        }
        self.execute(command, |_| Ok(())).await?;
        Ok(())
    }

    /// Subscribes to a folder.
    pub async fn subscribe(&mut self, name: &WireName) -> Result<(), Error> {
        let command = Command::new("SUBSCRIBE").string(name.as_bytes(), "the folder's name")?;
        self.execute(command, |_| Ok(())).await?;
        Ok(())
    }
}

fn special_use(attribute: &Attribute) -> Option<&'static str> {
    Some(match attribute {
        Attribute::All => "\\All",
        Attribute::Archive => "\\Archive",
        Attribute::Drafts => "\\Drafts",
        Attribute::Flagged => "\\Flagged",
        Attribute::Junk => "\\Junk",
        Attribute::Sent => "\\Sent",
        Attribute::Trash => "\\Trash",
        _ => return None,
    })
}
