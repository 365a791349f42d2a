//! The import of one source account, as a job: make the mailbox, run the engine, keep the row true, say how it ended.
//!
//! The engine and its ledger do the work; here is only what surrounds it. Everything is written under the job's fence: a
//! worker that lost its lease changes nothing.

mod brought;
mod curve;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use engine::account::Account;
use engine::clock::SystemClock;
use engine::report::{Report, Verdict};
use mailhost::{Address, Mailbox, Outcome as Made};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use secrecy::SecretString;
use store::jobs::{Job, Outcome, State};
use store::tables::{domain, import};

use crate::clock::now;
use crate::entries::{MAILBOX_PASSWORD, PASSWORD};
use crate::error::{Error, Result};
use crate::failure;
use crate::model::{Failure, FoundServer, ImportState, Side};
use crate::queue::Duty;
use crate::runs::finish::ended;
use crate::runs::{import_state, state_text};
use crate::server_field;
use crate::service::Service;
use crate::settings::Reach;
use crate::vault::Place;
use watcher::Watcher;

/// What an import works with.
struct Work {
    row: import::Model,
    mailbox: Mailbox,
    password: SecretString,
    found: FoundServer,
}

/// How often an import is begun anew after the ledger has failed it.
const LEDGER_ATTEMPTS: u32 = 100;

impl Service {
    /// Imports the account that a job names. What it returns has been written already.
    pub(crate) async fn import_account(&self, duty: &Duty) -> Result<Outcome> {
        let Some((row, domain)) = self.begin_import(duty).await? else { return Ok(Outcome::Done) };
        let work = match self.prepare(duty, row, &domain).await? {
            Ok(work) => work,
            Err(failure) => return self.stopped(duty, failure).await,
        };
        let report = self.run_engine(duty, &work).await?;
        self.conclude(duty, report).await
    }

    /// Notes that work begins; `None` when the import is gone, has ended, or another job is meant.
    async fn begin_import(&self, duty: &Duty) -> Result<Option<(import::Model, domain::Model)>> {
        let writing = self.writing_for(duty).await?;
        let transaction = writing.connection();
        let Some(row) = current(&writing, duty).await? else { return Ok(None) };
        let domain =
            domain::Entity::find_by_id(row.domain_id).one(transaction).await?.ok_or(Error::NotFound)?;
        let started = row.started_at.unwrap_or_else(now);
        let mut changed: import::ActiveModel = row.into();
        changed.state = Set(state_text(ImportState::Creating).to_owned());
        changed.started_at = Set(Some(started));
        changed.retry_at = Set(None);
        let row = self.save_import(&writing, changed).await?;
        writing.commit().await?;
        Ok(Some((row, domain)))
    }

    /// Opens the password and finds or makes the mailbox.
    async fn prepare(
        &self,
        duty: &Duty,
        row: import::Model,
        domain: &domain::Model,
    ) -> Result<Result<Work, Failure>> {
        let internal = |text: &str| failure::of_class(Side::Internal, "internal", Some(text.to_owned()));
        let Some(password) = self.import_secret(&row, PASSWORD)? else {
            return Ok(Err(internal("the password of the old account was erased")));
        };
        let address = match address(&row.mailbox, &domain.name) {
            Ok(address) => address,
            Err(error) => return Ok(Err(internal(&error.to_string()))),
        };
        let mailbox = match self.mailbox(duty, &row, &address).await? {
            Ok(mailbox) => mailbox,
            Err(failure) => return Ok(Err(failure)),
        };
        let found = serde_json::from_str(&row.found).map_err(Error::internal)?;
        Ok(Ok(Work { row, mailbox, password, found }))
    }

