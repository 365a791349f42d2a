//! Bringing a notice to its customer, as a job: one attempt at a time, at most eight, with growing pauses.
//!
//! At least once: a process that is killed between the call and its note calls again, with the same id.

use std::time::{Duration, SystemTime};

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait};
use store::jobs::Outcome;
use store::tables::{customer, notice};
use tokio::time::Instant;

use super::webhook::{self, Call};
use super::{channel, place, setting, state, state_text};
use crate::clock::{now, time};
use crate::error::{Error, Result};
use crate::identity::language;
use crate::model::{Channel, Language, NoticeOutcome, NoticeState, RunEnd};
use crate::queue::Duty;
use crate::service::Service;

const MINUTE: u64 = 60;

/// Between two attempts.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(15 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(60 * MINUTE),
    Duration::from_secs(180 * MINUTE),
    Duration::from_secs(360 * MINUTE),
];

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) outcome: NoticeOutcome,
    pub(super) code: Option<u16>,
    /// Whether another attempt can help.
    pub(super) again: bool,
}

impl Answer {
    pub(super) fn taken(code: Option<u16>) -> Answer {
        Answer { outcome: NoticeOutcome::Delivered, code, again: false }
    }

    pub(super) fn later(outcome: NoticeOutcome, code: Option<u16>) -> Answer {
        Answer { outcome, code, again: true }
    }

    pub(super) fn never(outcome: NoticeOutcome, code: Option<u16>) -> Answer {
        Answer { outcome, code, again: false }
    }
}

impl Service {
    /// Makes one attempt to bring the notice that a job names.
    pub(crate) async fn tell(&self, duty: &Duty) -> Result<Outcome> {
        let row = notice::Entity::find_by_id(duty.subject()).one(self.reading()).await?;
        let Some(row) = row.filter(|row| is_open(&row.state)) else { return Ok(Outcome::Done) };
        let Some(customer) = customer::Entity::find_by_id(row.customer_id).one(self.reading()).await? else {
            return Ok(Outcome::Done);
        };
        let Ok(end) = end_of(&row) else {
            tracing::error!(notice = %row.id, "a notice holds no end of a run");
            return self.note(duty, Answer::never(NoticeOutcome::Internal, None)).await;
        };
        let (begun, stop) = (Instant::now(), duty.stop());
        let attempt = async {
            let answer = match channel(&row.channel) {
                Channel::Email => self.write_to(&row, end.as_ref(), &customer).await?,
                Channel::Webhook => self.call(&row, end.as_ref()).await?,
            };
            if answer.is_some_and(|answer| answer.outcome == NoticeOutcome::NotAnswering) {
                // How fast we say so would tell a stranger which addresses exist in our network.
                tokio::time::sleep_until(begun + self.inner.settings.unreachable_after).await;
            }
            Ok::<_, Error>(answer)
        };
        tokio::select! {
            answer = attempt => match answer? {
                Some(answer) => self.note(duty, answer).await,
                None => self.drop_notice(duty).await,
            },
            () = stop.cancelled() => Ok(Outcome::GiveBack),
        }
    }

    /// A panic ended an attempt.
    pub(crate) async fn tell_faulted(&self, duty: &Duty) -> Result<Outcome> {
        self.note(duty, Answer::later(NoticeOutcome::Internal, None)).await
    }

    /// An e-mail. `None`: it is not wanted any more.
    async fn write_to(
        &self,
        row: &notice::Model,
        end: Option<&RunEnd>,
        customer: &customer::Model,
    ) -> Result<Option<Answer>> {
        let setting = setting(self.reading(), customer.id).await?;
        let settings = &self.inner.settings;
        let (true, Some(mail), Some(to)) = (setting.email, &settings.mail_out, &customer.email) else {
            return Ok(None);
        };
        let language = language(customer.language.as_deref())
            .or_else(|| language(customer.browser_language.as_deref()))
            .unwrap_or(Language::English);
        let letter = match end {
            Some(end) => mail.letters.run_ended(language, end, self.page(end).as_deref()),
            None => mail.letters.test(language),
        };
        let made = SystemTime::UNIX_EPOCH + Duration::from_millis(row.created_at.max(0).cast_unsigned());
        Ok(Some(mail.send(&settings.tls, to, letter, (row.id, made)).await))
    }

