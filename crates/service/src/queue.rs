//! The service's side of the job queue: asking for work, saying what people want of it, and writing while doing it.

use engine::ledger::LedgerError;
use store::Writing;
use store::jobs::{self, FencedLedger, Job, JobId, Kind, NewJob, State, Want};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::Result;
use crate::service::Service;
use crate::work::Control;

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

/// A job that this process works on.
pub(crate) struct Duty {
    control: Control,
}

impl Duty {
    pub(crate) fn new(control: Control) -> Duty {
        Duty { control }
    }

    pub(crate) fn job(&self) -> &Job {
        &self.control.lease().job
    }

    /// The entry, import or notice.
    pub(crate) fn subject(&self) -> Uuid {
        self.job().subject
    }

    /// The job's number, as rows name it.
    pub(crate) fn number(&self) -> i64 {
        self.job().id.0
    }

    /// Ends when somebody wants it to stop, or the lease is lost.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.control.stop().clone()
    }
}

impl Service {
    /// Asks for the check of an entry.
    pub(crate) async fn enqueue_check(
        &self,
        writing: &Writing<'_>,
        customer: Uuid,
        entry: Uuid,
        server: &str,
    ) -> Result<i64> {
        self.enqueue(writing, Kind::Check, customer, entry, server, None).await
    }

    /// Asks for an import; those into one mailbox come one after the other.
    pub(crate) async fn enqueue_import(
        &self,
        writing: &Writing<'_>,
        customer: Uuid,
        import: Uuid,
        server: &str,
        mailbox: &str,
    ) -> Result<i64> {
        self.enqueue(writing, Kind::Import, customer, import, server, Some(mailbox.to_lowercase())).await
    }

    /// Asks for a notice to be brought to its customer.
    pub(crate) async fn enqueue_tell(
        &self,
        writing: &Writing<'_>,
        customer: Uuid,
        notice: Uuid,
    ) -> Result<i64> {
        self.enqueue(writing, Kind::Tell, customer, notice, "", None).await
    }

    async fn enqueue(
        &self,
        writing: &Writing<'_>,
        kind: Kind,
        customer: Uuid,
        subject: Uuid,
        server: &str,
        exclusive: Option<String>,
    ) -> Result<i64> {
        let new = NewJob {
            kind,
            queue: self.inner.host.name().to_owned(),
            subject,
            customer,
            server: Some(server.to_lowercase()).filter(|server| !server.is_empty()),
            exclusive,
            priority: 0,
            run_at: None,
        };
        Ok(jobs::enqueue(writing, new).await?.0)
    }

    /// Says what people want of a job.
    pub(crate) async fn wish(&self, writing: &Writing<'_>, job: i64, wish: Wish) -> Result<Obeyed> {
        let want = match wish {
            Wish::Run => Want::Run,
            Wish::Pause => Want::Pause,
            Wish::Cancel => Want::Cancel,
        };
        match jobs::set_want(writing, JobId(job), want).await? {
            Some(State::Running) => Ok(Obeyed::ByItsWorker),
            _ => Ok(Obeyed::AtOnce),
        }
    }

    /// Ends a job whose subject changed: what it would find means nothing any more.
    pub(crate) async fn abandon(&self, writing: &Writing<'_>, job: i64) -> Result<()> {
        self.wish(writing, job, Wish::Cancel).await.map(drop)
    }

    /// A transaction that writes only while the job is still ours.
    pub(crate) async fn writing_for(&self, duty: &Duty) -> Result<Writing<'_>, LedgerError> {
        self.inner.store.writing_fenced(duty.control.lease()).await
    }

    /// The ledger under the job's fence.
    pub(crate) fn ledger_for<'a>(&'a self, duty: &'a Duty) -> FencedLedger<'a> {
        FencedLedger::new(&self.inner.store, duty.control.lease())
    }
}
