//! A private Dovecot: the source that is easiest to shape, and the destination's judge.
//!
//! It runs without a PID namespace on purpose: inside one it would take the lock files of a running import
//! for those of a dead process and break them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{ImapServer, require, short_directory, write_file};
use crate::certificate::{self, Files, Kind};
use crate::factory::AccountSpec;
use crate::process::{Isolation, Process, await_greeting, free_ports};
use crate::{Doing, Error, Result};

const DOVECOT: &str = "/usr/sbin/dovecot";

/// How Dovecot stores a user's mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MailFormat {
    /// Maildir++, separator `.`.
    #[default]
    Maildir,
    /// One file a message in Dovecot's own format, separator `/`.
    Sdbox,
    /// Many messages a file in Dovecot's own format, separator `/`.
    Mdbox,
}

/// A user of a private Dovecot.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// The password.
    pub password: String,
    /// How the mail is stored.
    pub format: MailFormat,
    /// An existing mail root to serve instead of one in the server's own directory.
    pub location: Option<PathBuf>,
    /// Uid and gid that own this user's mail, when they are not the server's.
    pub owner: Option<(u32, u32)>,
    /// Further userdb fields, such as `userdb_quota_rule=*:storage=20K`.
    pub fields: String,
}

impl User {
    /// A user with an empty Maildir++ in the server's directory.
    #[must_use]
    pub fn new(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned(), ..Self::default() }
    }

    /// The same user, stored in another format.
    #[must_use]
    pub fn with_format(mut self, format: MailFormat) -> Self {
        self.format = format;
        self
    }

    /// The same user, served from an existing Maildir++ root.
    #[must_use]
    pub fn serving(mut self, root: &Path) -> Self {
        self.location = Some(root.to_owned());
        self
    }
}

/// What a private Dovecot is to be like.
#[derive(Debug, Clone, Default)]
pub struct DovecotOptions {
    /// The users that exist from the start.
    pub users: Vec<User>,
    /// Names and passwords of master users (`user*master`, or an authorization id).
    pub masters: Vec<(String, String)>,
    /// Replaces the capability list (`imap_capability`).
    pub capability: Option<String>,
    /// Connections allowed per user and address; Dovecot's own default is 10, here 50.
    pub max_connections: Option<u32>,
    /// SASL mechanisms; empty means PLAIN and LOGIN.
    pub auth_mechanisms: Vec<String>,
    /// Uid and gid that own the mail; without it 12345 as root, else the caller's own.
    pub owner: Option<(u32, u32)>,
    /// Which certificate it shows.
    pub certificate: Kind,
    /// A complete configuration to be tried, instead of the kit's own; the server's directories, log and ports are put
    /// after it, and nothing else. It names its own users and certificates.
    pub complete: Option<String>,
    /// Further configuration, put last.
    pub extra: String,
}

impl DovecotOptions {
    /// Ordinary options with these users.
    #[must_use]
    pub fn with_users(users: impl IntoIterator<Item = User>) -> Self {
        Self { users: users.into_iter().collect(), ..Self::default() }
    }
}

/// A running private Dovecot; it ends when this is dropped.
#[derive(Debug)]
pub struct Dovecot {
    process: Option<Process>,
    plain: SocketAddr,
    tls: SocketAddr,
    options: DovecotOptions,
    files: Files,
    directory: TempDir,
}

impl Dovecot {
    /// Starts it and waits until it greets.
    pub fn start(options: &DovecotOptions) -> Result<Self> {
        require(Path::new(DOVECOT))?;
        let directory = short_directory()?;
        let files = certificate::write(options.certificate, directory.path())?;
        let [plain, tls] = free_ports()?;
        let mut server = Self { process: None, plain, tls, options: options.clone(), files, directory };
        let mail = server.path("mail");
        std::fs::create_dir(&mail).doing(|| "creating the mail directory".to_owned())?;
        let (uid, gid) = server.owner();
        chown(&mail, Some(uid), Some(gid)).doing(|| "giving the mail directory to its owner".to_owned())?;
        server.write_users()?;
        let mut attempts = 0;
        loop {
            match server.launch() {
                Err(Error::NotReady { log, .. }) if attempts < 5 && log.contains("already in use") => {
                    attempts += 1;
                    server.process = None;
                    let _ = std::fs::remove_file(server.path("log"));
                    [server.plain, server.tls] = free_ports()?;
                }
                other => return other.map(|()| server),
            }
        }
    }

    /// The uid and gid that own the mail.
    #[must_use]
    pub fn owner(&self) -> (u32, u32) {
        let own = (rustix::process::geteuid(), rustix::process::getegid());
        let default = if own.0.is_root() { (12345, 12345) } else { (own.0.as_raw(), own.1.as_raw()) };
        self.options.owner.unwrap_or(default)
    }

    /// The home directory of a user.
    #[must_use]
    pub fn mail_home(&self, user: &str) -> PathBuf {
        self.path("mail").join(user)
    }

    /// The mail root of a user (for Maildir++: where `cur`, `new` and `tmp` are).
    #[must_use]
    pub fn maildir(&self, user: &str) -> PathBuf {
        let found = self.options.users.iter().find(|known| known.name == user);
        found.map_or_else(|| self.mail_home(user).join("Maildir"), |user| self.root_of(user))
    }

    /// Writes an account into the mailbox of a user who has not logged in yet.
    pub fn write_account(&self, user: &str, account: &AccountSpec) -> Result<()> {
        account.write_maildir(&self.maildir(user), Some(self.owner()))?;
        let (home, (uid, gid)) = (self.mail_home(user), self.owner());
        if !home.exists() {
            return Ok(());
        }
        chown(&home, Some(uid), Some(gid)).doing(|| format!("giving {} to its owner", home.display()))
    }

