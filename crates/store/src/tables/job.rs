//! Jobs. Written by `jobs` only; others may read and join.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The mail host that must be reachable.
    #[sea_orm(column_type = "Text")]
    pub queue: String,
    /// Kind.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The entry, import or notice.
    pub subject: Uuid,
    /// Whose.
    pub customer: Uuid,
    /// The old server.
    #[sea_orm(column_type = "Text", nullable)]
    pub server: Option<String>,
    /// What only one job at a time may work on.
    #[sea_orm(column_type = "Text", nullable)]
    pub exclusive_key: Option<String>,
    /// Higher ones first.
    pub priority: i64,
    /// A digest of what it has in common with its like.
    #[sea_orm(column_type = "Text")]
    pub party: String,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// What people asked for.
    #[sea_orm(column_type = "Text")]
    pub want: String,
    /// Not before this time.
    pub run_at: i64,
    /// Grows with each claim.
    pub epoch: i64,
    /// Who works on it.
    #[sea_orm(column_type = "Text", nullable)]
    pub owner: Option<String>,
    /// Until when.
    pub lease_until: Option<i64>,
    /// From whom the latest claim took it over.
    #[sea_orm(column_type = "Text", nullable)]
    pub taken_from: Option<String>,
    /// How often a worker vanished.
    pub takeovers: i64,
    /// How often it was put off.
    pub attempts: i64,
    /// When it was enqueued.
    pub created_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
