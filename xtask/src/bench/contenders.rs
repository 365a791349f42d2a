//! Who is measured, and how each is told to copy an account.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rows::Action;
use crate::step::Failure;

/// Debian's user and group `mail`.
const MAIL: u32 = 8;

/// A program that copies accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contender {
    /// What is physically needed, over so many connections at a time.
    Floor(u32),
    Mailimport,
    Mbsync,
    Doveadm,
    Imapsync,
}

/// Whence or whither, over IMAP.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) server: SocketAddr,
    pub(super) user: String,
}

/// Where the copy goes.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// Below the copy's place.
    Maildir,
    Imap(Account),
}

/// One copy to be made.
#[derive(Debug, Clone)]
pub(super) struct Copy<'a> {
    pub(super) from: SocketAddr,
    /// More than one: all of them, in one process.
    pub(super) users: Vec<String>,
    pub(super) to: Target,
    pub(super) ca: &'a Path,
    pub(super) to_ca: &'a Path,
    pub(super) password: &'a str,
    pub(super) action: Action,
    /// Where the contender's mailbox and whatever it remembers lie.
    pub(super) place: PathBuf,
}

/// The programs that were built or named for this.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) mailimport: PathBuf,
    pub(crate) xtask: PathBuf,
    pub(crate) imapsync: Option<PathBuf>,
}

impl Contender {
    /// Debian packages that bring it.
    pub(super) fn packages(self) -> &'static [&'static str] {
        match self {
            Contender::Floor(_) | Contender::Mailimport | Contender::Imapsync => &[],
            Contender::Mbsync => &["isync"],
            Contender::Doveadm => &["dovecot-imapd"],
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Contender::Floor(1) => "floor, 1 connection",
            Contender::Floor(2) => "floor, 2 connections",
            Contender::Floor(_) => "floor, 8 accounts at a time",
            Contender::Mailimport => "mailimport",
            Contender::Mbsync => "mbsync",
            Contender::Doveadm => "doveadm backup",
            Contender::Imapsync => "imapsync",
        }
    }

    /// The command that copies, with what it needs written below the copy's place.
    pub(super) fn command(self, programs: &Programs, copy: &Copy) -> Result<Command, Failure> {
        std::fs::create_dir_all(&copy.place).map_err(|error| format!("{}: {error}", copy.place.display()))?;
        match self {
            Contender::Floor(connections) => Ok(floor(&programs.xtask, copy, connections)),
            Contender::Mailimport => mailimport(&programs.mailimport, copy),
            Contender::Mbsync => mbsync(copy),
            Contender::Doveadm => doveadm(copy),
            Contender::Imapsync => {
                imapsync(programs.imapsync.as_deref().ok_or("imapsync was not named")?, copy)
            }
        }
    }
}

