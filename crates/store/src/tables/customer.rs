//! Customers and operators.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name to sign in with, lower case.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// `operator` or `customer`.
    #[sea_orm(column_type = "Text")]
    pub role: String,
    /// Where to write to.
    #[sea_orm(column_type = "Text", nullable)]
    pub email: Option<String>,
    /// PHC string; `None` until it is set.
    #[sea_orm(column_type = "Text", nullable)]
    pub password_hash: Option<String>,
    /// Sealed secret of the second factor.
    pub totp: Option<Vec<u8>>,
    /// Sealed secret that is not confirmed yet.
    pub totp_pending: Option<Vec<u8>>,
    /// The newest time step whose code was used: a code works once.
    pub totp_step: i64,
    /// `en`, `de`, or as the browser says.
    #[sea_orm(column_type = "Text", nullable)]
    pub language: Option<String>,
    /// `en` or `de`: what their browser asked for when they signed in last.
    #[sea_orm(column_type = "Text", nullable)]
    pub browser_language: Option<String>,
    /// `system`, `light`, `dark`.
    #[sea_orm(column_type = "Text")]
    pub theme: String,
    /// May not sign in.
    pub disabled: bool,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// None: rows are joined by hand.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
