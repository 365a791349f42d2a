//! Pause, resume, cancel, retry, import new messages: for a run and for one mailbox. What was copied stays.
//!
//! What is wanted is written in the job's row; whoever works on it sees it within seconds. A job that nobody works on
//! obeys in the same transaction.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use store::Writing;
use store::tables::{import, run};
use uuid::Uuid;

use super::finish::ended;
use super::view::{import_state, run_state, run_state_text, state_text};
use super::{NewImport, new_run};
use crate::entries::{MAILBOX_PASSWORD, PASSWORD};
use crate::error::{Conflict, Error, Result};
use crate::identity::domains::next_revision;
use crate::model::{Actor, DomainId, FoundServer, ImportId, ImportState, RunId, RunState, Scope};
use crate::queue::{Obeyed, Wish};
use crate::service::{Service, require};
use crate::vault::Place;

impl Service {
    /// Pauses a run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's; a conflict when it has ended.
    pub async fn pause_run(&self, actor: &Actor, id: RunId) -> Result<()> {
        self.steer_run(actor, id, Wish::Pause).await
    }

    /// Goes on with a run.
    ///
    /// # Errors
    ///
    /// As [`Service::pause_run`].
    pub async fn resume_run(&self, actor: &Actor, id: RunId) -> Result<()> {
        self.steer_run(actor, id, Wish::Run).await
    }

    /// Cancels a run.
    ///
    /// # Errors
    ///
    /// As [`Service::pause_run`].
    pub async fn cancel_run(&self, actor: &Actor, id: RunId) -> Result<()> {
        self.steer_run(actor, id, Wish::Cancel).await
    }

    /// Pauses one import.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's; a conflict when it has ended.
    pub async fn pause_import(&self, actor: &Actor, id: ImportId) -> Result<()> {
        self.steer_import(actor, id, Wish::Pause).await
    }

    /// Goes on with one import.
    ///
    /// # Errors
    ///
    /// As [`Service::pause_import`].
    pub async fn resume_import(&self, actor: &Actor, id: ImportId) -> Result<()> {
        self.steer_import(actor, id, Wish::Run).await
    }

    /// Cancels one import.
    ///
    /// # Errors
    ///
    /// As [`Service::pause_import`].
    pub async fn cancel_import(&self, actor: &Actor, id: ImportId) -> Result<()> {
        self.steer_import(actor, id, Wish::Cancel).await
    }

    async fn steer_run(&self, actor: &Actor, id: RunId, wish: Wish) -> Result<()> {
        require(actor, Scope::Write)?;
        let row = self.own_run(actor, id).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        // Jobs first: a worker locks its job and then the domain.
        let obeyed = self.wishes(&writing, import::Column::RunId.eq(id.0), wish).await?;
        next_revision(transaction, row.domain_id).await?;
        let row = run::Entity::find_by_id(id.0).one(transaction).await?.ok_or(Error::NotFound)?;
        if !run_state(&row.state).is_current() {
            return Err(Error::conflict(Conflict::Ended));
        }
        let number = row.number;
        let mut changed: run::ActiveModel = row.into();
        let state = if wish == Wish::Pause { RunState::Paused } else { RunState::Running };
        changed.state = Set(run_state_text(state).to_owned());
        changed.update(transaction).await?;
        for import in obeyed {
            self.obey(&writing, import, wish).await?;
        }
        crate::audit::record(transaction, actor, &format!("run.{}", wish.word()), &format!("run {number}"))
            .await?;
        writing.commit().await?;
        Ok(())
    }

    async fn steer_import(&self, actor: &Actor, id: ImportId, wish: Wish) -> Result<()> {
        require(actor, Scope::Write)?;
        let row = self.own_import(actor, id).await?;
        if import_state(&row.state).is_final() {
            return Err(Error::conflict(Conflict::Ended));
        }
        let writing = self.writing().await?;
        let obeyed = self.wishes(&writing, import::Column::Id.eq(id.0), wish).await?;
        next_revision(writing.connection(), row.domain_id).await?;
        for import in obeyed {
            self.obey(&writing, import, wish).await?;
        }
        let action = format!("import.{}", wish.word());
        crate::audit::record(writing.connection(), actor, &action, &row.mailbox).await?;
        writing.commit().await?;
        Ok(())
    }

    /// Writes what is wanted of imports that have not ended; those on which nobody works, and which obey at once.
    async fn wishes(
        &self,
        writing: &Writing<'_>,
        which: sea_orm::sea_query::SimpleExpr,
        wish: Wish,
    ) -> Result<Vec<Uuid>> {
        let rows = import::Entity::find()
            .filter(which)
            .order_by_asc(import::Column::JobId)
            .all(writing.connection())
            .await?;
        let mut at_once = Vec::new();
        for row in rows.into_iter().filter(|row| !import_state(&row.state).is_final()) {
            let Some(job) = row.job_id else { continue };
            if self.wish(writing, job, wish).await? == Obeyed::AtOnce {
                at_once.push(row.id);
            }
        }
        Ok(at_once)
    }

    /// Gives an import on which nobody works the state that is wanted.
    async fn obey(&self, writing: &Writing<'_>, id: Uuid, wish: Wish) -> Result<()> {
        let row = import::Entity::find_by_id(id).one(writing.connection()).await?.ok_or(Error::NotFound)?;
        let state = import_state(&row.state);
        if state.is_final() {
            return Ok(());
        }
        let mut changed: import::ActiveModel = row.into();
        match wish {
            Wish::Pause => changed.state = Set(state_text(ImportState::Paused).to_owned()),
            Wish::Run if state == ImportState::Paused => {
                changed.state = Set(state_text(ImportState::Waiting).to_owned());
            }
            Wish::Run => return Ok(()),
            Wish::Cancel => ended(&mut changed, ImportState::Cancelled),
        }
        changed.retry_at = Set(None);
        changed.speed = Set(0);
        self.save_import(writing, changed).await.map(drop)
    }

