//! The second factor: time-based codes (RFC 6238), each of which works once.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use store::tables::customer;
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Actor, Problem, Via};
use crate::service::Service;
use crate::vault::Place;

/// Seconds of a step, and how many steps a clock may be off (RFC 6238, section 5.2).
const STEP: u64 = 30;
const SKEW: u16 = 1;

/// What an authenticator needs to be set up.
pub struct TotpSetup {
    /// To type.
    pub secret_base32: String,
    /// To scan.
    pub otpauth_url: String,
}

impl std::fmt::Debug for TotpSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSetup")
    }
}

impl Service {
    /// A new secret, which counts once a code of it was confirmed.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for tokens.
    pub async fn begin_totp(&self, actor: &Actor) -> Result<TotpSetup> {
        let row = self.person(actor).await?;
        let secret = SecretString::from(Secret::generate().to_base32());
        let setup = setup(&secret, &row.name)?;
        let sealed = self.inner.vault.seal(place(row.id), &secret);
        let writing = self.writing().await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.totp_pending = Set(Some(sealed));
        changed.update(writing.connection()).await?;
        writing.commit().await?;
        Ok(setup)
    }

    /// The secret that still waits for its first code: who mistyped it can go on.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for tokens.
    pub async fn pending_totp(&self, actor: &Actor) -> Result<Option<TotpSetup>> {
        let row = self.person(actor).await?;
        let Some(sealed) = &row.totp_pending else { return Ok(None) };
        let secret = self.inner.vault.unseal(place(row.id), sealed).map_err(Error::internal)?;
        setup(&secret, &row.name).map(Some)
    }

    /// Switches the second factor on, when the code is right.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it is not.
    pub async fn confirm_totp(&self, actor: &Actor, code: &str) -> Result<()> {
        let row = self.person(actor).await?;
        let wrong = || Error::Invalid(vec![Problem::new("code", "code_wrong", "This code is not right.")]);
        self.inner.by_name.attempt(&actor.name).map_err(|retry_after| Error::TooMany { retry_after })?;
        let sealed = row.totp_pending.clone().ok_or_else(wrong)?;
        let secret = self.inner.vault.unseal(place(row.id), &sealed).map_err(Error::internal)?;
        let step = accepted_step(&secret, &row.name, code)?.ok_or_else(wrong)?;
        let writing = self.writing().await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.totp = Set(Some(sealed));
        changed.totp_pending = Set(None);
        changed.totp_step = Set(step);
        changed.update(writing.connection()).await?;
        crate::audit::record(writing.connection(), actor, "totp.on", &actor.name).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// Switches the second factor off.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the password is wrong.
    pub async fn remove_totp(&self, actor: &Actor, password: SecretString) -> Result<()> {
        let row = self.proved(actor, password, "password").await?;
        let writing = self.writing().await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.totp = Set(None);
        changed.totp_pending = Set(None);
        changed.update(writing.connection()).await?;
        crate::audit::record(writing.connection(), actor, "totp.off", &actor.name).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// Whether a code lets a customer in; it does so once.
    pub(crate) async fn totp_accepts(&self, row: &customer::Model, code: &str) -> Result<bool> {
        let Some(sealed) = &row.totp else { return Ok(false) };
        let secret = self.inner.vault.unseal(place(row.id), sealed).map_err(Error::internal)?;
        let Some(step) = accepted_step(&secret, &row.name, code)? else { return Ok(false) };
        let writing = self.writing().await?;
        let fresh = customer::Entity::update_many()
            .col_expr(customer::Column::TotpStep, step.into())
            .filter(customer::Column::Id.eq(row.id))
            .filter(customer::Column::TotpStep.lt(step))
            .exec(writing.connection())
            .await?;
        writing.commit().await?;
        Ok(fresh.rows_affected == 1)
    }

    async fn person(&self, actor: &Actor) -> Result<customer::Model> {
        match actor.via {
            Via::Session => self.customer_row(actor.customer.0).await,
            Via::Token { .. } | Via::CommandLine => Err(Error::Forbidden),
        }
    }
}

/// The field that a second factor's secret is sealed for.
pub(crate) const TOTP: &str = "totp";

fn place(customer: Uuid) -> Place {
    Place { customer, row: customer, field: TOTP }
}

fn setup(secret: &SecretString, name: &str) -> Result<TotpSetup> {
    Ok(TotpSetup {
        otpauth_url: totp(secret, name)?.to_url().map_err(Error::internal)?,
        secret_base32: secret.expose_secret().to_owned(),
    })
}

fn totp(secret: &SecretString, name: &str) -> Result<Totp> {
    Builder::new()
        .with_secret(Secret::try_from_base32(secret.expose_secret()).map_err(Error::internal)?)
        .with_skew(SKEW)
        .with_step_duration(STEP)
        .with_account_name(name)
        .with_issuer(Some("mailimport"))
        .build()
        .map_err(Error::internal)
}

/// The time step that a code belongs to, if it is right now.
fn accepted_step(secret: &SecretString, name: &str, code: &str) -> Result<Option<i64>> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = totp(secret, name)?.check_current(&code);
    Ok(step.map(|step| i64::try_from(step).unwrap_or(i64::MAX)))
}
