//! Runs.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Owner.
    pub customer_id: Uuid,
    /// Domain.
    pub domain_id: Uuid,
    /// Number in the domain.
    pub number: i64,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Milliseconds since 1970.
    pub started_at: i64,
    /// Milliseconds since 1970.
    pub finished_at: Option<i64>,
    /// When its passwords are erased; `None`: they are, or it works.
    pub secrets_until: Option<i64>,
    /// The domain's revision at its last change.
    pub revision: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
