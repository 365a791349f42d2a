//! Where a test's ledger lies: an SQLite file or a PostgreSQL of its own, both gone when the test ends.

use std::path::Path;

use mailimport_store::Store;
use sea_orm::{ConnectionTrait, Database, Statement};
use tempfile::TempDir;
use testkit::server::Postgres;

/// A database for one test.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Place {
    pub(crate) fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Place {
        Place::Postgres(Postgres::start().unwrap())
    }

    /// What [`open`] takes; another process may use it too.
    pub(crate) fn address(&self) -> String {
        match self {
            Place::Sqlite(directory) => directory.path().join("ledger.db").display().to_string(),
            Place::Postgres(server) => server.url(),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        open(&self.address()).await
    }

    /// Does something to the database behind the store's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        let other = Database::connect(self.foreign_url()).await.unwrap();
        other.execute_unprepared(sql).await.unwrap();
        other.close().await.unwrap();
    }

    /// Asks the database for one number, not through the store.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let other = Database::connect(self.foreign_url()).await.unwrap();
        let statement = Statement::from_string(other.get_database_backend(), sql.to_owned());
        let row = other.query_one_raw(statement).await.unwrap().unwrap();
        other.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }

    fn foreign_url(&self) -> String {
        match self {
            Place::Sqlite(_) => format!("sqlite://{}", self.address()),
            Place::Postgres(server) => server.url(),
        }
    }
}

/// Opens the ledger at a [`Place::address`].
pub(crate) async fn open(address: &str) -> Store {
    if address.starts_with("postgresql:") {
        Store::connect(address).await.unwrap()
    } else {
        Store::open_file(Path::new(address), None).await.unwrap()
    }
}
