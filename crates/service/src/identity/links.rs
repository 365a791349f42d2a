//! One-time links: how the first operator comes in, and how a customer sets a password.

use std::net::IpAddr;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use store::tables::{customer, one_time_link};
use uuid::Uuid;

use super::customers::{check_name, new_customer};
use super::sessions::{SignedIn, add_session, end_sessions};
use crate::clock::{now, time};
use crate::error::{Conflict, Error, Result};
use crate::model::{Role, Theme};
use crate::secret::{kept, new_secret};
use crate::service::{Service, Transaction};

/// How long a link can be used.
const LIFE: i64 = 3 * 24 * 3600 * 1000;

/// A link, once: whoever has it may set a password.
pub struct OneTimeLink {
    /// The last part of the address: `/link/SECRET`.
    pub secret: String,
    /// When it ends.
    pub expires_at: jiff::Timestamp,
}

impl std::fmt::Debug for OneTimeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneTimeLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The first operator chooses name and password.
    SetUpOperator,
    /// A customer sets a password.
    SetPassword {
        /// Whose.
        name: String,
    },
}

impl Service {
    /// A link for the first operator, while no operator has a password. Earlier ones end.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn first_link(&self) -> Result<Option<OneTimeLink>> {
        let operators = customer::Entity::find()
            .filter(customer::Column::Role.eq("operator"))
            .filter(customer::Column::PasswordHash.is_not_null())
            .count(self.reading())
            .await?;
        if operators > 0 {
            return Ok(None);
        }
        let writing = self.writing().await?;
        let link = add_link(writing.connection(), None).await?;
        writing.commit().await?;
        Ok(Some(link))
    }

    /// What a link is for.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it was used, is unknown or its time is over.
    pub async fn open_link(&self, secret: &str) -> Result<LinkPurpose> {
        let row = one_time_link::Entity::find_by_id(kept(secret)).one(self.reading()).await?;
        let row = row.filter(|row| row.expires_at > now()).ok_or(Error::NotFound)?;
        match row.customer_id {
            None => Ok(LinkPurpose::SetUpOperator),
            Some(id) => Ok(LinkPurpose::SetPassword { name: self.customer_row(id).await?.name }),
        }
    }

    /// Sets the password, and for the first operator the name, and signs in. The link ends, and so do all sessions.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] as [`Service::open_link`]; [`Error::Invalid`] when name or password cannot be used.
    pub async fn use_link(
        &self,
        secret: &str,
        name: Option<&str>,
        password: SecretString,
        from: Option<IpAddr>,
    ) -> Result<SignedIn> {
        let (name, mut problems) = match self.open_link(secret).await? {
            LinkPurpose::SetPassword { name } => (name, Vec::new()),
            LinkPurpose::SetUpOperator => match check_name(name.unwrap_or_default()) {
                Ok(name) => (name, Vec::new()),
                Err(problem) => (String::new(), vec![problem]),
            },
        };
        problems.extend(crate::password_policy::sign_in_problems(password.expose_secret(), &name));
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let hash = self.inner.passwords.hash(password).await?;
        let writing = self.writing().await?;
        let transaction = writing.connection();
        // Deleting it is what lets one of two who use it at once go on.
        let row = one_time_link::Entity::find_by_id(kept(secret)).one(transaction).await?;
        let customer = row.ok_or(Error::NotFound)?.customer_id;
        let used = one_time_link::Entity::delete_by_id(kept(secret)).exec(transaction).await?;
        if used.rows_affected != 1 {
            return Err(Error::NotFound);
        }
        let row = match customer {
            Some(id) => customer::Entity::find_by_id(id).one(transaction).await?.ok_or(Error::NotFound)?,
            None => new_customer(transaction, &name, Role::Operator, None, Theme::System).await?,
        };
        end_sessions(transaction, row.id).await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.password_hash = Set(Some(hash));
        let row = changed.update(transaction).await?;
        let signed_in = add_session(transaction, row, from).await?;
        let actor = &signed_in.session.actor;
        crate::audit::record(transaction, actor, "password.set_by_link", &actor.name).await?;
        writing.commit().await?;
        Ok(signed_in)
    }
}

/// A new link; earlier ones of the same customer (or for the first operator) end.
pub(crate) async fn add_link(transaction: &Transaction, customer: Option<Uuid>) -> Result<OneTimeLink> {
    let now = now();
    let same = match customer {
        Some(id) => one_time_link::Column::CustomerId.eq(id),
        None => one_time_link::Column::CustomerId.is_null(),
    };
    one_time_link::Entity::delete_many()
        .filter(same.or(one_time_link::Column::ExpiresAt.lt(now)))
        .exec(transaction)
        .await?;
    let secret = new_secret();
    let row = one_time_link::ActiveModel {
        secret_hash: Set(kept(&secret)),
        customer_id: Set(customer),
        created_at: Set(now),
        expires_at: Set(now + LIFE),
    };
    row.insert(transaction).await?;
    Ok(OneTimeLink { secret, expires_at: time(now + LIFE) })
}

/// What a unique index says when somebody else was faster.
pub(crate) fn taken(error: sea_orm::DbErr) -> Error {
    match error.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => Error::conflict(Conflict::NameTaken),
        _ => error.into(),
    }
}
