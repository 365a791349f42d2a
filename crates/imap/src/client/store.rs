//! UID STORE (RFC 9051, section 6.4.6): flags of messages in the folder that is open for writing.
//!
//! Flags are only ever added or removed, never replaced: what others have set stays.

use super::Connection;
use crate::error::Error;
use crate::protocol::{Command, Flag, UidSet};

/// What is done with the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreAction {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// Octets of UIDs in one command.
const LINE: usize = 6_000;

impl Connection {
    /// Adds flags to messages, or removes them. Flags that no server takes ([`Flag::is_storable`]) are left out.
    pub async fn store_flags(
        &mut self,
        uids: &UidSet,
        action: StoreAction,
        flags: &[Flag],
    ) -> Result<(), Error> {
        let flags: Vec<String> =
            flags.iter().filter(|flag| flag.is_storable()).map(Flag::to_string).collect();
        if flags.is_empty() {
            return Ok(());
        }
        let sign = match action {
            StoreAction::Add => '+',
            StoreAction::Remove => '-',
        };
        for piece in uids.wire_pieces(LINE) {
            let text = format!("{piece} {sign}FLAGS.SILENT ({})", flags.join(" "));
            // A server may tell each message's new flags all the same.
            let told = usize::try_from(piece.len()).unwrap_or(usize::MAX);
            self.execute(Command::new("UID STORE").text(&text).expecting(told), |_| Ok(())).await?;
        }
        Ok(())
    }
}
