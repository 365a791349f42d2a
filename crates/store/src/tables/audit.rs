//! What was done, by whom. Only ever added to.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Order.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Name of who did it.
    #[sea_orm(column_type = "Text")]
    pub actor: String,
    /// Whose things.
    pub customer_id: Option<Uuid>,
    /// What, such as `run.start`.
    #[sea_orm(column_type = "Text")]
    pub action: String,
    /// With what.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// From where.
    #[sea_orm(column_type = "Text", nullable)]
    pub address: Option<String>,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
