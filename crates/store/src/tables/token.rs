//! API tokens.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub customer_id: Uuid,
    /// In its owner's words.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// BLAKE3 of the secret.
    pub secret_hash: Vec<u8>,
    /// Comma-separated.
    #[sea_orm(column_type = "Text")]
    pub scopes: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// To the minute.
    pub last_used_at: Option<i64>,
    /// Milliseconds since 1970.
    pub expires_at: Option<i64>,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
