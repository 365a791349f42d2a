//! A database, workers on it, and handlers that do as the test says.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, Statement};
use service::work::{Control, Handler, Limits, Owner, Worker};
use store::jobs::{self, Job, JobId, Kind, NewJob, Outcome, State};
use store::{Store, Writing};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::rig::Place;

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database with a store on it.
pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) store: Arc<Store>,
}

impl Bench {
    pub(crate) async fn sqlite() -> Bench {
        Bench::at(Place::sqlite()).await
    }

    pub(crate) async fn postgres() -> Bench {
        Bench::at(Place::postgres()).await
    }

    async fn at(place: Place) -> Bench {
        let store = place.open().await;
        Bench { place, store }
    }

    /// A store as another process would have it; on SQLite, which has one process, the same.
    pub(crate) async fn other_process(&self) -> Arc<Store> {
        match &self.place {
            Place::Postgres(_) => self.place.open().await,
            _ => Arc::clone(&self.store),
        }
    }

    fn url(&self) -> String {
        match &self.place {
            Place::Postgres(server) => server.url(),
            file => format!("sqlite://{}", file.address()),
        }
    }

    /// Does something to the database behind everybody's back.
    pub(crate) async fn sql(&self, statement: &str) {
        let other = Database::connect(self.url()).await.unwrap();
        other.execute_unprepared(statement).await.unwrap();
        other.close().await.unwrap();
    }

    pub(crate) async fn number(&self, question: &str) -> i64 {
        let statement = Statement::from_string(self.store.reading().get_database_backend(), question);
        let row = self.store.reading().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { poll: Duration::from_millis(50), lease: Duration::from_secs(60), ..Limits::default() }
    }

    pub(crate) fn work(&self, script: &Arc<Script>, limits: Limits) -> Working {
        start(Arc::clone(&self.store), Owner::Fresh, script, limits)
    }

    pub(crate) async fn work_elsewhere(&self, script: &Arc<Script>, limits: Limits) -> Working {
        start(self.other_process().await, Owner::Fresh, script, limits)
    }

    pub(crate) async fn enqueue(&self, new: NewJob) -> JobId {
        enqueue(&self.store, new).await
    }

    pub(crate) async fn job(&self, id: JobId) -> Job {
        self.store.jobs([id]).await.unwrap().pop().unwrap()
    }

    pub(crate) async fn reaches(&self, id: JobId, state: State) {
        eventually(&format!("job {id} is {state:?}"), async || self.job(id).await.state == state).await;
    }
}

pub(crate) fn start(store: Arc<Store>, owner: Owner, script: &Arc<Script>, limits: Limits) -> Working {
    let shutdown = CancellationToken::new();
    let handler = Arc::clone(script) as Arc<dyn Handler>;
    let worker = Worker { store, owner, queues: vec!["here".into()], limits, handler };
    Working { task: worker.start(shutdown.clone()), shutdown }
}

/// A worker at work.
pub(crate) struct Working {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Working {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("the worker ends").unwrap();
    }

    /// Ends it without a word, as a kill would.
    pub(crate) async fn vanish(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

type Doing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A handler that does as the test says, and remembers what it was told.
pub(crate) struct Script {
    act: Box<dyn Fn(Job, Control) -> Doing + Send + Sync>,
    ran: Mutex<Vec<Job>>,
    faults: Mutex<Vec<String>>,
    followed: Mutex<Vec<(JobId, State)>>,
}

impl Script {
    pub(crate) fn new<F>(act: impl Fn(Job, Control) -> F + Send + Sync + 'static) -> Arc<Script>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Arc::new(Script {
            act: Box::new(move |job, control| Box::pin(act(job, control))),
            ran: Mutex::default(),
            faults: Mutex::default(),
            followed: Mutex::default(),
        })
    }

    /// How many jobs were begun.
    pub(crate) fn ran(&self) -> usize {
        self.ran.lock().unwrap().len()
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }

    pub(crate) fn followed(&self) -> Vec<(JobId, State)> {
        self.followed.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Handler for Script {
    async fn run(&self, job: Job, control: Control) -> Outcome {
        self.ran.lock().unwrap().push(job.clone());
        (self.act)(job, control).await
    }

    async fn panicked(&self, _job: Job, _control: Control, fault: String) -> Outcome {
        self.faults.lock().unwrap().push(fault);
        Outcome::Failed
    }

    async fn follow(&self, _writing: &Writing<'_>, jobs: &[Job]) -> service::Result<()> {
        self.followed.lock().unwrap().extend(jobs.iter().map(|job| (job.id, job.state)));
        Ok(())
    }
}

/// Jobs that go on only when so many of them run at once, and a count of how many do.
pub(crate) struct Crowd {
    complete: Barrier,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    pub(crate) fn of(size: usize) -> Arc<Crowd> {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Crowd { complete: Barrier::new(size), now, most })
    }

    pub(crate) async fn meet(&self) {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.complete.wait().await;
        // Whoever came too many would be here beside the others.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "it never came about that {what}");
}

pub(crate) fn import(customer: u128) -> NewJob {
    NewJob {
        kind: Kind::Import,
        queue: "here".into(),
        subject: Uuid::now_v7(),
        customer: Uuid::from_u128(customer),
        server: None,
        exclusive: None,
        priority: 0,
        run_at: None,
    }
}

pub(crate) fn check(customer: u128) -> NewJob {
    NewJob { kind: Kind::Check, ..import(customer) }
}

pub(crate) async fn enqueue(store: &Store, new: NewJob) -> JobId {
    let writing = store.writing().await.unwrap();
    let id = jobs::enqueue(&writing, new).await.unwrap();
    writing.commit().await.unwrap();
    id
}
