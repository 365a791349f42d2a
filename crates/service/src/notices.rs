//! Telling customers that a run has ended: by e-mail, and by a webhook of theirs.
//!
//! A notice is written, with its job, in the transaction that ends the run, one for each way; from then on it is
//! brought by whichever worker has a place for it. What is told holds no password, no user name of an old account and
//! no subject of a message, and no trouble with telling ever reaches an import.

mod ending;
mod letters;
mod mail_server;
mod post;
mod telling;
mod webhook;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::RngCore as _;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use store::tables::{customer, notice, notice_setting};
use uuid::Uuid;

pub use self::letters::{Letter, Letters, Sender};
pub use self::mail_server::SmtpServer;
pub use self::post::MailOut;
use crate::clock::{now, time};
use crate::error::{Error, Result};
use crate::identity::account::language_text;
use crate::model::{
    Actor, Channel, Language, Notice, NoticeOutcome, NoticeSettings, NoticeState, NoticeWishes, Problem,
    RunId, Scope,
};
use crate::service::{Service, Transaction, require};
use crate::vault::Place;

/// The field of a customer's settings whose secret signs what is sent to the webhook.
pub(crate) const WEBHOOK_SECRET: &str = "webhook_secret";

/// How long notices are remembered.
const KEEP: i64 = 90 * 24 * 3600 * 1000;

impl Service {
    /// How the actor is told when a run ends, and how it went lately.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the customer is gone.
    pub async fn notices(&self, actor: &Actor) -> Result<NoticeSettings> {
        require(actor, Scope::Read)?;
        let customer = self.customer_row(actor.customer.0).await?;
        let setting = setting(self.reading(), customer.id).await?;
        Ok(NoticeSettings {
            email_offered: self.inner.settings.mail_out.is_some(),
            email: setting.email,
            address: customer.email,
            webhook: setting.webhook,
            last_email: self.last_notice(customer.id, Channel::Email).await?,
            last_webhook: self.last_notice(customer.id, Channel::Webhook).await?,
        })
    }

    /// Says how the actor wants to be told. A first webhook gets a secret, which is the answer: it is shown this once.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an address that no webhook may have.
    pub async fn set_notices(&self, actor: &Actor, wishes: NoticeWishes) -> Result<Option<SecretString>> {
        require(actor, Scope::Write)?;
        let webhook =
            wishes.webhook.map(|typed| webhook::check(&typed, &self.inner.settings.network)).transpose();
        let webhook = webhook.map_err(|problem| Error::Invalid(vec![problem]))?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let before = setting(transaction, actor.customer.0).await?;
        let secret = match (&webhook, &before.webhook_secret) {
            (Some(_), None) => Some(new_secret()),
            _ => None,
        };
        let sealed = match (&webhook, &secret) {
            (None, _) => None,
            (Some(_), Some(secret)) => Some(self.inner.vault.seal(place(actor.customer.0), secret)),
            (Some(_), None) => before.webhook_secret,
        };
        let action = match (&before.webhook, &webhook) {
            (None, Some(_)) => Some("webhook.set"),
            (Some(before), Some(after)) if before != after.as_str() => Some("webhook.change"),
            (Some(_), None) => Some("webhook.remove"),
            _ => None,
        };
        if let Some(action) = action {
            // Path and query may hold a secret of the receiver.
            let host = webhook.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
            crate::audit::record(transaction, actor, action, host).await?;
        }
        let row = notice_setting::Model {
            customer_id: actor.customer.0,
            email: wishes.email,
            webhook: webhook.map(String::from),
            webhook_secret: sealed,
        };
        save(transaction, row).await?;
        writing.commit().await?;
        Ok(secret)
    }

    /// Makes another secret for the webhook; the one before signs nothing any more. It is shown this once.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] without a webhook.
    pub async fn renew_webhook_secret(&self, actor: &Actor) -> Result<SecretString> {
        require(actor, Scope::Write)?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        let before = setting(transaction, actor.customer.0).await?;
        if before.webhook.is_none() {
            return Err(Error::NotFound);
        }
        let secret = new_secret();
        let sealed = Some(self.inner.vault.seal(place(actor.customer.0), &secret));
        save(transaction, notice_setting::Model { webhook_secret: sealed, ..before }).await?;
        crate::audit::record(transaction, actor, "webhook.secret", &actor.name).await?;
        writing.commit().await?;
        Ok(secret)
    }

    /// Sends a test on every way that is switched on.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when none is; [`Error::TooMany`] for too many.
    pub async fn test_notices(&self, actor: &Actor) -> Result<()> {
        require(actor, Scope::Write)?;
        self.inner
            .notice_tests
            .attempt(actor.customer.0)
            .map_err(|retry_after| Error::TooMany { retry_after })?;
        let writing = self.writing().await?;
        let ways = self.ways(writing.connection(), actor.customer.0).await?;
        if ways.is_empty() {
            let message = "Please switch on e-mail or enter the address of a webhook first.";
            return Err(Error::Invalid(vec![Problem::new("", "notices_off", message)]));
        }
        for channel in ways {
            self.add_notice(&writing, actor.customer.0, channel, None).await?;
        }
        writing.commit().await.map_err(Error::from)
    }

