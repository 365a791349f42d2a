//! How customers want to be told that a run has ended. Without a row: by e-mail.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice_setting")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: Uuid,
    /// By e-mail.
    pub email: bool,
    /// The webhook's address.
    #[sea_orm(column_type = "Text", nullable)]
    pub webhook: Option<String>,
    /// Sealed secret by which what is sent there is signed.
    pub webhook_secret: Option<Vec<u8>>,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
