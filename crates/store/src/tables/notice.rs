//! What a customer is told, on one way: a job of its own brings each there.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    /// Id; by it the receiver recognises a repetition.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To whom.
    pub customer_id: Uuid,
    /// Of which run; `None`: a test.
    pub run_id: Option<Uuid>,
    /// `email` or `webhook`.
    #[sea_orm(column_type = "Text")]
    pub channel: String,
    /// How the run ended, as JSON; `None`: a test.
    #[sea_orm(column_type = "Text", nullable)]
    pub content: Option<String>,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// How the latest attempt ended.
    #[sea_orm(column_type = "Text", nullable)]
    pub outcome: Option<String>,
    /// The status that the other side answered.
    pub code: Option<i64>,
    /// Attempts so far.
    pub attempts: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// When the latest attempt ended.
    pub tried_at: Option<i64>,
    /// When the next one comes.
    pub retry_at: Option<i64>,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
