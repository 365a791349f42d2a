//! Domains, and the counters of what happens in each.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domain")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Owner.
    pub customer_id: Uuid,
    /// Lower case, ASCII form.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Grows with each change of an entry, run or import in it.
    pub revision: i64,
    /// Number of the newest entry.
    pub last_entry: i64,
    /// Number of the newest run.
    pub last_run: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