    /// Runs `doveadm` with this server's configuration.
    pub fn doveadm(&self, arguments: &[&str]) -> Result<Output> {
        Command::new("doveadm")
            .arg("-c")
            .arg(self.path("dovecot.conf"))
            .args(arguments)
            .output()
            .doing(|| "running doveadm".to_owned())
    }

    /// What Dovecot has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        ["log", "out"].iter().filter_map(|name| std::fs::read_to_string(self.path(name)).ok()).collect()
    }

    /// Ends it in good order; [`Dovecot::restart`] brings it back.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop();
        }
    }

    /// Stops it when it runs and starts it again on the same ports.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        self.launch()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn root_of(&self, user: &User) -> PathBuf {
        let name = match user.format {
            MailFormat::Maildir => "Maildir",
            MailFormat::Sdbox => "sdbox",
            MailFormat::Mdbox => "mdbox",
        };
        user.location.clone().unwrap_or_else(|| self.mail_home(&user.name).join(name))
    }

    fn launch(&mut self) -> Result<()> {
        write_file(&self.path("dovecot.conf"), self.configuration())?;
        let script = format!("{DOVECOT} -F -c {} & MAIN=$!", self.path("dovecot.conf").display());
        let process = Process::start(Isolation::Group, &script, &self.path("out"))?;
        let process = self.process.insert(process);
        let logs = ["log", "out"].map(|name| self.directory.path().join(name));
        await_greeting("Dovecot", self.plain, process, || {
            logs.iter().filter_map(|log| std::fs::read_to_string(log).ok()).collect()
        })
    }

    fn write_users(&self) -> Result<()> {
        let mut lines = String::new();
        for user in &self.options.users {
            let scheme = match user.format {
                MailFormat::Maildir => "maildir",
                MailFormat::Sdbox => "sdbox",
                MailFormat::Mdbox => "mdbox",
            };
            let (uid, gid) = user.owner.unwrap_or_else(|| self.owner());
            let (home, root) = (self.mail_home(&user.name), self.root_of(user));
            // Writing to a String cannot fail.
            let _ = writeln!(
                lines,
                "{}:{{PLAIN}}{}:{uid}:{gid}::{}::userdb_mail={scheme}:{} {}",
                user.name,
                user.password,
                home.display(),
                root.display(),
                user.fields
            );
        }
        write_file(&self.path("users"), lines)?;
        let masters: String = self
            .options
            .masters
            .iter()
            .map(|(name, password)| format!("{name}:{{PLAIN}}{password}\n"))
            .collect();
        write_file(&self.path("masters"), masters)
    }

    fn configuration(&self) -> String {
        let t = self.directory.path().display();
        let (plain, tls) = (self.plain.port(), self.tls.port());
        let mut text = self.options.complete.clone().unwrap_or_else(|| self.own_configuration());
        let _ = write!(
            text,
            "base_dir = {t}/run\nstate_dir = {t}/run/state\nlog_path = {t}/log\nlisten = 127.0.0.1\n\
             service imap-login {{\n inet_listener imap {{\n  port = {plain}\n }}\n \
             inet_listener imaps {{\n  port = {tls}\n  ssl = yes\n }}\n}}\n"
        );
        if !rustix::process::geteuid().is_root() {
            let _ = write!(
                text,
                "default_login_user = {user}\ndefault_internal_user = {user}\ndefault_internal_group = {group}\n\
                 service imap-login {{\n chroot =\n}}\nservice anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n",
                user = own_name("-un"),
                group = own_name("-gn")
            );
        }
        text + &self.options.extra
    }

    fn own_configuration(&self) -> String {
        let t = self.directory.path().display();
        let (uid, gid) = self.owner();
        let connections = self.options.max_connections.unwrap_or(50);
        let mechanisms = match self.options.auth_mechanisms.join(" ") {
            none if none.is_empty() => "plain login".to_owned(),
            list => list,
        };
        let capability = self
            .options
            .capability
            .as_ref()
            .map_or_else(String::new, |list| format!("imap_capability = {list}\n"));
        let master = if self.options.masters.is_empty() {
            String::new()
        } else {
            format!(
                "passdb {{\n driver = passwd-file\n master = yes\n args = {t}/masters\n result_success = continue\n}}\n"
            )
        };
        // Debian's mail users start at 500 for Dovecot; any uid but root may own mail here.
        format!(
            "protocols = imap\nmail_home = {t}/mail/%u\nmail_location = maildir:~/Maildir\n\
             mail_uid = {uid}\nmail_gid = {gid}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
             disable_plaintext_auth = no\nauth_master_user_separator = *\nauth_mechanisms = {mechanisms}\n\
             ssl = yes\nssl_cert = <{t}/cert.pem\nssl_key = <{t}/key.pem\n\
             mail_max_userip_connections = {connections}\nmail_plugins = quota\n{master}\
             passdb {{\n driver = passwd-file\n args = username_format=%u {t}/users\n}}\n\
             userdb {{\n driver = passwd-file\n args = username_format=%u {t}/users\n}}\n\
             protocol imap {{\n mail_plugins = quota imap_quota\n {capability}}}\n\
             plugin {{\n quota = count:User quota\n quota_vsizes = yes\n}}\n"
        )
    }
}

impl ImapServer for Dovecot {
    fn plain(&self) -> SocketAddr {
        self.plain
    }

    fn tls(&self) -> SocketAddr {
        self.tls
    }

    fn ca_pem(&self) -> &Path {
        &self.files.ca
    }

    fn add_user(&mut self, name: &str, password: &str) -> Result<()> {
        self.options.users.push(User::new(name, password));
        self.write_users()
    }
}

/// The caller's user or group name, by `id`.
fn own_name(which: &str) -> String {
    let output = Command::new("id").arg(which).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
