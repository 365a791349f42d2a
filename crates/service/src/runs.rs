//! Runs: what is started, listed, steered and finished.
//!
//! A run is the prepared list as it was when somebody pressed *Start*: each entry becomes an import, keeps its id, and
//! leaves the list, in one transaction with the job that does the work. Nothing starts while one entry is unverified,
//! whoever asks.

mod changes;
pub(crate) mod finish;
mod steer;
mod view;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use store::tables::{domain, entry, import, run, sample};
use uuid::Uuid;

pub use changes::{Changes, Watch};
use view::lines;
pub(crate) use view::{import_state, import_view, run_state_text, state_text, state_texts, summary_in};

use crate::clock::{now, time};
use crate::entries::{forget, readiness};
use crate::error::{Conflict, Error, Result};
use crate::identity::domains::next_revision;
use crate::model::{
    Actor, CheckOutcome, DomainId, FoundServer, Import, ImportId, ImportState, Run, RunId, RunState,
    RunSummary, Sample, Scope,
};
use crate::page::Page;
use crate::service::{Service, Transaction, require};

/// Which runs to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFilter {
    /// Those that work or are paused.
    Current,
    /// Those that have ended.
    Finished,
}

/// Imports of one run that are shown at most; a list cannot be longer (see [`crate::Settings::entries_per_domain`]).
const MOST_IMPORTS: u64 = 10_000;

impl Service {
    /// Starts the prepared list.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the domain is not the actor's; a conflict while the list is empty or not all of it is
    /// verified.
    pub async fn start(&self, actor: &Actor, domain: DomainId) -> Result<RunId> {
        require(actor, Scope::Write)?;
        let domain = self.own_domain(actor, domain).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let revision = next_revision(transaction, domain.id).await?;
        let ready = readiness(transaction, domain.id).await?;
        if ready.entries == 0 {
            return Err(Error::conflict(Conflict::Empty));
        }
        if !ready.can_start() {
            return Err(Error::conflict(Conflict::NotReady(ready)));
        }
        let entries = entry::Entity::find()
            .filter(entry::Column::DomainId.eq(domain.id))
            .order_by_asc(entry::Column::Number)
            .all(transaction)
            .await?;
        let run = new_run(transaction, &domain, revision).await?;
        let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        for (number, entry) in (1..).zip(entries) {
            self.add_import(&writing, &domain, run, number, revision, entry).await?;
        }
        forget(transaction, domain.id, &ids, revision).await?;
        let subject = format!("{}: {} mailboxes", domain.name, ids.len());
        crate::audit::record(transaction, actor, "run.start", &subject).await?;
        writing.commit().await?;
        metrics::counter!("mailimport_runs_started_total").increment(1);
        Ok(RunId(run))
    }

    /// What an entry becomes; its sealed passwords open for the same id.
    async fn add_import(
        &self,
        writing: &store::Writing<'_>,
        domain: &domain::Model,
        run: Uuid,
        number: i64,
        revision: i64,
        entry: entry::Model,
    ) -> Result<()> {
        let outcome =
            entry.outcome.as_deref().and_then(|text| serde_json::from_str::<CheckOutcome>(text).ok());
        let outcome =
            outcome.ok_or_else(|| Error::internal("a verified entry has no outcome of its check"))?;
        let found = outcome.server.ok_or_else(|| Error::internal("a verified entry has no server"))?;
        let import = NewImport {
            id: entry.id,
            server: entry.server,
            username: entry.username,
            password: entry.password,
            mailbox: entry.mailbox,
            mailbox_password: entry.mailbox_password.filter(|_| !outcome.mailbox_exists),
            found,
            messages: outcome.messages,
            octets: outcome.octets,
        };
        self.insert_import(writing, domain, run, (number, revision), import).await
    }

    async fn insert_import(
        &self,
        writing: &store::Writing<'_>,
        domain: &domain::Model,
        run: Uuid,
        (number, revision): (i64, i64),
        new: NewImport,
    ) -> Result<()> {
        let address = format!("{}@{}", new.mailbox, domain.name);
        let job =
            self.enqueue_import(writing, domain.customer_id, new.id, &host_of(&new.found), &address).await?;
        let row = import::ActiveModel {
            id: Set(new.id),
            customer_id: Set(domain.customer_id),
            domain_id: Set(domain.id),
            run_id: Set(run),
            number: Set(number),
            server: Set(new.server),
            username: Set(new.username),
            password: Set(new.password),
            mailbox: Set(new.mailbox),
            mailbox_password: Set(new.mailbox_password),
            found: Set(serde_json::to_string(&new.found).map_err(Error::internal)?),
            state: Set(state_text(ImportState::Waiting).to_owned()),
            folders_total: Set(0),
            messages_total: Set(new.messages.cast_signed()),
            messages_done: Set(0),
            octets_total: Set(new.octets.map(u64::cast_signed)),
            octets_done: Set(0),
            imported: Set(0),
            speed: Set(0),
            folders: Set(None),
            current_folder: Set(None),
            retry_at: Set(None),
            failure: Set(None),
            exceptions: Set(0),
            mailbox_created: Set(false),
            report: Set(None),
            started_at: Set(None),
            finished_at: Set(None),
            failing_since: Set(None),
            brought_before: Set(None),
            job_id: Set(Some(job)),
            revision: Set(revision),
        };
        import::Entity::insert(row).exec_without_returning(writing.connection()).await?;
        Ok(())
    }

