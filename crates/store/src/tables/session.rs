//! Who is signed in. The secret itself is in the browser only.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// BLAKE3 of the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub secret_hash: Vec<u8>,
    /// Whose.
    pub customer_id: Uuid,
    /// What every form must bring back.
    #[sea_orm(column_type = "Text")]
    pub csrf: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Last use, to the minute.
    pub seen_at: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