    /// A call of the webhook. `None`: it is not wanted any more.
    async fn call(&self, row: &notice::Model, end: Option<&RunEnd>) -> Result<Option<Answer>> {
        let setting = setting(self.reading(), row.customer_id).await?;
        let (Some(address), Some(sealed)) = (setting.webhook, setting.webhook_secret) else {
            return Ok(None);
        };
        let secret = match self.inner.vault.unseal(place(row.customer_id), &sealed) {
            Ok(secret) => secret,
            Err(error) => {
                tracing::error!(notice = %row.id, %error, "a webhook cannot be called");
                return Ok(Some(Answer::later(NoticeOutcome::Internal, None)));
            }
        };
        let body = match end {
            Some(end) => webhook::run_ended(end, self.page(end).as_deref()),
            None => webhook::test(time(row.created_at)),
        };
        let call = Call { address: &address, id: format!("msg_{}", row.id.simple()), body, secret: &secret };
        Ok(Some(call.make(&self.inner.settings.network).await))
    }

    /// The address of a run's page.
    fn page(&self, end: &RunEnd) -> Option<String> {
        self.inner
            .settings
            .base_url
            .as_ref()
            .map(|base| format!("{}/runs/{}", base.trim_end_matches('/'), end.run))
    }

    /// Writes what came of an attempt, and says when the next one comes.
    async fn note(&self, duty: &Duty, answer: Answer) -> Result<Outcome> {
        let writing = self.writing_for(duty).await?;
        let row = notice::Entity::find_by_id(duty.subject()).one(writing.connection()).await?;
        let Some(row) = row else { return Ok(Outcome::Done) };
        let attempts = row.attempts + 1;
        let made = usize::try_from(attempts).unwrap_or(usize::MAX);
        let pause = PAUSES.get(made.saturating_sub(1)).copied().filter(|_| answer.again);
        let (state, ending) = match (answer.outcome, pause) {
            (NoticeOutcome::Delivered, _) => (NoticeState::Delivered, Outcome::Done),
            (_, Some(pause)) => (NoticeState::Retrying, Outcome::RetryAfter(pause)),
            (_, None) => (NoticeState::Failed, Outcome::Failed),
        };
        let now = now();
        let next = |pause: Duration| now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let word = answer.outcome.as_str();
        tracing::info!(notice = %row.id, channel = row.channel, attempts, outcome = word, code = answer.code, "told");
        metrics::counter!("mailimport_notices_total", "channel" => row.channel.clone(), "outcome" => word)
            .increment(1);
        let mut changed: notice::ActiveModel = row.into();
        changed.state = Set(state_text(state).to_owned());
        changed.outcome = Set(Some(word.to_owned()));
        changed.code = Set(answer.code.map(i64::from));
        changed.attempts = Set(attempts);
        changed.tried_at = Set(Some(now));
        changed.retry_at = Set(pause.map(next));
        changed.update(writing.connection()).await?;
        writing.commit().await?;
        Ok(ending)
    }

    /// It was switched off meanwhile: nothing is told, and nothing is left to say of it.
    async fn drop_notice(&self, duty: &Duty) -> Result<Outcome> {
        let writing = self.writing_for(duty).await?;
        notice::Entity::delete_by_id(duty.subject()).exec(writing.connection()).await?;
        writing.commit().await?;
        Ok(Outcome::Done)
    }
}

fn is_open(text: &str) -> bool {
    matches!(state(text), NoticeState::Waiting | NoticeState::Retrying)
}

/// How the run ended; `None` for a test.
fn end_of(row: &notice::Model) -> serde_json::Result<Option<RunEnd>> {
    row.content.as_deref().map(serde_json::from_str).transpose()
}
