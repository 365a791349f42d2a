//! Opening and closing the database, and the one way to write to it.
//!
//! SQLite has one writer: a write begins IMMEDIATE (a DEFERRED one that reads first fails when another writes
//! meanwhile) and waits its turn in this process behind a lock, which is fairer and faster than SQLite's busy
//! time-out. PostgreSQL needs neither. Nothing may be written outside a [`Writing`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use engine::ledger::LedgerError;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait, QueryOrder,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, seaql_migrations};
use tokio::sync::{Mutex, MutexGuard, broadcast};

use crate::fault::{sentence, sqlx_sentence, unwritten};
use crate::file::{self, Owner};
use crate::migration::Migrator;
use crate::wake::{self, Wake};

/// `mlim`: marks an SQLite file as ours (sqlite.org/pragma.html#pragma_application_id).
const APPLICATION_ID: i32 = 0x6d6c_696d;

/// Any number that nothing else on the server uses for an advisory lock: it lets one process migrate at a time.
const MIGRATION_LOCK: i64 = 0x6d6c_696d_0001;

/// How long SQLite waits for another process that writes. A backup or an administrator's shell may hold the lock for half
/// a minute; an import that gives up then would be to blame.
const BUSY: Duration = Duration::from_secs(120);

/// How long a call waits for a free connection of the pool, and PostgreSQL for a new one.
const ACQUIRE: Duration = Duration::from_secs(30);

/// Connections to one SQLite file: one writes, the others read meanwhile.
const SQLITE_CONNECTIONS: u32 = 4;

/// Connections of one process to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 8;

/// The database. Cheap to share behind an `Arc`; every method may be called from many tasks at once.
#[derive(Debug)]
pub struct Store {
    connection: DatabaseConnection,
    /// SQLite's single writer. PostgreSQL has none.
    turn: Option<Mutex<()>>,
    /// SQLite's file. PostgreSQL has none.
    file: Option<PathBuf>,
    /// Tells workers of this process what has been committed.
    pub(crate) wake: broadcast::Sender<Wake>,
}

/// A transaction that writes. Dropped without [`Writing::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Writing<'a> {
    // Declared first, dropped first: the roll-back stands in line before the next writer may begin.
    pub(crate) transaction: DatabaseTransaction,
    wakes: std::sync::Mutex<HashSet<Wake>>,
    wake: &'a broadcast::Sender<Wake>,
    _turn: Option<MutexGuard<'a, ()>>,
}

impl Store {
    /// Opens the SQLite file, or makes it, and brings its tables up to date.
    ///
    /// The file is kept private (mode 0600). `owner` is for root, who imports for somebody else: file and what SQLite
    /// puts beside it then belong to that user. Acknowledged writes survive a power loss (WAL, `synchronous=FULL`).
    ///
    /// # Errors
    ///
    /// [`LedgerError::Open`] when the directory is missing, the file cannot be written to, is a symbolic link, is no
    /// SQLite database, is another program's, or was written by a newer version.
    pub async fn open_file(path: &Path, owner: Option<Owner>) -> Result<Store, LedgerError> {
        let place = path.display().to_string();
        let refused = |reason: String| LedgerError::Open { place: place.clone(), reason };
        // A relative name would change its meaning with the working directory, one like `file:x?mode=ro` has a meaning for SQLite.
        let path = std::path::absolute(path).map_err(|error| refused(error.to_string()))?;
        file::prepare(&path, owner).map_err(refused)?;
        inspect(&path).await.map_err(refused)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(SQLITE_CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(sqlite_options(&path))
            .await
            .map_err(|error| refused(sqlx_sentence(&error)))?;
        let store = Store {
            connection: pool.into(),
            turn: Some(Mutex::new(())),
            file: Some(path),
            wake: wake::channel(),
        };
        store.migrate().await.map_err(|error| refused(sentence(&error)))?;
        Ok(store)
    }

    /// Connects to PostgreSQL (`postgresql://user:password@host/database`) and brings the tables up to date. Any
    /// number of processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Open`] when the server cannot be reached, refuses, or holds tables of a newer version. It names
    /// host, port and database, never the password.
    pub async fn connect(url: &str) -> Result<Store, LedgerError> {
        let options: PgConnectOptions = url.parse().map_err(|error| LedgerError::Open {
            place: "on PostgreSQL".to_owned(),
            reason: sqlx_sentence(&error),
        })?;
        let place = address(&options);
        let refused = |reason: String| LedgerError::Open { place: place.clone(), reason };
        // A server may be set up to acknowledge before its log is on disk; a ledger must not. The limits end a query
        // or a transaction that nobody waits for any more.
        let options = options.disable_statement_logging().options([
            ("synchronous_commit", "on"),
            ("statement_timeout", "240s"),
            ("idle_in_transaction_session_timeout", "240s"),
        ]);
        greet(&options).await.map_err(refused)?;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await
            .map_err(|error| refused(sqlx_sentence(&error)))?;
        let store = Store { connection: pool.into(), turn: None, file: None, wake: wake::channel() };
        store.migrate().await.map_err(|error| refused(sentence(&error)))?;
        Ok(store)
    }

    /// Closes all connections; calls that come later fail. On SQLite the file is then complete by itself: neither
    /// `-wal` nor `-shm` stays beside it, unless another process has it open. Not calling this loses nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when SQLite's log could not be moved into the file; the next opening does it.
    pub async fn close(&self) -> Result<(), LedgerError> {
        self.connection.close_by_ref().await.map_err(unwritten)?;
        let Some(path) = &self.file else { return Ok(()) };
        if !["-wal", "-shm"].iter().any(|suffix| file::beside(path, suffix).exists()) {
            return Ok(());
        }
        // Pooled connections that close side by side may each leave the tidying to the other; this one is alone.
        let tidy = async {
            let mut alone = SqliteConnection::connect_with(&sqlite_options(path)).await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut alone).await?;
            alone.close().await
        };
        tidy.await.map_err(|error| LedgerError::Storage { action: "written", reason: sqlx_sentence(&error) })
    }