impl Copy<'_> {
    fn user(&self) -> &str {
        self.users.first().map_or("", String::as_str)
    }

    pub(super) fn maildir(&self) -> PathBuf {
        self.place.join("Maildir")
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.place.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

fn floor(xtask: &Path, copy: &Copy, side_by_side: u32) -> Command {
    let mut command = Command::new(xtask);
    command.args(["floor", "--server", &copy.from.to_string(), "--ca"]).arg(copy.ca);
    command.args(["--password", copy.password]);
    for user in &copy.users {
        command.args(["--user", user]);
    }
    let what = if copy.users.len() > 1 { "--at-once" } else { "--connections" };
    command.args([what, &side_by_side.to_string()]);
    match &copy.to {
        _ if copy.action == Action::Again => {}
        Target::Maildir => {
            command.arg("--to").arg(copy.maildir());
        }
        Target::Imap(account) => {
            command.args(["--to-server", &account.server.to_string(), "--to-user", &account.user]);
            command.arg("--to-ca").arg(copy.to_ca);
        }
    }
    command
}

fn mailimport(program: &Path, copy: &Copy) -> Result<Command, Failure> {
    let mut command = Command::new(program);
    command.args(["import", "--quiet", "--tls-ca"]).arg(copy.ca);
    command.env("MAILIMPORT_SOURCE_PASSWORD", copy.password);
    if copy.users.len() > 1 {
        std::fs::create_dir_all(copy.maildir()).map_err(|error| error.to_string())?;
        let line =
            |user: &String| format!("imaps://{};{user};{};{user};New-password-1\n", copy.from, copy.password);
        let list: String = copy.users.iter().map(line).collect();
        command.arg("--csv").arg(copy.write("accounts.csv", &list)?).args(["--domain", "example.org"]);
    } else {
        command.arg(format!("imaps://{}@{}", copy.user(), copy.from));
    }
    match &copy.to {
        Target::Maildir => command.arg(format!("maildir:{}", copy.maildir().display())),
        Target::Imap(account) => {
            command.env("MAILIMPORT_DESTINATION_PASSWORD", copy.password);
            command.arg("--destination-tls-ca").arg(copy.to_ca);
            command.arg("--state").arg(copy.place.join("ledger.db"));
            command.arg(format!("imaps://{}@{}", account.user, account.server))
        }
    };
    Ok(command)
}

/// mbsync compares the name in a certificate with a host's name only, hence `localhost`.
fn mbsync(copy: &Copy) -> Result<Command, Failure> {
    let store = |name: &str, port: u16, user: &str, ca: &Path| {
        format!(
            "IMAPStore {name}\nHost localhost\nPort {port}\nUser {user}\nPass {}\nSSLType IMAPS\nSystemCertificates no\n\
             CertificateFile {}\n\n",
            copy.password,
            ca.display()
        )
    };
    let far = store("far", copy.from.port(), copy.user(), copy.ca);
    let near = match &copy.to {
        Target::Maildir => {
            let maildir = copy.maildir();
            std::fs::create_dir_all(&maildir).map_err(|error| error.to_string())?;
            format!("MaildirStore near\nSubFolders Maildir++\nInbox {}\n\n", maildir.display())
        }
        Target::Imap(account) => store("near", account.server.port(), &account.user, copy.to_ca),
    };
    let states = copy.place.join("states");
    std::fs::create_dir_all(&states).map_err(|error| error.to_string())?;
    let channel = format!(
        "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nCopyArrivalDate yes\nSyncState {}/\n",
        states.display()
    );
    let mut command = Command::new("mbsync");
    command.arg("-q").arg("-c").arg(copy.write("mbsyncrc", &format!("{far}{near}{channel}"))?).arg("all");
    command.env("HOME", &copy.place);
    Ok(command)
}

fn doveadm(copy: &Copy) -> Result<Command, Failure> {
    let place = copy.place.display();
    let text = format!(
        "base_dir={place}/run\nstate_dir={place}/run/state\nlog_path={place}/log\nmail_home={place}\n\
         mail_location=maildir:~/Maildir\nmail_uid=mail\nmail_gid=mail\nfirst_valid_uid=1\nfirst_valid_gid=1\nssl=no\n\
         imapc_host={}\nimapc_port={}\nimapc_ssl=imaps\nimapc_user={}\nimapc_password={}\n\
         imapc_features=rfc822.size fetch-headers\nmail_prefetch_count=20\nssl_client_ca_file={}\n\
         namespace {{\n inbox=yes\n separator=.\n}}\n",
        copy.from.ip(),
        copy.from.port(),
        copy.user(),
        copy.password,
        copy.ca.display(),
    );
    let mut command = Command::new("doveadm");
    command.arg("-c").arg(copy.write("dovecot.conf", &text)?);
    command.args(["backup", "-R", "imapc:"]);
    command.env("USER", "mail").env("HOME", &copy.place);
    // Dovecot refuses to touch mail as root.
    std::os::unix::fs::chown(&copy.place, Some(MAIL), Some(MAIL)).map_err(|error| error.to_string())?;
    Ok(command)
}

fn imapsync(program: &Path, copy: &Copy) -> Result<Command, Failure> {
    let Target::Imap(account) = &copy.to else { return Err("imapsync knows no Maildir".to_owned()) };
    let mut command = Command::new(program);
    command.args([
        "--host1",
        &copy.from.ip().to_string(),
        "--port1",
        &copy.from.port().to_string(),
        "--ssl1",
    ]);
    command.args(["--user1", copy.user(), "--password1", copy.password]);
    command.args([
        "--host2",
        &account.server.ip().to_string(),
        "--port2",
        &account.server.port().to_string(),
    ]);
    command.args(["--ssl2", "--user2", &account.user, "--password2", copy.password]);
    command.args(["--nolog", "--noreleasecheck", "--nomodulesversion", "--tmpdir"]).arg(&copy.place);
    Ok(command)
}
