//! Where a test's ledger lies: an SQLite file or a PostgreSQL of its own, both gone when the test ends.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mailimport_store::Store;
use sea_orm::{ConnectionTrait, Database, Statement};
use tempfile::TempDir;

/// A database for one test.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Place {
    pub(crate) fn sqlite() -> Place {
        Place::Sqlite(directory())
    }

    pub(crate) fn postgres() -> Place {
        Place::Postgres(Postgres::start())
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

/// A directory with a short name (a socket's path has 107 octets at most).
fn directory() -> TempDir {
    tempfile::Builder::new().prefix("ms").tempdir_in("/tmp").unwrap()
}

/// A PostgreSQL that listens on a socket in its own directory and dies with the test, even one that is killed.
pub(crate) struct Postgres {
    directory: TempDir,
    namespace: Child,
}

impl Postgres {
    fn start() -> Postgres {
        let bin = binaries();
        let directory = directory();
        let root =
            std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        // PostgreSQL refuses to run as root.
        let as_user = if root { "setpriv --reuid postgres --regid postgres --clear-groups" } else { "" };
        if root {
            std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
            assert!(
                Command::new("chown")
                    .arg("postgres:postgres")
                    .arg(directory.path())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let (at, bin) = (directory.path().display(), bin.display());
        let script = format!(
            "cd {at} && {as_user} {bin}/initdb -D {at}/data -U postgres -A trust --no-sync -E UTF8 --locale=C.UTF-8 >{at}/log 2>&1 \
             && {{ {as_user} {bin}/postgres -D {at}/data -c listen_addresses= -c unix_socket_directories={at} -c fsync=off \
             -c dynamic_shared_memory_type=mmap >>{at}/log 2>&1 & }}; cat >/dev/null"
        );
        // Its own namespace of processes: when the pipe to `cat` closes, the kernel ends all of them.
        let namespace = Command::new("unshare")
            .args(["-mp", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .spawn()
            .expect("unshare (package util-linux) is needed to start a private PostgreSQL");
        let server = Postgres { directory, namespace };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        let pg_isready = binaries().join("pg_isready");
        let ready = || {
            Command::new(&pg_isready)
                .args(["-q", "-h"])
                .arg(self.directory.path())
                .status()
                .unwrap()
                .success()
        };
        while !ready() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "PostgreSQL did not start:\n{}",
                std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn url(&self) -> String {
        format!("postgresql://postgres@localhost/postgres?host={}", self.directory.path().display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.namespace.stdin.take());
        let _ = self.namespace.wait();
    }
}

/// Debian's place for PostgreSQL's programs, the newest version.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    versions.sort();
    versions.pop().expect(
        "PostgreSQL's programs are missing below /usr/lib/postgresql: apt-get install --no-install-recommends postgresql",
    )
}
