//! The list of one call, in the service: added, checked, started, watched, and put away.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use imap::TlsTrust;
use mailhost::{DomainName, MaildirTree, Owner, TreeOptions};
use rustix::fs::FlockOperation;
use service::address_policy::AddressPolicy;
use service::model::{
    Actor, Customer, CustomerId, DomainId, Entry, Import, ImportId, ImportState, Problem, Role, RunId, Via,
};
use service::network::Network;
use service::resolver::SystemResolver;
use service::work::{Limits, Owner as Worker};
use service::{Page, Reach, RunFilter, SealingKey, Service, Settings, Watch};
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::show::Show;

/// Whose the list is in the database; nobody signs in there.
const CUSTOMER: &str = "command-line";
/// Between two looks at what has changed.
const LOOK: Duration = Duration::from_millis(250);
/// How long imports may take to put away what they have in hand.
const GRACE: Duration = Duration::from_secs(90);
/// More entries than a list may have.
const ALL: u64 = 100_000;

/// Where everything is.
pub(super) struct Place {
    pub(super) root: PathBuf,
    pub(super) owner: Option<Owner>,
    pub(super) state: PathBuf,
    pub(super) limits: engine::destination::Limits,
    pub(super) engine: engine::account::Settings,
    pub(super) selection: engine::plan::Selection,
    pub(super) trust: TlsTrust,
}

/// Why the list could not be worked through: a plain sentence, without a secret.
#[derive(Debug)]
pub(super) enum Failed {
    /// The file as a whole cannot be used.
    Unusable(String),
    /// The new mailboxes' root, or the ledger in it, cannot be used.
    Destination(String),
    /// A fault of this program.
    Internal(String),
}

impl From<service::Error> for Failed {
    fn from(error: service::Error) -> Failed {
        match error {
            service::Error::Invalid(_) => Failed::Unusable(error.to_string()),
            other => Failed::Internal(other.to_string()),
        }
    }
}

/// Accounts imported side by side. Each waits for a disk and for a server most of its time.
const AT_ONCE: usize = 8;

/// A list in the service, and the workers on it.
pub(super) struct List {
    service: Service,
    store: Arc<Store>,
    actor: Actor,
    domain: DomainId,
    patience: Duration,
    stop: CancellationToken,
    workers: JoinHandle<()>,
    /// Keeps a second call away from the same database.
    _alone: File,
}

impl List {
    /// Opens the database and the mailboxes, ends what an earlier call left, and begins an empty list.
    pub(super) async fn open(
        place: &Place,
        domain: &DomainName,
        cancel: &CancellationToken,
    ) -> Result<List, Failed> {
        let refused = |error: &dyn std::fmt::Display| Failed::Destination(error.to_string());
        let options = TreeOptions { owner: place.owner, limits: place.limits, ..TreeOptions::default() };
        let host = MaildirTree::open(&place.root, options).map_err(|error| refused(&error))?;
        let owner = place.owner.map(|owner| store::Owner { uid: owner.uid, gid: owner.gid });
        let store = Store::open_file(&place.state, owner).await.map_err(|error| refused(&error))?;
        let alone = alone(&place.state)?;
        let store = Arc::new(store);
        let service = Service::open(settings(place)?, Arc::clone(&store), Arc::new(host)).await?;
        let actor = customer(&service).await?;
        let stop = CancellationToken::new();
        let limits = Limits { imports: AT_ONCE, ..Limits::default() };
        // The lock keeps the name: what a killed call held is free at once.
        let workers = service.start_workers(Worker::Sole(CUSTOMER.to_owned()), limits, stop.clone());
        let mut list = List {
            service,
            store,
            actor,
            domain: DomainId::new(),
            patience: place.engine.patience,
            stop,
            workers,
            _alone: alone,
        };
        list.begin(domain, cancel).await?;
        Ok(list)
    }

    /// A fresh domain of this name: prepared entries and runs of earlier calls go with the old one. The ledger stays.
    async fn begin(&mut self, name: &DomainName, cancel: &CancellationToken) -> Result<(), Failed> {
        let operator = operator();
        match self.service.domain_by_name(&self.actor, name.as_str()).await {
            Ok(old) => {
                for run in
                    self.service.runs(&self.actor, old.id, RunFilter::Current, Page::first(ALL)).await?
                {
                    self.end(run.id, cancel).await?;
                }
                self.service.remove_domain(&operator, old.id).await?;
            }
            Err(service::Error::NotFound) => {}
            Err(other) => return Err(other.into()),
        }
        self.domain = self.service.create_domain(&operator, name.as_str(), self.actor.customer).await?.id;
        Ok(())
    }