    /// The mailbox, made if it is not there. Its password is forgotten as soon as it is.
    async fn mailbox(
        &self,
        duty: &Duty,
        row: &import::Model,
        address: &Address,
    ) -> Result<Result<Mailbox, Failure>> {
        let refused = |error: mailhost::Error| {
            failure::of_class(Side::Destination, error.class(), Some(error.to_string()))
        };
        let found = match self.inner.host.find(address).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(refused(error))),
        };
        let mut created = row.mailbox_created;
        let mailbox = match (found, self.import_secret(row, MAILBOX_PASSWORD)?) {
            (Some(mailbox), _) => mailbox,
            (None, None) => {
                return Ok(Err(failure::of_class(Side::Destination, "mailbox_password_needed", None)));
            }
            (None, Some(password)) => match self.inner.host.create(address, &password).await {
                Ok(creation) => {
                    created |= creation.outcome == Made::Created;
                    creation.mailbox
                }
                Err(error) => return Ok(Err(refused(error))),
            },
        };
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Err(Error::NotFound) };
        let mut changed: import::ActiveModel = row.into();
        changed.state = Set(state_text(ImportState::Scanning).to_owned());
        changed.mailbox_created = Set(created);
        changed.mailbox_password = Set(None);
        self.save_import(&writing, changed).await?;
        writing.commit().await?;
        Ok(Ok(mailbox))
    }

    async fn run_engine(&self, duty: &Duty, work: &Work) -> Result<Report> {
        let endpoint = server_field::parse(&work.found.url).ok().and_then(|mut list| list.pop());
        let endpoint = endpoint.ok_or_else(|| Error::internal("the server that was found is none"))?;
        let user = work.found.username.as_deref().unwrap_or(&work.row.username);
        let source = self.source(endpoint, user, &work.password)?;
        let destination = self.inner.host.destination(&work.mailbox).await.map_err(Error::internal)?;
        let ledger = self.ledger_for(duty);
        let watcher = Watcher::new();
        let account = Account {
            source: &source,
            destination: &destination,
            ledger: &ledger,
            selection: &self.inner.settings.selection,
            settings: &self.inner.settings.engine,
            progress: Arc::clone(&watcher) as Arc<dyn engine::progress::Progress>,
            clock: Arc::new(SystemClock),
            cancel: duty.stop(),
        };
        let importing = account.import();
        let brought = self.brought(duty, &work.row, &account.key()).await?;
        let before = brought.total();
        let reporting = self.report_progress(duty, &watcher, before);
        let mut report = tokio::select! {
            report = importing => report,
            never = reporting => match never {},
        };
        self.save_progress(duty, &watcher, before).await?;
        self.brought_by_now(brought, &account.key()).await?.count_in(&mut report);
        if self.inner.settings.reach == Reach::Policy {
            // Where on our disks it lies is not a customer's affair.
            report.destination = work.mailbox.address.to_string();
        }
        Ok(report)
    }

    /// Writes how it ended.
    async fn conclude(&self, duty: &Duty, mut report: Report) -> Result<Outcome> {
        if let Some(stop) = &mut report.error {
            if stop.class == "interrupted" {
                self.keep_report(duty, report).await?;
                return Ok(Outcome::GiveBack);
            }
            // The database was away for a moment. It is back, perhaps, and nothing is the matter with this import.
            if stop.class == "ledger" && duty.job().attempts < LEDGER_ATTEMPTS {
                return Err(Error::internal(&stop.message));
            }
            let failure = self.told(failure::of_stop(stop));
            stop.message = failure.detail.clone().unwrap_or_else(|| failure.message.clone());
            self.keep_report(duty, report).await?;
            return self.stopped(duty, failure).await;
        }
        let state = match report.verdict {
            Verdict::Complete => ImportState::Done,
            Verdict::CompleteWithExceptions | Verdict::Incomplete => ImportState::DoneWithExceptions,
        };
        let exceptions = report.exceptions.len() as i64;
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(Outcome::Done) };
        let mut changed: import::ActiveModel = row.into();
        ended(&mut changed, state);
        settle_numbers(&mut changed, &report);
        changed.report = Set(Some(serde_json::to_string(&report).map_err(Error::internal)?));
        changed.exceptions = Set(exceptions);
        changed.failure = Set(None);
        changed.failing_since = Set(None);
        self.save_import(&writing, changed).await?;
        writing.commit().await?;
        metrics::counter!("mailimport_messages_imported_total").increment(report.totals.imported);
        metrics::counter!("mailimport_octets_imported_total").increment(report.totals.bytes);
        metrics::counter!("mailimport_imports_total", "state" => state_text(state)).increment(1);
        Ok(Outcome::Done)
    }

    /// What people want by now decides how a job that was interrupted is put down; its row follows then.
    pub(crate) async fn follow(&self, writing: &store::Writing<'_>, job: &Job) -> Result<()> {
        let row = import::Entity::find_by_id(job.subject).one(writing.connection()).await?;
        let meant =
            |row: &import::Model| row.job_id == Some(job.id.0) && !import_state(&row.state).is_final();
        let Some(row) = row.filter(meant) else { return Ok(()) };
        let retrying = import_state(&row.state) == ImportState::Retrying;
        let mut changed: import::ActiveModel = row.into();
        match job.state {
            State::Paused => changed.state = Set(state_text(ImportState::Paused).to_owned()),
            State::Cancelled => ended(&mut changed, ImportState::Cancelled),
            State::Queued if retrying => {}
            State::Queued => changed.state = Set(state_text(ImportState::Waiting).to_owned()),
            State::Running | State::Done | State::Failed => return Ok(()),
        }
        changed.speed = Set(0);
        changed.current_folder = Set(None);
        self.save_import(writing, changed).await.map(drop)
    }

    async fn keep_report(&self, duty: &Duty, report: Report) -> Result<()> {
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(()) };
        let mut changed: import::ActiveModel = row.into();
        // Something good came in between: patience begins anew. (`imported` counts earlier attempts too, octets do not.)
        if report.totals.bytes > 0 {
            changed.failing_since = Set(None);
        }
        changed.exceptions = Set(report.exceptions.len() as i64);
        changed.report = Set(Some(serde_json::to_string(&report).map_err(Error::internal)?));
        self.save_import(&writing, changed).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// It failed: for now, or for good.
    async fn stopped(&self, duty: &Duty, failure: Failure) -> Result<Outcome> {
        let mut failure = self.told(failure);
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(Outcome::Done) };
        let now = now();
        let since = row.failing_since.unwrap_or(now);
        let failing = Duration::from_millis((now - since).max(0).cast_unsigned());
        let pause = failure::retry(&failure, failing, self.inner.settings.give_up_after);
        failure.retried = pause.is_some();
        let (class, retried) = (failure.class.as_str(), failure.retried);
        match class {
            // Nothing goes on before somebody has made room.
            "disk_full" | "disk_low" => {
                tracing::error!(import = %row.id, class, "the disk of the mailboxes is full: imports wait")
            }
            _ => tracing::info!(import = %row.id, class, retried, "an import stopped"),
        }
        metrics::counter!("mailimport_imports_stopped_total", "class" => class.to_owned()).increment(1);
        let mut changed: import::ActiveModel = row.into();
        let ending = match pause {
            Some(pause) => {
                let at = now + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                changed.state = Set(state_text(ImportState::Retrying).to_owned());
                changed.retry_at = Set(Some(at));
                changed.failing_since = Set(Some(since));
                changed.speed = Set(0);
                Outcome::RetryAfter(pause)
            }
            None => {
                ended(&mut changed, ImportState::Failed);
                Outcome::Failed
            }
        };
        changed.failure = Set(Some(serde_json::to_string(&failure).map_err(Error::internal)?));
        self.save_import(&writing, changed).await?;
        writing.commit().await?;
        Ok(ending)
    }

    /// An internal fault (a panic in the engine, say) ended the work on a job: its import must not stay as if it worked.
    pub(crate) async fn import_faulted(&self, duty: &Duty, fault: &str) -> Result<Outcome> {
        let failure = failure::of_class(Side::Internal, "internal", Some(fault.to_owned()));
        self.stopped(duty, failure).await
    }

    fn import_secret(&self, row: &import::Model, field: &'static str) -> Result<Option<SecretString>> {
        let sealed = if field == PASSWORD { &row.password } else { &row.mailbox_password };
        let place = Place { customer: row.customer_id, row: row.id, field };
        let open = |sealed: &Vec<u8>| self.inner.vault.unseal(place, sealed).map_err(Error::internal);
        sealed.as_ref().map(open).transpose()
    }
}

/// The import, if this job is still meant and it has not ended.
pub(crate) async fn current(writing: &store::Writing<'_>, duty: &Duty) -> Result<Option<import::Model>> {
    let row = import::Entity::find_by_id(duty.subject()).one(writing.connection()).await?;
    Ok(row.filter(|row| row.job_id == Some(duty.number()) && !import_state(&row.state).is_final()))
}

/// The new mailbox's address.
pub(crate) fn address(local: &str, domain: &str) -> Result<Address, mailhost::AddressError> {
    Address::new(local, domain.parse()?)
}

/// At the end the report's numbers count, not what was told on the way.
fn settle_numbers(row: &mut import::ActiveModel, report: &Report) {
    row.folders_total = Set(report.folders.len() as i64);
    row.messages_total = Set(report.totals.listed.cast_signed());
    row.messages_done = Set(report.totals.accounted().cast_signed());
    row.imported = Set(report.totals.imported.cast_signed());
    let octets = *row.octets_total.as_ref();
    row.octets_done = Set(octets.unwrap_or_else(|| *row.octets_done.as_ref()));
}
