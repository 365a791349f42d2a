//! Answers to requests that may be repeated (Idempotency-Key).

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: Uuid,
    /// BLAKE3 of the key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_digest: Vec<u8>,
    /// BLAKE3 of the request: the same key with another request is refused.
    pub request_digest: Vec<u8>,
    /// HTTP status; `None` while the first one works.
    pub status: Option<i64>,
    /// The answer.
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
