//! The service's side of the job queue: asking for work, and for its end.

use store::Writing;
use uuid::Uuid;

use crate::error::Result;
use crate::service::Service;

/// What people want of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To work.
    Run,
    /// To wait.
    Pause,
    /// To end.
    Cancel,
}

impl Wish {
    /// For the audit log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Wish::Run => "resume",
            Wish::Pause => "pause",
            Wish::Cancel => "cancel",
        }
    }
}

/// Who carries a wish out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obeyed {
    /// The database, at once: nobody works on it.
    AtOnce,
    /// Its worker, within seconds.
    ByItsWorker,
}

impl Service {
    pub(crate) async fn enqueue_check(
        &self,
        _writing: &Writing<'_>,
        _customer: Uuid,
        _entry: Uuid,
        _server: &str,
    ) -> Result<i64> {
        Ok(0)
    }

    pub(crate) async fn enqueue_import(
        &self,
        _writing: &Writing<'_>,
        _customer: Uuid,
        _import: Uuid,
        _server: &str,
        _mailbox: &str,
    ) -> Result<i64> {
        Ok(0)
    }

    pub(crate) async fn wish(&self, _writing: &Writing<'_>, _job: i64, _wish: Wish) -> Result<Obeyed> {
        Ok(Obeyed::AtOnce)
    }

    pub(crate) async fn abandon(&self, _writing: &Writing<'_>, _job: i64) -> Result<()> {
        Ok(())
    }

    pub(crate) fn wake_workers(&self) {}
}
