//! A private Cyrus IMAP server, unpacked from Debian's package since that conflicts with Dovecot's.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{ImapServer, require, short_directory, unpacked_directory, write_file};
use crate::certificate::{self, Files, Kind};
use crate::imap_client::{Client, quote};
use crate::process::{Isolation, Process, await_greeting, free_ports};
use crate::{Doing, Error, Result};

/// How Cyrus shows folder names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hierarchy {
    /// `INBOX.Sent`: everything below INBOX, separator `.`.
    #[default]
    InboxDot,
    /// `INBOX/Sent`.
    InboxSlash,
    /// `Sent`, separator `/` (altnamespace).
    Slash,
    /// `Sent`, separator `.` (altnamespace).
    Dot,
}

/// A running private Cyrus; needs root. It ends when this is dropped.
#[derive(Debug)]
pub struct Cyrus {
    process: Option<Process>,
    plain: SocketAddr,
    tls: SocketAddr,
    hierarchy: Hierarchy,
    files: Files,
    directory: TempDir,
}

const ADMIN_PASSWORD: &str = "administrator";

impl Cyrus {
    /// Starts it, without users, and waits until it greets.
    pub fn start(hierarchy: Hierarchy) -> Result<Self> {
        require(&unpacked_directory().join("usr/lib/cyrus/bin/imapd"))?;
        require(Path::new("/usr/lib/cyrus/bin/master"))?;
        let directory = short_directory()?;
        let files = certificate::write(Kind::Good, directory.path())?;
        let [plain, tls] = free_ports()?;
        let mut server = Self { process: None, plain, tls, hierarchy, files, directory };
        // Cyrus gives up root: its own user must own all it reads and writes, and reach the program.
        let imapd = server.path("imapd");
        std::fs::copy(unpacked_directory().join("usr/lib/cyrus/bin/imapd"), &imapd)
            .doing(|| "copying imapd".to_owned())?;
        for name in ["spool", "conf"] {
            std::fs::create_dir(server.path(name)).doing(|| format!("creating {name}"))?;
        }
        for name in ["spool", "conf", "key.pem"] {
            server.give(&server.path(name))?;
        }
        server.set_password("admin", ADMIN_PASSWORD)?;
        let mut attempts = 0;
        loop {
            match server.launch() {
                Err(Error::NotReady { .. }) if attempts < 3 => {
                    attempts += 1;
                    server.process = None;
                    [server.plain, server.tls] = free_ports()?;
                }
                other => return other.map(|()| server),
            }
        }
    }

    /// Logs in as the administrator.
    pub fn admin(&self) -> Result<Client> {
        Client::login(self.plain, "admin", ADMIN_PASSWORD)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn give(&self, path: &Path) -> Result<()> {
        let id = |which: &str, of: &str| -> Result<u32> {
            let output = Command::new("id").args([which, of]).output().doing(|| "running id".to_owned())?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            text.parse().map_err(|_| Error::NotInstalled {
                what: format!("the user {of}"),
                remedy: "Debian's cyrus-common makes it".to_owned(),
            })
        };
        chown(path, Some(id("-u", "cyrus")?), Some(id("-g", "cyrus")?))
            .doing(|| format!("giving {} to cyrus", path.display()))
    }

    fn set_password(&self, name: &str, password: &str) -> Result<()> {
        let database = self.path("sasldb2");
        let mut child = Command::new("/usr/sbin/saslpasswd2")
            .args(["-p", "-c", "-f"])
            .arg(&database)
            .args(["-u", "localhost", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .doing(|| "running saslpasswd2".to_owned())?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(password.as_bytes()).doing(|| "giving saslpasswd2 a password".to_owned())?;
        }
        child.wait().doing(|| "running saslpasswd2".to_owned())?;
        self.give(&database)
    }

    fn launch(&mut self) -> Result<()> {
        let t = self.directory.path().display();
        let (slash, alternative) = match self.hierarchy {
            Hierarchy::InboxDot => (0, 0),
            Hierarchy::InboxSlash => (1, 0),
            Hierarchy::Slash => (1, 1),
            Hierarchy::Dot => (0, 1),
        };
        let imapd = format!(
            "configdirectory: {t}/conf\ndefaultpartition: default\npartition-default: {t}/spool\n\
             servername: localhost\nadmins: admin\nproxyservers: admin\nvirtdomains: off\n\
             unixhierarchysep: {slash}\naltnamespace: {alternative}\nallowplaintext: yes\nfailedloginpause: 0\n\
             sasl_mech_list: PLAIN LOGIN\nsasl_pwcheck_method: auxprop\nsasl_auxprop_plugin: sasldb\n\
             sasl_sasldb_path: {t}/sasldb2\ntls_server_cert: {t}/cert.pem\ntls_server_key: {t}/key.pem\n\
             maxlogins_per_host: 0\n"
        );
        let cyrus = format!(
            "START {{\n recover cmd=\"/usr/lib/cyrus/bin/ctl_cyrusdb -C {t}/imapd.conf -r\"\n}}\nSERVICES {{\n \
             imap cmd=\"{t}/imapd -C {t}/imapd.conf\" listen=\"127.0.0.1:{}\" proto=\"tcp4\" prefork=0\n \
             imaps cmd=\"{t}/imapd -C {t}/imapd.conf -s\" listen=\"127.0.0.1:{}\" proto=\"tcp4\" prefork=0\n}}\n\
             EVENTS {{\n}}\n",
            self.plain.port(),
            self.tls.port()
        );
        write_file(&self.path("imapd.conf"), imapd)?;
        write_file(&self.path("cyrus.conf"), cyrus)?;
        let script =
            format!("/usr/lib/cyrus/bin/master -D -C {t}/imapd.conf -M {t}/cyrus.conf -p {t}/pid & MAIN=$!");
        let log = self.path("out");
        // Each imapd makes a group of its own: only a namespace gets them all.
        let isolation = if Process::can_isolate() { Isolation::Namespace } else { Isolation::Group };
        let process = self.process.insert(Process::start(isolation, &script, &log)?);
        await_greeting("Cyrus", self.plain, process, || std::fs::read_to_string(&log).unwrap_or_default())
    }
}

impl ImapServer for Cyrus {
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
        self.set_password(name, password)?;
        let separator =
            if matches!(self.hierarchy, Hierarchy::InboxDot | Hierarchy::Dot) { '.' } else { '/' };
        self.admin()?.command(&format!("CREATE {}", quote(&format!("user{separator}{name}")))).map(drop)
    }
}
