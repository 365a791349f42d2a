//! Points of the curves of imports.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sample")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: Uuid,
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
