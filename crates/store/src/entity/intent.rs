//! A batch that is about to be sent, or of which nobody heard what became.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "intent")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub epoch_id: i64,
    #[sea_orm(column_type = "Text")]
    pub folder: String,
    pub uid_validity: i64,
    pub uid_next: i64,
    #[sea_orm(column_type = "Text")]
    pub messages: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
