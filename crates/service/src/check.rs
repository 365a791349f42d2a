//! The check of an entry: resolve, connect, encrypt, log in, count, look at the destination. It changes nothing
//! anywhere but the entry's own row.
//!
//! A check whose entry was changed meanwhile is worthless: its result is dropped.

use std::time::Duration;

use engine::account::Settings as EngineSettings;
use engine::account::{Route, Source};
use engine::report::Stop;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait};
use secrecy::SecretString;
use store::tables::{domain, entry};
use tokio::time::Instant;

use crate::clock::now;
use crate::discovery::{self, Candidate};
use crate::entries::{MAILBOX_PASSWORD, PASSWORD, state_text};
use crate::error::{Error, Result};
use crate::failure;
use crate::identity::domains::next_revision;
use crate::model::{CheckOutcome, EntryState, Estimate, Failure, FoundServer, Side};
use crate::providers;
use crate::queue::Duty;
use crate::service::Service;
use crate::settings::Reach;

/// What one account's import brings at the least and at the most in a second, as far as can be told before it: octets,
/// and messages for accounts of many small ones (a slow and a fast old provider).
const OCTETS: (u64, u64) = (2_000_000, 15_000_000);
const MESSAGES: (u64, u64) = (40, 400);

impl Service {
    /// Checks the entry that a job names.
    pub(crate) async fn check(&self, duty: &Duty) -> Result<()> {
        let Some((entry, domain)) = self.begin_check(duty).await? else { return Ok(()) };
        let begun = Instant::now();
        let outcome = self.look(&entry, &domain).await?;
        if outcome.failure.as_ref().is_some_and(failure::is_unreachable) {
            tokio::time::sleep_until(begun + self.inner.settings.unreachable_after).await;
        }
        self.end_check(duty, outcome).await
    }

    /// Marks the entry as being checked; `None` when it is gone or another check is meant.
    async fn begin_check(&self, duty: &Duty) -> Result<Option<(entry::Model, domain::Model)>> {
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(None) };
        let domain = domain::Entity::find_by_id(row.domain_id).one(writing.connection()).await?;
        let domain = domain.ok_or(Error::NotFound)?;
        let mut changed: entry::ActiveModel = row.into();
        changed.state = Set(state_text(EntryState::Checking).to_owned());
        changed.revision = Set(next_revision(writing.connection(), domain.id).await?);
        let row = changed.update(writing.connection()).await?;
        writing.commit().await?;
        Ok(Some((row, domain)))
    }

    async fn end_check(&self, duty: &Duty, mut outcome: CheckOutcome) -> Result<()> {
        outcome.failure = outcome.failure.map(|failure| self.told(failure));
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(()) };
        let state = if outcome.failure.is_none() { EntryState::Verified } else { EntryState::CheckFailed };
        let revision = next_revision(writing.connection(), row.domain_id).await?;
        let mut changed: entry::ActiveModel = row.into();
        changed.state = Set(state_text(state).to_owned());
        changed.outcome = Set(Some(serde_json::to_string(&outcome).map_err(Error::internal)?));
        changed.revision = Set(revision);
        changed.updated_at = Set(now());
        changed.job_id = Set(None);
        changed.update(writing.connection()).await?;
        writing.commit().await?;
        let class = outcome.failure.map_or_else(|| "verified".to_owned(), |failure| failure.class);
        metrics::counter!("mailimport_checks_total", "outcome" => class).increment(1);
        Ok(())
    }

    /// An internal fault ended the check.
    pub(crate) async fn check_faulted(&self, duty: &Duty, fault: &str) -> Result<()> {
        let failure = failure::of_class(Side::Internal, "internal", Some(fault.to_owned()));
        self.end_check(duty, blank(None, Some(failure))).await
    }

    /// Looks at both sides.
    async fn look(&self, entry: &entry::Model, domain: &domain::Model) -> Result<CheckOutcome> {
        let password = self.unsealed(entry, PASSWORD)?.unwrap_or_default();
        let mut outcome = self.look_at_source(&entry.server, &entry.username, &password).await?;
        if outcome.failure.is_none() {
            let mailbox_password = self.unsealed(entry, MAILBOX_PASSWORD)?;
            self.look_at_destination(&mut outcome, &entry.mailbox, &domain.name, mailbox_password).await;
        }
        Ok(outcome)
    }

    /// Finds the old server, logs in and counts.
    pub(crate) async fn look_at_source(
        &self,
        server: &str,
        username: &str,
        password: &SecretString,
    ) -> Result<CheckOutcome> {
        let candidates = match discovery::find(server, username, &self.inner.settings.network).await {
            Ok(candidates) => candidates,
            Err(failure) => return Ok(blank(None, Some(failure))),
        };
        let mut last = None;
        for candidate in candidates {
            let outcome = self.try_candidate(&candidate, username, password).await?;
            // Only where nothing answers is the next one asked: a password goes to one server.
            let absent = |failure: &Failure| failure::is_unreachable(failure) || failure.class == "dns";
            if !outcome.failure.as_ref().is_some_and(absent) {
                return Ok(outcome);
            }
            last.get_or_insert(outcome);
        }
        let nothing = || blank(None, Some(failure::of_class(Side::Source, "server_not_found", None)));
        Ok(last.unwrap_or_else(nothing))
    }

    async fn try_candidate(
        &self,
        candidate: &Candidate,
        username: &str,
        password: &SecretString,
    ) -> Result<CheckOutcome> {
        let Candidate { endpoint, found } = candidate.clone();
        let user = found.username.as_deref().unwrap_or(username);
        let source = self.source(endpoint, user, password)?;
        match engine::check(&source, &self.check_settings()).await {
            Ok(survey) => {
                let folders = survey.folders.iter().filter(|folder| folder.selectable).count() as u64;
                let (messages, octets) = survey.totals();
                Ok(CheckOutcome {
                    software: survey.server,
                    folders,
                    messages,
                    octets,
                    estimate: Some(estimate(messages, octets)),
                    ..blank(Some(found), None)
                })
            }
            Err(error) => Ok(failed(found, username, &error.stop())),
        }
    }

    /// Whether the mailbox is there, can be made, and has room.
    async fn look_at_destination(
        &self,
        outcome: &mut CheckOutcome,
        mailbox: &str,
        domain: &str,
        password: Option<SecretString>,
    ) {
        let failed = |class: &str, detail: String| failure::of_class(Side::Destination, class, Some(detail));
        let address = match crate::importing::address(mailbox, domain) {
            Ok(address) => address,
            Err(error) => return outcome.failure = Some(failed("destination", error.to_string())),
        };
        match self.inner.host.find(&address).await {
            Ok(found) => outcome.mailbox_exists = found.is_some(),
            Err(error) => return outcome.failure = Some(failed(error.class(), error.to_string())),
        }
        if !outcome.mailbox_exists && password.is_none() {
            let needed = failure::of_class(Side::Destination, "mailbox_password_needed", None);
            return outcome.failure = Some(needed);
        }
        match self.inner.host.free_space().await {
            Ok(Some(free)) if outcome.octets.is_some_and(|octets| octets > free) => {
                let detail = format!("{} octets are free", free);
                outcome.failure = Some(failed("quota", detail));
            }
            Ok(_) => {}
            Err(error) => outcome.failure = Some(failed(error.class(), error.to_string())),
        }
    }

    fn check_settings(&self) -> EngineSettings {
        let client = self.inner.settings.engine.client.clone();
        let mut settings = EngineSettings { patience: Duration::ZERO, client, ..EngineSettings::default() };
        let limit = self.inner.settings.connect_timeout;
        let timeouts = &mut settings.client.timeouts;
        for timeout in [&mut timeouts.connect, &mut timeouts.tls, &mut timeouts.greeting] {
            *timeout = limit.min(*timeout);
        }
        settings
    }

    /// What a customer may read of a failure: details of our own side name our disks, and go to the log instead.
    pub(crate) fn told(&self, mut failure: Failure) -> Failure {
        if self.inner.settings.reach == Reach::Policy
            && failure.side != Side::Source
            && let Some(detail) = failure.detail.take()
        {
            tracing::warn!(class = failure.class, detail, "our own side failed");
        }
        failure
    }

    fn route(&self) -> Route {
        match self.inner.settings.reach {
            Reach::Policy => self.inner.settings.network.route(),
            Reach::Anywhere => Route::Anywhere,
        }
    }

    /// A source account behind the address policy.
    pub(crate) fn source(
        &self,
        endpoint: imap::Endpoint,
        user: &str,
        password: &SecretString,
    ) -> Result<Source> {
        let tls = imap::Tls::new(self.inner.settings.tls.clone()).map_err(Error::internal)?;
        let credentials = imap::Credentials::Password {
            user: user.to_owned(),
            password: password.clone(),
            authorization_id: None,
        };
        Ok(Source { endpoint, tls, credentials, route: self.route() })
    }
}

