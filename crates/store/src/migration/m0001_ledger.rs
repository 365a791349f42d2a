//! The ledger's tables: account, epoch, message.
//!
//! Names and keys that come from outside are unique by their BLAKE3 digest (`key_digest`, `folder_key`), because an
//! index row of PostgreSQL holds 2,704 octets and a folder's name may be longer.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Account {
    Table,
    Id,
    /// Digest of source and destination.
    KeyDigest,
    Source,
    Destination,
    /// Unix seconds.
    Founded,
}

#[derive(DeriveIden)]
enum Epoch {
    Table,
    Id,
    AccountId,
    /// Digest of the folder's name, INBOX in capitals.
    FolderKey,
    /// The name's octets as on the wire.
    Folder,
    UidValidity,
    IsCurrent,
    /// The UIDs that the last finished pass saw, as an IMAP sequence-set; NULL before the first one.
    Listed,
    UidNext,
    /// The unsigned number's 64 bits.
    HighestModSeq,
}

#[derive(DeriveIden)]
enum Message {
    Table,
    EpochId,
    Uid,
    /// `imported`, `skipped`, `failed`, `unreadable`, `phantom`.
    State,
    Identity,
    /// Octets; the unsigned number's 64 bits.
    Size,
    /// BLAKE3, 32 octets.
    Digest,
    /// A JSON array of strings.
    Flags,
    ObjectId,
    /// A JSON object.
    Cause,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(account()).await?;
        manager.create_table(epoch()).await?;
        manager
            .create_index(
                Index::create()
                    .name("epoch_of_folder")
                    .table(Epoch::Table)
                    .col(Epoch::AccountId)
                    .col(Epoch::FolderKey)
                    .col(Epoch::UidValidity)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager.create_table(message()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Message::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Epoch::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Account::Table).to_owned()).await
    }
}

fn account() -> TableCreateStatement {
    Table::create()
        .table(Account::Table)
        .col(ColumnDef::new(Account::Id).big_integer().not_null().auto_increment().primary_key())
        .col(ColumnDef::new(Account::KeyDigest).blob().not_null().unique_key())
        .col(ColumnDef::new(Account::Source).text().not_null())
        .col(ColumnDef::new(Account::Destination).text().not_null())
        .col(ColumnDef::new(Account::Founded).big_integer().not_null())
        .to_owned()
}

fn epoch() -> TableCreateStatement {
    Table::create()
        .table(Epoch::Table)
        .col(ColumnDef::new(Epoch::Id).big_integer().not_null().auto_increment().primary_key())
        .col(ColumnDef::new(Epoch::AccountId).big_integer().not_null())
        .col(ColumnDef::new(Epoch::FolderKey).blob().not_null())
        .col(ColumnDef::new(Epoch::Folder).blob().not_null())
        .col(ColumnDef::new(Epoch::UidValidity).big_integer().not_null())
        .col(ColumnDef::new(Epoch::IsCurrent).boolean().not_null())
        .col(ColumnDef::new(Epoch::Listed).text())
        .col(ColumnDef::new(Epoch::UidNext).big_integer())
        .col(ColumnDef::new(Epoch::HighestModSeq).big_integer())
        .foreign_key(
            ForeignKey::create().from(Epoch::Table, Epoch::AccountId).to(Account::Table, Account::Id),
        )
        .to_owned()
}

fn message() -> TableCreateStatement {
    Table::create()
        .table(Message::Table)
        .col(ColumnDef::new(Message::EpochId).big_integer().not_null())
        .col(ColumnDef::new(Message::Uid).big_integer().not_null())
        .col(ColumnDef::new(Message::State).text().not_null())
        .col(ColumnDef::new(Message::Identity).text())
        .col(ColumnDef::new(Message::Size).big_integer())
        .col(ColumnDef::new(Message::Digest).blob())
        .col(ColumnDef::new(Message::Flags).text().not_null())
        .col(ColumnDef::new(Message::ObjectId).text())
        .col(ColumnDef::new(Message::Cause).text())
        .primary_key(Index::create().col(Message::EpochId).col(Message::Uid))
        .foreign_key(ForeignKey::create().from(Message::Table, Message::EpochId).to(Epoch::Table, Epoch::Id))
        .to_owned()
}
