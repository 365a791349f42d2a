//! One source folder under one UIDVALIDITY.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "epoch")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub account_id: i64,
    pub folder_key: Vec<u8>,
    pub folder: Vec<u8>,
    pub uid_validity: i64,
    pub is_current: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub listed: Option<String>,
    pub uid_next: Option<i64>,
    pub highest_mod_seq: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