    /// Cancels a run and waits for its end.
    async fn end(&self, run: RunId, cancel: &CancellationToken) -> Result<(), Failed> {
        match self.service.cancel_run(&self.actor, run).await {
            Ok(()) | Err(service::Error::Conflict(_)) => {}
            Err(other) => return Err(other.into()),
        }
        let deadline = Instant::now() + GRACE;
        while self.service.run(&self.actor, run).await?.summary.state.is_current() {
            if Instant::now() >= deadline || cancel.is_cancelled() {
                let why = "an earlier import of this list has not ended yet; try again in a minute";
                return Err(Failed::Internal(why.to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Adds every line of the file. What concerns the file as a whole comes back.
    pub(super) async fn add(&self, octets: &[u8]) -> Result<Vec<Problem>, Failed> {
        Ok(self.service.add_csv(&self.actor, self.domain, octets).await?.notes)
    }

    /// The entries in the file's order, once none of them waits for its check.
    pub(super) async fn checked(
        &self,
        show: &Show,
        cancel: &CancellationToken,
    ) -> Result<Vec<Entry>, Failed> {
        loop {
            let ready = self.service.readiness(&self.actor, self.domain).await?;
            show.checking(ready.entries - ready.pending, ready.entries);
            if ready.pending == 0 || cancel.is_cancelled() {
                return Ok(self.service.entries(&self.actor, self.domain, Page::first(ALL)).await?);
            }
            let _ = tokio::time::timeout(LOOK, cancel.cancelled()).await;
        }
    }

    /// Starts what is verified; the rest leaves the list, and makes no mailbox.
    pub(super) async fn start(&self) -> Result<RunId, Failed> {
        self.service.remove_failed(&self.actor, self.domain).await?;
        Ok(self.service.start(&self.actor, self.domain).await?)
    }

    /// Shows the run until it has ended, cancelled or by itself; then its imports with their reports.
    pub(super) async fn ended(
        &self,
        run: RunId,
        show: &Show,
        cancel: &CancellationToken,
    ) -> Result<Vec<Import>, Failed> {
        let mut known: BTreeMap<ImportId, Import> = BTreeMap::new();
        let mut retrying: HashMap<ImportId, Instant> = HashMap::new();
        let mut revision = 0;
        loop {
            let changes = self.service.changes(&self.actor, Watch::Run(run), revision).await?;
            revision = changes.revision;
            for import in changes.imports {
                show.import(&import);
                known.insert(import.id, import);
            }
            show.run(known.values());
            self.give_up(known.values(), &mut retrying).await?;
            if !known.is_empty() && known.values().all(|import| import.state.is_final()) {
                break;
            }
            if cancel.is_cancelled() {
                self.end(run, &CancellationToken::new()).await?;
                break;
            }
            let _ = tokio::time::timeout(LOOK, cancel.cancelled()).await;
        }
        let mut imports = Vec::with_capacity(known.len());
        for import in self.service.run(&self.actor, run).await?.imports {
            imports.push(self.service.import(&self.actor, import.id).await?);
        }
        Ok(imports)
    }

    /// In the foreground nothing is waited for longer than people have patience, a full disk neither.
    async fn give_up(
        &self,
        imports: impl Iterator<Item = &Import>,
        retrying: &mut HashMap<ImportId, Instant>,
    ) -> Result<(), Failed> {
        for import in imports {
            match import.state {
                ImportState::Retrying => {
                    let since = *retrying.entry(import.id).or_insert_with(Instant::now);
                    if since.elapsed() >= self.patience {
                        match self.service.cancel_import(&self.actor, import.id).await {
                            Ok(()) | Err(service::Error::Conflict(_)) => {}
                            Err(other) => return Err(other.into()),
                        }
                    }
                }
                // Tried again at this moment: it is the next failure that tells.
                ImportState::Waiting | ImportState::Creating | ImportState::Scanning => {}
                _ => {
                    retrying.remove(&import.id);
                }
            }
        }
        Ok(())
    }

    /// Stops the workers and closes the database.
    pub(super) async fn close(self) {
        self.stop.cancel();
        if let Err(error) = self.workers.await {
            tracing::error!(%error, "the workers ended by a fault");
        }
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "closing the ledger");
        }
    }
}

fn settings(place: &Place) -> Result<Settings, Failed> {
    let resolver = SystemResolver::new().map_err(|error| Failed::Internal(error.to_string()))?;
    // The operator's own command may connect anywhere; the policy is for what customers type.
    let network = Network::new(AddressPolicy::new(Vec::new(), &[]), Arc::new(resolver));
    let mut settings = Settings::new(SealingKey::ThisProcess, network);
    settings.reach = Reach::Anywhere;
    settings.keep_secrets = Duration::ZERO;
    settings.unreachable_after = Duration::ZERO;
    let patience = place.engine.patience;
    let in_the_foreground = settings.engine.patience.min(patience);
    settings.engine = engine::account::Settings { patience: in_the_foreground, ..place.engine.clone() };
    settings.selection = place.selection.clone();
    settings.connect_timeout = settings.connect_timeout.min(patience);
    settings.give_up_after = patience;
    settings.tls = place.trust.clone();
    Ok(settings)
}

/// Holds the database's file for this call alone. SQLite's own locks are of another kind and not disturbed.
fn alone(state: &Path) -> Result<File, Failed> {
    let failed = |error: std::io::Error| Failed::Destination(format!("{}: {error}", state.display()));
    let file = File::open(state).map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(Failed::Destination(format!("another import works with {}", state.display())))
        }
        Err(error) => Err(failed(error.into())),
    }
}

fn operator() -> Actor {
    Actor {
        customer: CustomerId(uuid::Uuid::nil()),
        name: "command line".to_owned(),
        role: Role::Operator,
        via: Via::CommandLine,
        address: None,
    }
}

/// The one customer of the command's database.
async fn customer(service: &Service) -> Result<Actor, Failed> {
    let known: Option<Customer> = service.customers(&operator(), Page::first(10)).await?.into_iter().next();
    let customer = match known {
        Some(customer) => customer,
        // Nobody uses the link that would let somebody sign in.
        None => service.create_customer(&operator(), CUSTOMER, None).await?.0,
    };
    Ok(Actor { customer: customer.id, role: Role::Customer, ..operator() })
}
