//! Entries that are gone, for pages that still show them.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "removed_entry")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// Where.
    pub domain_id: Uuid,
    /// The domain's revision then.
    pub revision: i64,
    /// Milliseconds since 1970.
    pub removed_at: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
