//! What is about to be added to a destination that gives its messages identities of its own.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Intent {
    Table,
    Id,
    EpochId,
    /// The destination folder's levels, a JSON array of strings.
    Folder,
    UidValidity,
    UidNext,
    /// The messages, a JSON array.
    Messages,
}

#[derive(DeriveIden)]
enum Epoch {
    Table,
    Id,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Intent::Table)
            .col(ColumnDef::new(Intent::Id).big_integer().not_null().auto_increment().primary_key())
            .col(ColumnDef::new(Intent::EpochId).big_integer().not_null())
            .col(ColumnDef::new(Intent::Folder).text().not_null())
            .col(ColumnDef::new(Intent::UidValidity).big_integer().not_null())
            .col(ColumnDef::new(Intent::UidNext).big_integer().not_null())
            .col(ColumnDef::new(Intent::Messages).text().not_null())
            .foreign_key(
                ForeignKey::create().from(Intent::Table, Intent::EpochId).to(Epoch::Table, Epoch::Id),
            )
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Intent::Table).to_owned()).await
    }
}
