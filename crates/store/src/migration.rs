//! How the database came to look as it does, step by step, the same on SQLite and PostgreSQL.
//!
//! A step that has been released is never changed again, only followed by another one.

mod m0001_ledger;
mod m0002_jobs;
mod m0003_service;
mod m0004_intent;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All steps, oldest first.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_ledger::Migration),
            Box::new(m0002_jobs::Migration),
            Box::new(m0003_service::Migration),
            Box::new(m0004_intent::Migration),
        ]
    }
}
