//! Connections to the new server: few, kept, replaced when they break.
//!
//! Whoever works takes one and gives it back by dropping it. What breaks is tried again with growing pauses by whoever
//! asked, as long as the patience lasts; a message is never sent again from here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use imap::{Connection, Examined, WireName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure;
use crate::destination::Failure;
use crate::line::{Line, Session};

/// All connections of an import to its new server.
pub(super) struct Lanes {
    line: Line,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Open>>,
}

/// A connection, and the folder it has open for writing.
struct Open {
    session: Session,
    folder: Option<WireName>,
}

impl Lanes {
    pub(super) fn new(line: Line, connections: usize) -> Lanes {
        let permits = Arc::new(Semaphore::new(connections.max(1)));
        Lanes { line, permits, idle: Mutex::default() }
    }

    /// A connection, best one that has the folder open.
    pub(super) async fn take(self: &Arc<Self>, folder: Option<&WireName>) -> Result<Lane, Failure> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let open = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let at =
                idle.iter().position(|open| open.folder.as_ref() == folder).or(idle.len().checked_sub(1));
            at.map(|at| idle.swap_remove(at))
        };
        let open = match open {
            Some(open) => open,
            None => self.connect().await?,
        };
        Ok(Lane { lanes: Arc::clone(self), open: Some(open), _permit: permit })
    }

    async fn connect(&self) -> Result<Open, Failure> {
        let session = self.line.connect().await.map_err(failure::of)?;
        Ok(Open { session, folder: None })
    }

    /// Says goodbye on all connections that nobody uses.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for open in idle {
            if let Err(error) = open.session.connection.logout().await {
                tracing::debug!(%error, "logout");
            }
        }
    }
}

/// A connection in somebody's hands.
pub(super) struct Lane {
    lanes: Arc<Lanes>,
    open: Option<Open>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Lane {
    /// The connection; a broken one is replaced first.
    pub(super) async fn connection(&mut self) -> Result<&mut Connection, Failure> {
        if self.open.as_ref().is_none_or(|open| !open.session.connection.is_usable()) {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(self.lanes.connect().await?);
        }
        match &mut self.open {
            Some(open) => Ok(&mut open.session.connection),
            None => Err(failure::internal("no connection")),
        }
    }

    /// Opens the folder for writing, and says what the server says of it now.
    pub(super) async fn select(&mut self, name: &WireName) -> Result<Examined, Failure> {
        loop {
            let selected = self.connection().await?.select(name).await;
            match selected {
                Ok(examined) => {
                    self.went_well();
                    if let Some(open) = &mut self.open {
                        open.folder = Some(name.clone());
                    }
                    return Ok(examined);
                }
                Err(error) => self.recover(error).await?,
            }
        }
    }

    /// Something was achieved.
    pub(super) fn went_well(&self) {
        self.lanes.line.went_well();
    }

    /// Waits so long, unless the import is to stop.
    pub(super) async fn pause(&mut self, pause: Duration) -> Result<(), Failure> {
        self.lanes.line.unless_cancelled(tokio::time::sleep(pause)).await.map_err(failure::of)
    }

    /// Sees whether what failed can be tried again; if so the pause for that is over.
    pub(super) async fn recover(&mut self, error: imap::Error) -> Result<(), Failure> {
        if let Some(open) = &mut self.open {
            open.folder = None;
        }
        if error.is_connection_lost() {
            self.open = None;
        }
        self.lanes.line.failed(error).map_err(failure::of)?;
        self.lanes.line.wait().await.map_err(failure::of)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(open) = self.open.take().filter(|open| open.session.connection.is_usable()) {
            self.lanes.idle.lock().unwrap_or_else(PoisonError::into_inner).push(open);
        }
    }
}