    /// Remembers the language of the actor's browser: in it they are written to where they have chosen none.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn note_language(&self, actor: &Actor, language: Language) -> Result<()> {
        let row = self.customer_row(actor.customer.0).await?;
        let text = language_text(language);
        if row.browser_language.as_deref() == Some(text) {
            return Ok(());
        }
        let writing = self.writing().await?;
        let changed = customer::ActiveModel {
            id: Set(row.id),
            browser_language: Set(Some(text.to_owned())),
            ..Default::default()
        };
        changed.update(writing.connection()).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// On which ways a customer is told as things are.
    async fn ways(&self, transaction: &Transaction, customer: Uuid) -> Result<Vec<Channel>> {
        let setting = setting(transaction, customer).await?;
        let row = customer::Entity::find_by_id(customer).one(transaction).await?;
        let has_address = row.is_some_and(|row| row.email.is_some());
        let mut ways = Vec::new();
        if setting.email && has_address && self.inner.settings.mail_out.is_some() {
            ways.push(Channel::Email);
        }
        if setting.webhook.is_some() {
            ways.push(Channel::Webhook);
        }
        Ok(ways)
    }

    async fn last_notice(&self, customer: Uuid, channel: Channel) -> Result<Option<Notice>> {
        let row = notice::Entity::find()
            .filter(notice::Column::CustomerId.eq(customer))
            .filter(notice::Column::Channel.eq(channel_text(channel)))
            .order_by_desc(notice::Column::CreatedAt)
            .order_by_desc(notice::Column::Id)
            .one(self.reading())
            .await?;
        Ok(row.map(notice_view))
    }

    /// Forgets what was told long ago.
    pub(crate) async fn forget_old_notices(&self) -> Result<()> {
        let writing = self.writing().await?;
        notice::Entity::delete_many()
            .filter(notice::Column::CreatedAt.lt(now() - KEEP))
            .exec(writing.connection())
            .await?;
        writing.commit().await.map_err(Error::from)
    }
}

/// Where the secret of a customer's webhook is sealed.
pub(crate) fn place(customer: Uuid) -> Place {
    Place { customer, row: customer, field: WEBHOOK_SECRET }
}

/// How a customer wants to be told; who has said nothing is told by e-mail.
pub(crate) async fn setting(on: &impl ConnectionTrait, customer: Uuid) -> Result<notice_setting::Model> {
    let row = notice_setting::Entity::find_by_id(customer).one(on).await?;
    Ok(row.unwrap_or(notice_setting::Model {
        customer_id: customer,
        email: true,
        webhook: None,
        webhook_secret: None,
    }))
}

async fn save(transaction: &Transaction, row: notice_setting::Model) -> Result<()> {
    use notice_setting::Column as C;
    let row = notice_setting::ActiveModel {
        customer_id: Set(row.customer_id),
        email: Set(row.email),
        webhook: Set(row.webhook),
        webhook_secret: Set(row.webhook_secret),
    };
    let over =
        OnConflict::column(C::CustomerId).update_columns([C::Email, C::Webhook, C::WebhookSecret]).to_owned();
    notice_setting::Entity::insert(row).on_conflict(over).exec_without_returning(transaction).await?;
    Ok(())
}

/// A secret as the Standard Webhooks write it.
fn new_secret() -> SecretString {
    let mut octets = Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(octets.as_mut_slice());
    let text = Zeroizing::new(BASE64.encode(octets.as_slice()));
    SecretString::from(format!("{}{}", webhook::SECRET_PREFIX, text.as_str()))
}

/// The secret's octets; `None` when it is none of ours.
fn secret_octets(secret: &SecretString) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose_secret().strip_prefix(webhook::SECRET_PREFIX)?;
    BASE64.decode(text).ok().map(Zeroizing::new)
}

pub(crate) fn channel_text(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Webhook => "webhook",
    }
}

fn channel(text: &str) -> Channel {
    if text == "email" { Channel::Email } else { Channel::Webhook }
}

const STATES: [(NoticeState, &str); 4] = [
    (NoticeState::Waiting, "waiting"),
    (NoticeState::Retrying, "retrying"),
    (NoticeState::Delivered, "delivered"),
    (NoticeState::Failed, "failed"),
];

fn state_text(state: NoticeState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("failed", |(_, text)| text)
}

fn state(text: &str) -> NoticeState {
    STATES.iter().find(|(_, known)| *known == text).map_or(NoticeState::Failed, |(state, _)| *state)
}

fn outcome(text: &str) -> NoticeOutcome {
    NoticeOutcome::ALL.into_iter().find(|known| known.as_str() == text).unwrap_or(NoticeOutcome::Internal)
}

fn notice_view(row: notice::Model) -> Notice {
    let state = state(&row.state);
    Notice {
        channel: channel(&row.channel),
        run: row.run_id.map(RunId),
        state,
        outcome: row.outcome.as_deref().map(outcome),
        code: row.code.and_then(|code| u16::try_from(code).ok()),
        attempts: row.attempts.cast_unsigned(),
        at: time(row.tried_at.unwrap_or(row.created_at)),
        retry_at: row.retry_at.filter(|_| state == NoticeState::Retrying).map(time),
    }
}
