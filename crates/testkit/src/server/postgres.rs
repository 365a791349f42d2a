//! A private PostgreSQL that listens on a socket in its own directory only.
//!
//! It may be crashed and started again: what was committed is then still there, as after a `kill -9`. It must never be
//! used for anything that is to be kept (`fsync` is off).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{run, short_directory};
use crate::process::{Isolation, Process};
use crate::{Doing, Error, Result};

/// How long it may take to start, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running private PostgreSQL; it ends when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    // Declared first: the server ends before its directory goes.
    process: Option<Process>,
    programs: PathBuf,
    directory: TempDir,
}

impl Postgres {
    /// Makes an empty database, starts it and waits until it answers.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let directory = short_directory()?;
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres:postgres").arg(directory.path()))?;
        }
        let mut server = Self { process: None, programs, directory };
        let (at, programs) = (server.directory.path().display(), server.programs.display());
        let found = format!(
            "cd {at} && {}{programs}/initdb -D {at}/data -U postgres -A trust --no-sync -E UTF8 --locale=C.UTF-8 || exit 1",
            as_user()
        );
        server.launch(&found)?;
        Ok(server)
    }

    /// Where it is: what PostgreSQL's own programs and ours take as an address. It stays the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://postgres@localhost/postgres?host={}", self.directory.path().display())
    }

    /// Kills it, as if its machine had lost power: every connection breaks at once. The data stays for
    /// [`Postgres::start_again`].
    pub fn crash(&mut self) {
        self.process = None;
    }

    /// Starts it on the data that it had, and waits until it answers.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = None;
        // The number in it may be that of another process by now; the one that it meant is gone.
        let stale = self.directory.path().join("data/postmaster.pid");
        if stale.exists() {
            std::fs::remove_file(&stale).doing(|| format!("removing {}", stale.display()))?;
        }
        self.launch(&format!("cd {}", self.directory.path().display()))
    }

    /// Runs statements past the program under test; answers the rows, columns separated by `|`.
    pub fn sql(&self, statements: &str) -> Result<String> {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]);
        command.arg(self.directory.path()).args(["-c", statements, "postgres"]);
        let output = command.output().doing(|| "running psql".to_owned())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Command { command: format!("psql -c '{statements}'"), output })
    }

    fn launch(&mut self, before: &str) -> Result<()> {
        let (at, programs) = (self.directory.path().display(), self.programs.display());
        let script = format!(
            "{before}\n{}{programs}/postgres -D {at}/data -c listen_addresses= -c unix_socket_directories={at} -c fsync=off \
             -c dynamic_shared_memory_type=mmap &\nMAIN=$!",
            as_user()
        );
        let isolation = if Process::can_isolate() { Isolation::Namespace } else { Isolation::Group };
        let log = self.directory.path().join("log");
        let process = self.process.insert(Process::start(isolation, &script, &log)?);
        let (begun, ready) = (Instant::now(), self.programs.join("pg_isready"));
        while begun.elapsed() < PATIENCE && process.is_running() {
            let mut question = Command::new(&ready);
            question.args(["-q", "-h"]).arg(self.directory.path());
            if question.status().doing(|| "running pg_isready".to_owned())?.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        Err(Error::NotReady { server: "PostgreSQL", log })
    }
}

/// PostgreSQL refuses to run as root.
fn as_user() -> &'static str {
    if rustix::process::geteuid().is_root() {
        "setpriv --reuid postgres --regid postgres --clear-groups "
    } else {
        ""
    }
}

/// Debian's place for PostgreSQL's programs, the newest version.
fn programs() -> Result<PathBuf> {
    let version = |bin: &Path| -> Option<u32> { bin.parent()?.file_name()?.to_str()?.parse().ok() };
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .max_by_key(|bin| version(bin))
        .ok_or_else(|| Error::NotInstalled {
            what: "PostgreSQL's programs below /usr/lib/postgresql".to_owned(),
            remedy: "Run as root: apt-get install --no-install-recommends postgresql".to_owned(),
        })
}
