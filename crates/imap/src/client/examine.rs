//! EXAMINE (RFC 9051, section 6.3.3), with CONDSTORE and QRESYNC (RFC 7162), and SELECT (section 6.3.2).
//!
//! Whoever only reads examines: SELECT clears `\Recent`.

use super::Connection;
use crate::error::Error;
use crate::protocol::{
    Command, Fetched, Flag, ModSeq, Response, ResponseCode, StatusText, UidSet, UidValidity, WireName,
};

/// How a folder is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExamineMode {
    /// As ever.
    #[default]
    Plain,
    /// With modification sequences, where the server has them; plain where it has not.
    CondStore,
    /// With what changed since then. ENABLE QRESYNC is sent first if it was not yet.
    QResync {
        /// The UIDVALIDITY known.
        uid_validity: UidValidity,
        /// The modification sequence known; at least 1.
        mod_seq: ModSeq,
        /// The UIDs known; `None` for all.
        known: Option<UidSet>,
    },
}

/// An open folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// The next UID.
    pub uid_next: Option<u32>,
    /// Messages in it.
    pub exists: u32,
    /// The highest modification sequence.
    pub highest_mod_seq: Option<ModSeq>,
    /// Flags in use.
    pub flags: Vec<Flag>,
    /// Flags that can be stored.
    pub permanent_flags: Vec<Flag>,
    /// QRESYNC: known messages that are gone.
    pub vanished: UidSet,
    /// QRESYNC: messages whose flags changed.
    pub changed: Vec<Fetched>,
}

impl Connection {
    /// Opens a folder read-only.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for [`ExamineMode::QResync`] where the server has it not.
    pub async fn examine(&mut self, name: &WireName, mode: ExamineMode) -> Result<Examined, Error> {
        let mut command = Command::new("EXAMINE").string(name.as_bytes(), "the folder's name")?;
        match mode {
            ExamineMode::Plain => {}
            ExamineMode::CondStore => {
                if self.offers("CONDSTORE") || self.offers("QRESYNC") {
                    command = command.text("(CONDSTORE)");
                }
            }
            ExamineMode::QResync { uid_validity, mod_seq, known } => {
                self.ensure_qresync().await?;
                let known = known.filter(|known| !known.is_empty());
                let known = known.map(|known| format!(" {known}")).unwrap_or_default();
                command = command.text(&format!("(QRESYNC ({uid_validity} {mod_seq}{known}))"));
                command = command.expecting(self.options.limits.changed);
            }
        }
        self.open_folder(command).await
    }

    /// Opens a folder for writing: [`Examined::permanent_flags`] are what can be stored in it.
    pub async fn select(&mut self, name: &WireName) -> Result<Examined, Error> {
        self.open_folder(Command::new("SELECT").string(name.as_bytes(), "the folder's name")?).await
    }

    async fn open_folder(&mut self, command: Command) -> Result<Examined, Error> {
        self.exists = None;
        let writes = command.name() == "SELECT";
        let limit = self.options.limits.changed;
        let mut examined = Examined::default();
        let done = self.execute(command, |response| examined.take(response, limit)).await?;
        examined.take_code(&done);
        self.open_for_writing = writes;
        Ok(examined)
    }

    async fn ensure_qresync(&mut self) -> Result<(), Error> {
        if !self.offers("QRESYNC") {
            return Err(Error::Unsupported { extension: "QRESYNC" });
        }
        if !self.has_enabled("QRESYNC") {
            self.enable(&["QRESYNC"]).await?;
        }
        if self.has_enabled("QRESYNC") { Ok(()) } else { Err(Error::Unsupported { extension: "QRESYNC" }) }
    }
}

impl Examined {
    fn take(&mut self, response: Response, limit: usize) -> Result<(), Error> {
        match response {
            Response::Exists(count) => self.exists = count,
            Response::Flags(flags) => self.flags = flags,
            Response::Status(status) => self.take_code(&status),
            Response::Vanished(uids) => self.vanished = self.vanished.union(&uids),
            Response::Fetch(fetched) => {
                if self.changed.len() >= limit {
                    return Err(Error::LimitExceeded { what: "changed messages", limit: limit as u64 });
                }
                self.changed.push(fetched);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_code(&mut self, status: &StatusText) {
        match &status.code {
            Some(ResponseCode::UidValidity(validity)) => self.uid_validity = Some(*validity),
            Some(ResponseCode::UidNext(next)) => self.uid_next = Some(*next),
            Some(ResponseCode::HighestModSeq(mod_seq)) => self.highest_mod_seq = Some(*mod_seq),
            Some(ResponseCode::NoModSeq) => self.highest_mod_seq = None,
            Some(ResponseCode::PermanentFlags(flags)) => self.permanent_flags = flags.clone(),
            // What came before belongs to the folder that was open until now (RFC 7162, section 3.2.11).
            Some(ResponseCode::Closed) => *self = Examined::default(),
            _ => {}
        }
    }
}