    /// Tries the imports of a finished run again that failed or of which a retry can help. It works on in the same run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's; a conflict while it works, when nothing failed, or when its
    /// passwords were erased.
    pub async fn retry_failed(&self, actor: &Actor, id: RunId) -> Result<RunId> {
        require(actor, Scope::Write)?;
        let row = self.own_run(actor, id).await?;
        let domain = self.own_domain(actor, DomainId(row.domain_id)).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let revision = next_revision(transaction, domain.id).await?;
        let (row, imports) = self.finished(&writing, id).await?;
        let again: Vec<import::Model> = imports.into_iter().filter(can_help).collect();
        if again.is_empty() {
            return Err(Error::conflict(Conflict::NothingToRetry));
        }
        if again.iter().any(|import| import.password.is_none()) {
            return Err(Error::conflict(Conflict::SecretsErased));
        }
        for import in again {
            let address = format!("{}@{}", import.mailbox, domain.name);
            let found: FoundServer = serde_json::from_str(&import.found).map_err(Error::internal)?;
            let host = super::host_of(&found);
            let job = self.enqueue_import(&writing, domain.customer_id, import.id, &host, &address).await?;
            let mut changed: import::ActiveModel = import.into();
            changed.state = Set(state_text(ImportState::Waiting).to_owned());
            changed.job_id = Set(Some(job));
            changed.failure = Set(None);
            changed.failing_since = Set(None);
            changed.finished_at = Set(None);
            changed.revision = Set(revision);
            changed.update(transaction).await?;
        }
        let number = row.number;
        let mut changed: run::ActiveModel = row.into();
        changed.state = Set(run_state_text(RunState::Running).to_owned());
        changed.finished_at = Set(None);
        changed.secrets_until = Set(None);
        changed.revision = Set(revision);
        changed.update(transaction).await?;
        crate::audit::record(transaction, actor, "run.retry", &format!("{} run {number}", domain.name))
            .await?;
        writing.commit().await?;
        Ok(id)
    }

    /// A new run with the accounts of a finished one: it brings what is new since.
    ///
    /// # Errors
    ///
    /// As [`Service::retry_failed`].
    pub async fn import_new(&self, actor: &Actor, id: RunId) -> Result<RunId> {
        require(actor, Scope::Write)?;
        let row = self.own_run(actor, id).await?;
        let domain = self.own_domain(actor, DomainId(row.domain_id)).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let revision = next_revision(transaction, domain.id).await?;
        let (old, imports) = self.finished(&writing, id).await?;
        if imports.iter().any(|import| import.password.is_none()) {
            return Err(Error::conflict(Conflict::SecretsErased));
        }
        let new = new_run(transaction, &domain, revision).await?;
        for (number, import) in (1..).zip(imports) {
            let import = self.copied(import)?;
            self.insert_import(&writing, &domain, new, (number, revision), import).await?;
        }
        let subject = format!("{}: new messages of run {}", domain.name, old.number);
        crate::audit::record(transaction, actor, "run.import_new", &subject).await?;
        writing.commit().await?;
        Ok(RunId(new))
    }

    /// The same account for another run: passwords are sealed anew, for they open in their own row only.
    fn copied(&self, import: import::Model) -> Result<NewImport> {
        let id = Uuid::now_v7();
        let again = |field: &'static str, sealed: Option<Vec<u8>>| -> Result<Option<Vec<u8>>> {
            let Some(sealed) = sealed else { return Ok(None) };
            let old = Place { customer: import.customer_id, row: import.id, field };
            let secret = self.inner.vault.unseal(old, &sealed).map_err(Error::internal)?;
            Ok(Some(self.inner.vault.seal(Place { row: id, ..old }, &secret)))
        };
        Ok(NewImport {
            id,
            password: again(PASSWORD, import.password)?,
            mailbox_password: again(MAILBOX_PASSWORD, import.mailbox_password)?,
            server: import.server,
            username: import.username,
            mailbox: import.mailbox,
            found: serde_json::from_str(&import.found).map_err(Error::internal)?,
            messages: import.messages_total.cast_unsigned(),
            octets: import.octets_total.map(i64::cast_unsigned),
        })
    }

    /// A finished run and its imports, read in the transaction that changes them.
    async fn finished(&self, writing: &Writing<'_>, id: RunId) -> Result<(run::Model, Vec<import::Model>)> {
        let transaction = writing.connection();
        let row = run::Entity::find_by_id(id.0).one(transaction).await?.ok_or(Error::NotFound)?;
        if row.finished_at.is_none() {
            return Err(Error::conflict(Conflict::StillWorking));
        }
        let imports = import::Entity::find()
            .filter(import::Column::RunId.eq(id.0))
            .order_by_asc(import::Column::Number)
            .all(transaction)
            .await?;
        Ok((row, imports))
    }
}

/// Whether trying again can bring something: it failed, was cancelled, or its report says that a retry can help.
fn can_help(row: &import::Model) -> bool {
    match import_state(&row.state) {
        ImportState::Failed | ImportState::Cancelled => true,
        ImportState::DoneWithExceptions => {
            let report = row.report.as_deref().and_then(|text| serde_json::from_str(text).ok());
            report.is_none_or(|report: engine::report::Report| {
                report.verdict == engine::report::Verdict::Incomplete
            })
        }
        _ => false,
    }
}
