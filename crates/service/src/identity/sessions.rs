//! Signing in and out, and whom a cookie belongs to.

use std::net::IpAddr;
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use secrecy::SecretString;
use store::tables::{customer, session};
use uuid::Uuid;

use super::{customer_view, role};
use crate::clock::now;
use crate::error::{Error, Result};
use crate::model::{Actor, Customer, CustomerId, Via};
use crate::secret::{kept, new_secret};
use crate::service::{Service, Transaction};

/// A session that nobody uses ends.
const IDLE: i64 = 12 * 3600 * 1000;
/// Every session ends.
const LONGEST: i64 = 30 * 24 * 3600 * 1000;
/// How exactly its last use is remembered.
const MINUTE: i64 = 60 * 1000;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// For the use cases.
    pub actor: Actor,
    /// For the pages.
    pub customer: Customer,
    /// What every form must bring back.
    pub csrf: String,
}

/// A new session, with what the browser keeps.
pub struct SignedIn {
    /// The cookie's value.
    pub secret: String,
    /// Who it is.
    pub session: Session,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("session", &self.session.actor.name).finish_non_exhaustive()
    }
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Name, password or code are wrong, or the customer is disabled: nobody learns which.
    #[error("This name, password or code is not right.")]
    Refused,
    /// The password is right and a code of the second factor is needed.
    #[error("A code is needed.")]
    CodeNeeded,
    /// Too many attempts.
    #[error("Too many attempts. Please wait {} s.", .retry_after.as_secs() + 1)]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
    /// An internal fault.
    #[error("An internal fault: {0}")]
    Internal(String),
}

impl From<Error> for SignInError {
    fn from(error: Error) -> SignInError {
        match error {
            Error::TooMany { retry_after } => SignInError::TooMany { retry_after },
            other => SignInError::Internal(other.to_string()),
        }
    }
}

impl Service {
    /// Signs somebody in. `code` is of the second factor, where there is one.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: SecretString,
        code: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<SignedIn, SignInError> {
        let name = name.trim().to_lowercase();
        self.throttled(&name, from)?;
        let row = customer::Entity::find()
            .filter(customer::Column::Name.eq(&name))
            .one(self.reading())
            .await
            .map_err(Error::from)?
            .filter(|row| !row.disabled);
        let hash = row.as_ref().and_then(|row| row.password_hash.clone());
        let right = self.inner.passwords.verify(hash, password).await?;
        let Some(row) = row.filter(|_| right) else {
            self.audit_refusal(&name, from).await?;
            return Err(SignInError::Refused);
        };
        if row.totp.is_some() {
            let code = code.filter(|code| !code.trim().is_empty()).ok_or(SignInError::CodeNeeded)?;
            if !self.totp_accepts(&row, code).await? {
                self.audit_refusal(&name, from).await?;
                return Err(SignInError::Refused);
            }
        }
        Ok(self.new_session(row, from, "sign_in").await?)
    }

    /// Counts an attempt for name and address.
    fn throttled(&self, name: &str, from: Option<IpAddr>) -> Result<(), SignInError> {
        let too_many = |retry_after| SignInError::TooMany { retry_after };
        if let Some(address) = from {
            self.inner.by_address.attempt(network(address)).map_err(too_many)?;
        }
        self.inner.by_name.attempt(name).map_err(too_many)
    }

    async fn audit_refusal(&self, name: &str, from: Option<IpAddr>) -> Result<()> {
        let name: String = name.chars().take(64).collect();
        let writing = self.writing().await?;
        crate::audit::write(writing.connection(), "", None, "sign_in.refused", &name, from).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// A new session of a customer who has proved who they are.
    pub(crate) async fn new_session(
        &self,
        row: customer::Model,
        from: Option<IpAddr>,
        action: &str,
    ) -> Result<SignedIn> {
        let writing = self.writing().await?;
        let signed_in = add_session(writing.connection(), row, from).await?;
        let actor = &signed_in.session.actor;
        crate::audit::record(writing.connection(), actor, action, &actor.name).await?;
        writing.commit().await?;
        Ok(signed_in)
    }

    /// Whom a cookie belongs to; `None` when it is unknown or its time is over.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn session(&self, secret: &str) -> Result<Option<Session>> {
        let found = session::Entity::find_by_id(kept(secret)).one(self.reading()).await?;
        let now = now();
        let alive = |row: &session::Model| now - row.seen_at < IDLE && now - row.created_at < LONGEST;
        let Some(found) = found.filter(alive) else { return Ok(None) };
        let customer = customer::Entity::find_by_id(found.customer_id).one(self.reading()).await?;
        let Some(customer) = customer.filter(|row| !row.disabled) else { return Ok(None) };
        if now - found.seen_at > MINUTE {
            self.seen(&found, now).await?;
        }
        Ok(Some(session_of(customer, found.csrf, None)))
    }

    async fn seen(&self, row: &session::Model, now: i64) -> Result<()> {
        let writing = self.writing().await?;
        let update = session::ActiveModel {
            secret_hash: Set(row.secret_hash.clone()),
            seen_at: Set(now),
            ..Default::default()
        };
        session::Entity::update(update).exec(writing.connection()).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn sign_out(&self, secret: &str) -> Result<()> {
        let writing = self.writing().await?;
        session::Entity::delete_by_id(kept(secret)).exec(writing.connection()).await?;
        writing.commit().await.map_err(Error::from)
    }
}

/// Adds a session within a transaction.
pub(crate) async fn add_session(
    transaction: &Transaction,
    row: customer::Model,
    from: Option<IpAddr>,
) -> Result<SignedIn> {
    let (secret, csrf) = (new_secret(), new_secret());
    let now = now();
    // What has ended goes when something new comes.
    session::Entity::delete_many()
        .filter(session::Column::SeenAt.lt(now - IDLE).or(session::Column::CreatedAt.lt(now - LONGEST)))
        .exec(transaction)
        .await?;
    let new = session::ActiveModel {
        secret_hash: Set(kept(&secret)),
        customer_id: Set(row.id),
        csrf: Set(csrf.clone()),
        created_at: Set(now),
        seen_at: Set(now),
    };
    new.insert(transaction).await?;
    Ok(SignedIn { secret, session: session_of(row, csrf, from) })
}

/// Ends all sessions of a customer.
pub(crate) async fn end_sessions(transaction: &Transaction, customer: Uuid) -> Result<()> {
    session::Entity::delete_many().filter(session::Column::CustomerId.eq(customer)).exec(transaction).await?;
    Ok(())
}

fn session_of(row: customer::Model, csrf: String, address: Option<IpAddr>) -> Session {
    let actor = Actor {
        customer: CustomerId(row.id),
        name: row.name.clone(),
        role: role(&row),
        via: Via::Session,
        address,
    };
    Session { actor, customer: customer_view(row, 0), csrf }
}

/// What counts as one address: IPv6 users own a whole /64 at least (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[8..].fill(0);
            IpAddr::V6(octets.into())
        }
    }
}
