//! Requests that may be repeated: the same key and the same request give the first one's answer.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use store::tables::idempotency;

use crate::clock::now;
use crate::error::{Conflict, Error, Result};
use crate::model::Actor;
use crate::service::Service;

/// How long an answer is remembered.
const REMEMBERED: i64 = 24 * 3600 * 1000;
/// After this time a request that never answered counts as lost.
const LOST: i64 = 2 * 60 * 1000;

/// What became of a request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeated {
    /// It is the first: do it, then [`Service::remember_answer`].
    First,
    /// It was done before, with this answer.
    Answered {
        /// HTTP status.
        status: u16,
        /// Body.
        answer: String,
    },
}

impl Service {
    /// Notes that a request with this key begins, or gives the answer that it had.
    ///
    /// # Errors
    ///
    /// A conflict when the key belongs to another request, or to one that works still.
    pub async fn begin_request(&self, actor: &Actor, key: &str, request: &[u8]) -> Result<Repeated> {
        let (key, request) = (digest(key.as_bytes()), digest(request));
        let now = now();
        let writing = self.writing().await?;
        let transaction = writing.connection();
        idempotency::Entity::delete_many()
            .filter(
                idempotency::Column::CreatedAt.lt(now - REMEMBERED).or(idempotency::Column::Status
                    .is_null()
                    .and(idempotency::Column::CreatedAt.lt(now - LOST))),
            )
            .exec(transaction)
            .await?;
        let new = idempotency::ActiveModel {
            customer_id: Set(actor.customer.0),
            key_digest: Set(key.clone()),
            request_digest: Set(request.clone()),
            status: Set(None),
            answer: Set(None),
            created_at: Set(now),
        };
        let keys = [idempotency::Column::CustomerId, idempotency::Column::KeyDigest];
        let inserted = idempotency::Entity::insert(new)
            .on_conflict(OnConflict::columns(keys).do_nothing().to_owned())
            .exec_without_returning(transaction)
            .await?;
        let found = idempotency::Entity::find_by_id((actor.customer.0, key)).one(transaction).await?;
        let row = found.ok_or_else(|| Error::internal("a key that was just noted is gone"))?;
        writing.commit().await?;
        match (inserted, row.status, row.answer) {
            (1, _, _) => Ok(Repeated::First),
            (_, Some(status), Some(answer)) if row.request_digest == request => {
                Ok(Repeated::Answered { status: u16::try_from(status).unwrap_or(500), answer })
            }
            _ => Err(Error::conflict(Conflict::IdempotencyKeyReused)),
        }
    }

    /// Remembers the answer to a request that was begun. It is kept as it is: an answer that holds a secret must not be
    /// given here.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn remember_answer(&self, actor: &Actor, key: &str, status: u16, answer: &str) -> Result<()> {
        let writing = self.writing().await?;
        idempotency::Entity::update_many()
            .col_expr(idempotency::Column::Status, Expr::value(Some(i64::from(status))))
            .col_expr(idempotency::Column::Answer, Expr::value(Some(answer)))
            .filter(idempotency::Column::CustomerId.eq(actor.customer.0))
            .filter(idempotency::Column::KeyDigest.eq(digest(key.as_bytes())))
            .exec(writing.connection())
            .await?;
        writing.commit().await.map_err(Error::from)
    }

    /// Forgets a request that failed, so that it can be tried again with its key.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn forget_request(&self, actor: &Actor, key: &str) -> Result<()> {
        let writing = self.writing().await?;
        idempotency::Entity::delete_many()
            .filter(idempotency::Column::CustomerId.eq(actor.customer.0))
            .filter(idempotency::Column::KeyDigest.eq(digest(key.as_bytes())))
            .exec(writing.connection())
            .await?;
        writing.commit().await.map_err(Error::from)
    }
}

fn digest(octets: &[u8]) -> Vec<u8> {
    blake3::hash(octets).as_bytes().to_vec()
}
