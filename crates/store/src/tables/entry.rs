//! The prepared list.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entry")]
pub struct Model {
    /// Id; the import that becomes of it keeps it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Owner.
    pub customer_id: Uuid,
    /// Domain.
    pub domain_id: Uuid,
    /// Place in the list.
    pub number: i64,
    /// As typed.
    #[sea_orm(column_type = "Text")]
    pub server: String,
    /// As typed.
    #[sea_orm(column_type = "Text")]
    pub username: String,
    /// Sealed.
    pub password: Option<Vec<u8>>,
    /// Local part as typed.
    #[sea_orm(column_type = "Text")]
    pub mailbox: String,
    /// Sealed.
    pub mailbox_password: Option<Vec<u8>>,
    /// Keyed digest of all fields, to find exact duplicates.
    pub digest: Vec<u8>,
    /// State.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub problems: String,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub notes: String,
    /// What the check saw, JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub outcome: Option<String>,
    /// The check.
    pub job_id: Option<i64>,
    /// The domain's revision at its last change.
    pub revision: i64,
    /// The domain's revision when somebody typed something into it last.
    pub typed_revision: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
