//! Workers: they take jobs from the database and run them.
//!
//! A worker claims a job only when it has a free place, renews its lease while it runs, tells it when people want it to
//! stop, and puts it down when it ends. Checks, imports and notices have places of their own, so that none waits for
//! another. What the jobs do is a [`Handler`]'s affair. A worker must never go on with a job that may be somebody else's
//! by now, and never let one job's fault harm another.

mod control;
mod hold;
mod lane;
mod upkeep;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::jobs::{Job, JobId, Kind, Outcome};
use store::{Store, Writing};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::control::{Control, Reason};
use crate::error::Result;

/// How much a worker does at once, and how long its leases are.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Checks at once in this process.
    pub checks: usize,
    /// Imports at once in this process.
    pub imports: usize,
    /// Notices at once in this process: few, for nothing else may be kept waiting by them.
    pub notices: usize,
    /// Checks at once that talk to one old server, over all processes.
    pub checks_per_server: Option<u32>,
    /// Checks at once for one customer, over all processes.
    pub checks_per_customer: Option<u32>,
    /// Imports at once that talk to one old server, over all processes.
    pub imports_per_server: Option<u32>,
    /// Imports at once for one customer, over all processes.
    pub imports_per_customer: Option<u32>,
    /// Notices at once for one customer, over all processes: a receiver that is slow delays its own only.
    pub notices_per_customer: Option<u32>,
    /// After this time without a sign of life a job is taken over by somebody else. Renewed every third of it.
    pub lease: Duration,
    /// How often to look for work when nothing tells of any: what was put off becomes due in silence.
    pub poll: Duration,
    /// How long a job that was told to stop may take to put away what it has in hand.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            checks: 8,
            imports: 4,
            notices: 2,
            checks_per_server: Some(2),
            checks_per_customer: None,
            imports_per_server: None,
            imports_per_customer: None,
            notices_per_customer: Some(1),
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(2),
            grace: Duration::from_secs(60),
        }
    }
}

/// By what name a worker holds its jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A name that no other process can have at the same time (somebody holds a lock for it). What a predecessor of this
    /// name left when it was killed is taken up at once.
    Sole(String),
    /// A name of its own for this start.
    Fresh,
}

impl Owner {
    fn name(&self) -> String {
        match self {
            Owner::Sole(name) => name.clone(),
            Owner::Fresh => {
                let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
                format!("{host}-{}-{}", std::process::id(), Uuid::new_v4().simple())
            }
        }
    }
}

/// What is done with a job.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Does the job, writing only what [`Control::lease`] fences, and stops soon after [`Control::stop`] is cancelled.
    async fn run(&self, job: Job, control: Control) -> Outcome;

    /// [`Handler::run`] panicked; says what becomes of the job.
    async fn panicked(&self, job: Job, control: Control, fault: String) -> Outcome {
        let _ = (job, control, fault);
        Outcome::Failed
    }

    /// Called in the transaction that puts down jobs: as [`Handler::run`] said, or otherwise, because people want
    /// something else by now or their worker has vanished. They are as they are from now on; other rows must be made to
    /// agree with them.
    ///
    /// # Errors
    ///
    /// Nothing is put down then; it is tried again.
    async fn follow(&self, writing: &Writing<'_>, jobs: &[Job]) -> Result<()>;
}

/// Takes jobs and runs them, as long as it is not told to stop.
pub struct Worker {
    /// Where the jobs are.
    pub store: Arc<Store>,
    /// Its name.
    pub owner: Owner,
    /// The mail hosts that it can reach.
    pub queues: Vec<String>,
    /// How much it does at once.
    pub limits: Limits,
    /// What it does with a job.
    pub handler: Arc<dyn Handler>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("owner", &self.owner)
            .field("queues", &self.queues)
            .finish_non_exhaustive()
    }
}

/// What all parts of a running worker share.
struct Shop {
    store: Arc<Store>,
    owner: String,
    queues: Vec<String>,
    limits: Limits,
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
    /// Jobs that run here.
    held: Mutex<HashSet<JobId>>,
}

impl Worker {
    /// Starts working. After `shutdown` no job is begun; those that run are told to stop and given back, and then the
    /// task ends.
    pub fn start(self, shutdown: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(self.work(shutdown))
    }

    async fn work(self, shutdown: CancellationToken) {
        let shop = Arc::new(Shop {
            store: self.store,
            owner: self.owner.name(),
            queues: self.queues,
            limits: self.limits,
            handler: self.handler,
            shutdown,
            held: Mutex::default(),
        });
        tracing::info!(owner = shop.owner, queues = ?shop.queues, "worker starts");
        if let Owner::Sole(_) = self.owner {
            shop.take_up().await;
        }
        let background = async {
            tokio::join!(shop.store.listen(), shop.keep_tidy());
        };
        let lanes = async {
            tokio::join!(
                Arc::clone(&shop).lane(Kind::Check),
                Arc::clone(&shop).lane(Kind::Import),
                Arc::clone(&shop).lane(Kind::Tell),
            );
        };
        tokio::select! {
            () = lanes => {}
            () = background => {}
        }
        tracing::info!(owner = shop.owner, "worker has stopped");
    }
}
