//! The jobs: what is to be done, who does it, and until when nobody else may.
//!
//! Times are milliseconds since 1970 by the database's clock, as integers: texts and time types compare differently on
//! the two databases.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Job {
    Table,
    Id,
    /// The mail host that must be reachable.
    Queue,
    /// `check`, `import`, `tell`.
    Kind,
    /// The entry, the import or the notice that it is about.
    Subject,
    Customer,
    /// The old server, for the limit on how many talk to it at once.
    Server,
    /// At most one job of a key runs at a time.
    ExclusiveKey,
    /// Higher ones first.
    Priority,
    /// A digest of all that decides, beside the time, whether a job can be claimed: queue, kind, customer, server and
    /// priority. Jobs of one party come one after the other, so that a claim looks at one of each only.
    Party,
    /// `queued`, `running`, `paused`, `done`, `failed`, `cancelled`.
    State,
    /// `run`, `pause`, `cancel`: what people asked for.
    Want,
    /// Not before this time.
    RunAt,
    /// Grows with each claim; what a worker knows of it is its right to write.
    Epoch,
    /// Who works on it.
    Owner,
    /// Until when nobody else may.
    LeaseUntil,
    /// From whom the latest claim took it over, if it did.
    TakenFrom,
    /// How often it was taken over from a worker that had vanished.
    Takeovers,
    /// How often it was put off until later.
    Attempts,
    CreatedAt,
    EndedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(job()).await?;
        manager.create_index(index("job_by_party", [Job::State, Job::Party, Job::RunAt, Job::Id])).await?;
        manager.create_index(index("job_by_exclusive_key", [Job::ExclusiveKey, Job::State, Job::Id])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Job::Table).to_owned()).await
    }
}

fn job() -> TableCreateStatement {
    Table::create()
        .table(Job::Table)
        .col(ColumnDef::new(Job::Id).big_integer().not_null().auto_increment().primary_key())
        .col(ColumnDef::new(Job::Queue).text().not_null())
        .col(ColumnDef::new(Job::Kind).text().not_null())
        .col(ColumnDef::new(Job::Subject).uuid().not_null())
        .col(ColumnDef::new(Job::Customer).uuid().not_null())
        .col(ColumnDef::new(Job::Server).text())
        .col(ColumnDef::new(Job::ExclusiveKey).text())
        .col(ColumnDef::new(Job::Priority).big_integer().not_null())
        .col(ColumnDef::new(Job::Party).text().not_null())
        .col(ColumnDef::new(Job::State).text().not_null())
        .col(ColumnDef::new(Job::Want).text().not_null())
        .col(ColumnDef::new(Job::RunAt).big_integer().not_null())
        .col(ColumnDef::new(Job::Epoch).big_integer().not_null())
        .col(ColumnDef::new(Job::Owner).text())
        .col(ColumnDef::new(Job::LeaseUntil).big_integer())
        .col(ColumnDef::new(Job::TakenFrom).text())
        .col(ColumnDef::new(Job::Takeovers).big_integer().not_null())
        .col(ColumnDef::new(Job::Attempts).big_integer().not_null())
        .col(ColumnDef::new(Job::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Job::EndedAt).big_integer())
        .to_owned()
}

fn index<const N: usize>(name: &str, columns: [Job; N]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(Job::Table);
    for column in columns {
        index.col(column);
    }
    index
}
