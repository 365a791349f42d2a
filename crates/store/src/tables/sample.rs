//! Points of the curves of imports and runs.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sample")]
pub struct Model {
    /// Which import or run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: Uuid,
    /// Domain.
    pub domain_id: Uuid,
    /// Milliseconds since 1970.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    /// Done by then.
    pub messages: i64,
    /// Done by then.
    pub octets: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