    /// What reads may use. Nothing may be written through it: SQLite's single writer would not know.
    pub fn reading(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when the database is not to be had.
    pub async fn writing(&self) -> Result<Writing<'_>, LedgerError> {
        self.begin().await.map_err(unwritten)
    }

    /// The names of all migrations that the database has seen, the oldest first.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when the database failed.
    pub async fn migrations(&self) -> Result<Vec<String>, LedgerError> {
        let read = Migrator::get_migration_models(&self.connection).await;
        let applied =
            read.map_err(|error| LedgerError::Storage { action: "read", reason: sentence(&error) })?;
        Ok(applied.into_iter().map(|model| model.version).collect())
    }

    async fn begin(&self) -> Result<Writing<'_>, DbErr> {
        let turn = match &self.turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let immediate = self.turn.as_ref().map(|_| SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: immediate, ..Default::default() };
        let transaction = self.connection.begin_with_options(options).await?;
        Ok(Writing { transaction, wakes: std::sync::Mutex::default(), wake: &self.wake, _turn: turn })
    }

    /// Whether the tables are as this version has them: then nothing is written, and nobody waited for.
    async fn is_up_to_date(&self) -> bool {
        let known = Migrator::migrations();
        // Not by the migrator: it would make its table where there is none, before the file is marked as ours.
        let applied = seaql_migrations::Entity::find()
            .order_by_asc(seaql_migrations::Column::Version)
            .all(&self.connection)
            .await
            .unwrap_or_default();
        applied.len() == known.len()
            && applied.iter().zip(&known).all(|(applied, known)| applied.version == known.name())
    }

    /// All migrations in one transaction, one process at a time.
    async fn migrate(&self) -> Result<(), DbErr> {
        if self.is_up_to_date().await {
            return Ok(());
        }
        let writing = self.begin().await?;
        let transaction = &writing.transaction;
        match transaction.get_database_backend() {
            DbBackend::Postgres => {
                transaction
                    .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
                    .await?
            }
            _ => transaction.execute_unprepared(&format!("PRAGMA application_id = {APPLICATION_ID}")).await?,
        };
        Migrator::up(transaction, None).await?;
        writing.transaction.commit().await
    }
}

impl Writing<'_> {
    /// What statements run on.
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Makes the transaction durable. After an error it may or may not have happened; nothing was acknowledged.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Storage`] when the database failed.
    pub async fn commit(self) -> Result<(), LedgerError> {
        self.transaction.commit().await.map_err(unwritten)?;
        for wake in self.wakes.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // Nobody who listens is nobody to tell.
            let _ = self.wake.send(wake);
        }
        Ok(())
    }

    /// Tells workers, here and in other processes, once this is committed.
    pub(crate) async fn wakes(&self, wake: Wake) -> Result<(), LedgerError> {
        let new = self.wakes.lock().unwrap_or_else(PoisonError::into_inner).insert(wake);
        if new && self.transaction.get_database_backend() == DbBackend::Postgres {
            let notify = format!("SELECT pg_notify('{}', '{wake}')", wake::CHANNEL);
            self.transaction.execute_unprepared(&notify).await.map_err(unwritten)?;
        }
        Ok(())
    }
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    plain_sqlite_options(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
}

fn plain_sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}

/// Looks whether the file is a database, and empty or ours, before anything is changed in it.
async fn inspect(path: &Path) -> Result<(), String> {
    let read = async {
        let mut connection = SqliteConnection::connect_with(&plain_sqlite_options(path)).await?;
        let mark: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await?;
        let tables: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok((mark, tables))
    };
    match read.await {
        Ok((mark, tables)) if tables > 0 && mark != APPLICATION_ID => {
            Err("it is the database of another program".to_owned())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(sqlx_sentence(&error)),
    }
}

/// Connects once and says why not at once. The pool would try a server that refuses again and again, and then report
/// nothing but the time that it took.
async fn greet(options: &PgConnectOptions) -> Result<(), String> {
    let greeting = async { PgConnection::connect_with(options).await?.close().await };
    match tokio::time::timeout(ACQUIRE, greeting).await {
        Ok(result) => result.map_err(|error| sqlx_sentence(&error)),
        Err(_) => Err(format!("the database server gave no answer for {} s", ACQUIRE.as_secs())),
    }
}

/// Where a PostgreSQL database is, without user and password.
fn address(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(directory) => format!("{database} on PostgreSQL in {}", directory.display()),
        None => format!("{database} on PostgreSQL at {}:{}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_pooled_connection_is_durable_patient_and_checks_foreign_keys() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_file(&directory.path().join("ledger.db"), None).await.unwrap();
        let pool = store.connection.get_sqlite_connection_pool();
        let mut connections = Vec::new();
        for _ in 0..SQLITE_CONNECTIONS {
            connections.push(pool.acquire().await.unwrap());
        }
        for connection in &mut connections {
            let mode: String =
                sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut **connection).await.unwrap();
            assert_eq!(mode, "wal");
            for (pragma, expected) in [
                ("PRAGMA synchronous", 2),
                ("PRAGMA foreign_keys", 1),
                ("PRAGMA busy_timeout", 120_000),
                ("PRAGMA application_id", i64::from(APPLICATION_ID)),
            ] {
                let value: i64 = sqlx::query_scalar(pragma).fetch_one(&mut **connection).await.unwrap();
                assert_eq!(value, expected, "{pragma}");
            }
        }
    }
}