    /// Runs of a domain, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the domain is not the actor's.
    pub async fn runs(
        &self,
        actor: &Actor,
        domain: DomainId,
        filter: RunFilter,
        page: Page,
    ) -> Result<Vec<RunSummary>> {
        require(actor, Scope::Read)?;
        let domain = self.own_domain(actor, domain).await?;
        let ended = match filter {
            RunFilter::Current => run::Column::FinishedAt.is_null(),
            RunFilter::Finished => run::Column::FinishedAt.is_not_null(),
        };
        let rows = run::Entity::find()
            .filter(run::Column::DomainId.eq(domain.id))
            .filter(ended)
            .order_by_desc(run::Column::Number)
            .offset(page.offset)
            .limit(page.limit)
            .all(self.reading())
            .await?;
        self.summaries(rows, &domain.name).await
    }

    /// A run with all its imports.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn run(&self, actor: &Actor, id: RunId) -> Result<Run> {
        self.run_part(actor, id, |_| true, Page::first(MOST_IMPORTS)).await
    }

    /// A run with a part of those of its imports whose state is `listed`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn run_part(
        &self,
        actor: &Actor,
        id: RunId,
        listed: impl Fn(ImportState) -> bool,
        page: Page,
    ) -> Result<Run> {
        require(actor, Scope::Read)?;
        let row = self.own_run(actor, id).await?;
        let domain = self.own_domain(actor, DomainId(row.domain_id)).await?;
        let part = lines()
            .filter(import::Column::RunId.eq(row.id))
            .filter(import::Column::State.is_in(state_texts(listed)))
            .offset(page.offset)
            .limit(page.limit);
        let imports = self.lines_of(part, &domain.name).await?;
        let samples = self.samples(row.id).await?;
        let summary = self.summaries(vec![row], &domain.name).await?.pop().ok_or(Error::NotFound)?;
        Ok(Run { summary, imports, samples })
    }

    /// A run as its line in a list shows it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn run_summary(&self, actor: &Actor, id: RunId) -> Result<RunSummary> {
        require(actor, Scope::Read)?;
        let row = self.own_run(actor, id).await?;
        let domain = self.own_domain(actor, DomainId(row.domain_id)).await?;
        self.summaries(vec![row], &domain.name).await?.pop().ok_or(Error::NotFound)
    }

    /// The curve of a run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn run_samples(&self, actor: &Actor, id: RunId) -> Result<Vec<Sample>> {
        require(actor, Scope::Read)?;
        self.samples(self.own_run(actor, id).await?.id).await
    }

    /// One import with its folders, its curve and its report.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn import(&self, actor: &Actor, id: ImportId) -> Result<Import> {
        require(actor, Scope::Read)?;
        let row = self.own_import(actor, id).await?;
        let domain = self.own_domain(actor, DomainId(row.domain_id)).await?;
        let taken = match row.job_id {
            Some(job) => self.takeovers(vec![job]).await?.get(&job).copied().unwrap_or(0),
            None => 0,
        };
        let mut view = import_view(row, &domain.name, taken);
        view.samples = self.samples(id.0).await?;
        Ok(view)
    }

    pub(crate) async fn own_run(&self, actor: &Actor, id: RunId) -> Result<run::Model> {
        run::Entity::find_by_id(id.0)
            .filter(run::Column::CustomerId.eq(actor.customer.0))
            .one(self.reading())
            .await?
            .ok_or(Error::NotFound)
    }

    pub(crate) async fn own_import(&self, actor: &Actor, id: ImportId) -> Result<import::Model> {
        import::Entity::find_by_id(id.0)
            .filter(import::Column::CustomerId.eq(actor.customer.0))
            .one(self.reading())
            .await?
            .ok_or(Error::NotFound)
    }

    async fn samples(&self, subject: Uuid) -> Result<Vec<Sample>> {
        let rows = sample::Entity::find()
            .filter(sample::Column::Subject.eq(subject))
            .order_by_asc(sample::Column::At)
            .all(self.reading())
            .await?;
        let view = |row: sample::Model| Sample {
            at: time(row.at),
            messages: row.messages.cast_unsigned(),
            octets: row.octets.cast_unsigned(),
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

/// What an import begins with.
struct NewImport {
    id: Uuid,
    server: String,
    username: String,
    password: Option<Vec<u8>>,
    mailbox: String,
    mailbox_password: Option<Vec<u8>>,
    found: FoundServer,
    messages: u64,
    octets: Option<u64>,
}

/// A new run of a domain, with the next number.
async fn new_run(transaction: &Transaction, domain: &domain::Model, revision: i64) -> Result<Uuid> {
    domain::Entity::update_many()
        .col_expr(domain::Column::LastRun, Expr::col(domain::Column::LastRun).add(1))
        .filter(domain::Column::Id.eq(domain.id))
        .exec(transaction)
        .await?;
    let number =
        domain::Entity::find_by_id(domain.id).one(transaction).await?.ok_or(Error::NotFound)?.last_run;
    let row = run::ActiveModel {
        id: Set(Uuid::now_v7()),
        customer_id: Set(domain.customer_id),
        domain_id: Set(domain.id),
        number: Set(number),
        state: Set(run_state_text(RunState::Running).to_owned()),
        started_at: Set(now()),
        finished_at: Set(None),
        secrets_until: Set(None),
        revision: Set(revision),
    };
    Ok(row.insert(transaction).await?.id)
}

/// The host of a server that was found.
pub(crate) fn host_of(found: &FoundServer) -> String {
    let endpoint = crate::server_field::parse(&found.url).ok().and_then(|mut list| list.pop());
    endpoint.map(|endpoint| endpoint.host).unwrap_or_default()
}
