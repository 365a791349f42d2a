//! Private mail servers on free loopback ports, and a database, each in its own short temporary directory.
//!
//! Nothing here touches the machine's own configuration; [`install_missing`] alone installs packages.

mod courier;
mod cyrus;
mod dovecot;
mod postgres;

pub use courier::Courier;
pub use cyrus::{Cyrus, Hierarchy};
pub use dovecot::{Dovecot, DovecotOptions, MailFormat, User};
pub use postgres::Postgres;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Doing, Error, Result};

/// What all servers have in common.
pub trait ImapServer {
    /// Where it listens for IMAP, with STARTTLS.
    fn plain(&self) -> SocketAddr;
    /// Where it listens for IMAP inside TLS.
    fn tls(&self) -> SocketAddr;
    /// The certificate of the authority to trust.
    fn ca_pem(&self) -> &Path;
    /// Adds a user with an empty mailbox.
    fn add_user(&mut self, name: &str, password: &str) -> Result<()>;
}

/// Debian packages that can be installed side by side.
const PACKAGES: &[&str] = &[
    "dovecot-imapd",
    "cyrus-common",
    "sasl2-bin",
    "libsasl2-modules-db",
    "courier-base",
    "courier-authlib-userdb",
    "openssl",
    "postgresql",
    "chromium",
    "chromium-driver",
    // Without a font nothing is drawn.
    "fonts-dejavu-core",
    // For Schemathesis.
    "python3-venv",
    // For what is done to a running import: calls that fail, a clock that jumps, disks that go away, and a judge of
    // its ledger that is not ours.
    "strace",
    "faketime",
    "e2fsprogs",
    "mount",
    "sqlite3",
];

/// Packages that conflict with Dovecot's and are only unpacked.
const UNPACKED: &[&str] = &["cyrus-imapd", "courier-imap"];

/// The Debian packages that the servers of the test kit come from (Dovecot, Cyrus, Courier,
/// PostgreSQL, Chromium) and the tools that harm imports.
#[must_use]
pub fn required_packages() -> &'static [&'static str] {
    PACKAGES
}

/// Where unpacked servers and the corpus are kept: `$XDG_CACHE_HOME/mailimport`, else `~/.cache/mailimport`.
#[must_use]
pub fn cache_directory() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    base.unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache")
    })
    .join("mailimport")
}

/// Where `cyrus-imapd` and `courier-imap` are unpacked.
#[must_use]
pub fn unpacked_directory() -> PathBuf {
    cache_directory().join("servers")
}

/// The packages of the list given that are not installed.
#[must_use]
pub fn missing_packages<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    let installed = |package: &str| {
        Command::new("dpkg-query")
            .args(["-W", "-f=${Status}", package])
            .output()
            .is_ok_and(|output| output.stdout.ends_with(b"ok installed"))
    };
    wanted.iter().copied().filter(|package| !installed(package)).collect()
}

/// Installs those of [`required_packages`] that are missing and unpacks Cyrus and Courier.
pub fn install_missing() -> Result<()> {
    install(PACKAGES)?;
    prepare()
}

/// Installs those of the packages given that are missing: as root, else with `sudo` when that asks for no
/// password, else the error names the command to run.
pub fn install(wanted: &[&str]) -> Result<()> {
    let missing = missing_packages(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    // Debian starts a server when it installs one; a policy-rc.d of ours forbids it meanwhile.
    let script = format!(
        "set -e; export DEBIAN_FRONTEND=noninteractive; p=/usr/sbin/policy-rc.d; \
         if [ ! -e $p ]; then trap 'rm -f '$p EXIT; printf '#!/bin/sh\\nexit 101\\n' > $p; chmod 755 $p; fi; \
         {install} || {{ apt-get update; {install}; }}"
    );
    let root = rustix::process::geteuid().is_root();
    let sudo =
        || Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success());
    if root {
        run(Command::new("sh").args(["-c", &script]))
    } else if sudo() {
        run(Command::new("sudo").args(["-n", "sh", "-c", &script]))
    } else {
        let remedy = format!("Run as root: {install}");
        Err(Error::NotInstalled { what: missing.join(", "), remedy })
    }
}

/// Downloads and unpacks the servers that conflict with Dovecot's package, when they are not there yet.
pub fn prepare() -> Result<()> {
    let target = unpacked_directory();
    if is_prepared() {
        return Ok(());
    }
    std::fs::create_dir_all(&target).doing(|| format!("creating {}", target.display()))?;
    let download = tempfile::tempdir_in(&target).doing(|| "creating a directory".to_owned())?;
    // The download runs as the user _apt where it can, who must be able to write here.
    set_mode(download.path(), 0o777)?;
    let fetch = || run(Command::new("apt-get").arg("download").args(UNPACKED).current_dir(download.path()));
    // A fresh machine may not have the lists of packages yet.
    fetch().or_else(|_| run(Command::new("apt-get").arg("update")).and_then(|()| fetch()))?;
    for entry in std::fs::read_dir(download.path()).doing(|| "reading the download".to_owned())? {
        let package = entry.doing(|| "reading the download".to_owned())?.path();
        run(Command::new("dpkg").arg("-x").arg(&package).arg(&target))?;
    }
    Ok(())
}

fn is_prepared() -> bool {
    let root = unpacked_directory();
    root.join("usr/lib/cyrus/bin/imapd").exists() && root.join("usr/lib/courier/courier/imaplogin").exists()
}

/// Fails with the way to get it when `program` is not there.
pub(crate) fn require(program: &Path) -> Result<()> {
    if program.exists() {
        return Ok(());
    }
    let remedy = "`cargo xtask test` installs and unpacks what the tests need".to_owned();
    Err(Error::NotInstalled { what: program.display().to_string(), remedy })
}

/// Runs a command to its end; its output is in the error when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}");
    let output = command.output().doing(|| line.clone())?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(Error::Command { command: line, output: String::from_utf8_lossy(&text).into_owned() })
}

/// A temporary directory that servers of other users may enter, with a path short enough for sockets
/// (`sockaddr_un` holds 107 octets).
pub(crate) fn short_directory() -> Result<TempDir> {
    let base = std::env::temp_dir();
    let base = if base.as_os_str().len() > 40 { PathBuf::from("/tmp") } else { base };
    let directory = tempfile::Builder::new()
        .prefix("mi")
        .tempdir_in(base)
        .doing(|| "creating a temporary directory".to_owned())?;
    set_mode(directory.path(), 0o755)?;
    Ok(directory)
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .doing(|| format!("setting the mode of {}", path.display()))
}

pub(crate) fn write_file(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    std::fs::write(path, text).doing(|| format!("writing {}", path.display()))
}