/// The entry, if it is still this check that is meant.
async fn current(writing: &store::Writing<'_>, duty: &Duty) -> Result<Option<entry::Model>> {
    let row = entry::Entity::find_by_id(duty.subject()).one(writing.connection()).await?;
    Ok(row.filter(|row| row.job_id == Some(duty.number())))
}

fn failed(found: FoundServer, username: &str, stop: &Stop) -> CheckOutcome {
    let failure = failure::of_stop(stop);
    let asks = providers::hint(&found.url, username, &failure.class);
    CheckOutcome {
        hint: asks.map(|asks| asks.hint),
        hint_url: asks.and_then(|asks| asks.url).map(str::to_owned),
        ..blank(Some(found), Some(failure))
    }
}

fn blank(server: Option<FoundServer>, failure: Option<Failure>) -> CheckOutcome {
    CheckOutcome {
        at: jiff::Timestamp::now(),
        server,
        software: None,
        folders: 0,
        messages: 0,
        octets: None,
        estimate: None,
        mailbox_exists: false,
        failure,
        hint: None,
        hint_url: None,
    }
}

fn estimate(messages: u64, octets: Option<u64>) -> Estimate {
    let octets = octets.unwrap_or(messages.saturating_mul(50_000));
    Estimate {
        low: (octets / OCTETS.1).max(messages / MESSAGES.1),
        high: (octets / OCTETS.0).max(messages / MESSAGES.0) + 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_a_range_by_what_is_slower_octets_or_messages() {
        assert_eq!(estimate(0, Some(0)), Estimate { low: 0, high: 5 });
        assert_eq!(estimate(100, Some(3_000_000_000)), Estimate { low: 200, high: 1_505 });
        assert_eq!(estimate(40_000, Some(1_000)), Estimate { low: 100, high: 1_005 });
    }
}
