//! A private Courier IMAP server, unpacked from Debian's package since that conflicts with Dovecot's.
//!
//! Its paths are compiled in, so it runs in a mount namespace that covers them (needs root and
//! CAP_SYS_ADMIN).

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{ImapServer, require, run, set_mode, short_directory, unpacked_directory, write_file};
use crate::certificate::{self, Files, Kind};
use crate::process::{Isolation, Process, await_greeting, free_ports};
use crate::{Doing, Error, Result};

/// A running private Courier; it ends when this is dropped.
#[derive(Debug)]
pub struct Courier {
    process: Option<Process>,
    plain: SocketAddr,
    tls: SocketAddr,
    files: Files,
    users: Vec<(String, String)>,
    directory: TempDir,
}

impl Courier {
    /// Starts it with these users (name, password) and waits until it greets.
    pub fn start(users: &[(&str, &str)]) -> Result<Self> {
        require(&unpacked_directory().join("usr/lib/courier/courier/imaplogin"))?;
        require(Path::new("/usr/sbin/couriertcpd"))?;
        if !Process::can_isolate() {
            let remedy = "Run as root with CAP_SYS_ADMIN".to_owned();
            return Err(Error::NotInstalled { what: "mount namespaces, for Courier".to_owned(), remedy });
        }
        let directory = short_directory()?;
        let files = certificate::write(Kind::Good, directory.path())?;
        let [plain, tls] = free_ports()?;
        let mut server = Self { process: None, plain, tls, files, users: Vec::new(), directory };
        for name in ["run/courier/authdaemon", "etc", "mail", "x"] {
            let path = server.path(name);
            std::fs::create_dir_all(&path).doing(|| format!("creating {}", path.display()))?;
        }
        // The mail user must reach the programs, wherever the cache is.
        let unpacked = unpacked_directory();
        for (from, to) in [("usr/lib/courier/courier/imaplogin", "x/imaplogin"), ("usr/bin/imapd", "x/imapd")]
        {
            std::fs::copy(unpacked.join(from), server.path(to)).doing(|| format!("copying {from}"))?;
        }
        write_file(
            &server.path("etc/authdaemonrc"),
            "authmodulelist=\"authuserdb\"\nauthmodulelistorig=\"authuserdb\"\ndaemons=3\n\
             authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=\"\"\n",
        )?;
        for (name, password) in users {
            server.add_user(name, password)?;
        }
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

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write_users(&self) -> Result<()> {
        let mut lines = String::new();
        for (name, password) in &self.users {
            let output = Command::new("openssl")
                .args(["passwd", "-6", password])
                .output()
                .doing(|| "running openssl".to_owned())?;
            let hash = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let home = self.path("mail").join(name);
            // Writing to a String cannot fail.
            let _ = writeln!(
                lines,
                "{name}\tuid=12345|gid=12345|home={home}|mail={home}/Maildir|systempw={hash}",
                home = home.display()
            );
        }
        let file = self.path("etc/userdb");
        write_file(&file, lines)?;
        set_mode(&file, 0o600)?;
        run(Command::new("makeuserdb").arg("-f").arg(&file))
    }

    fn launch(&mut self) -> Result<()> {
        let t = self.directory.path().display();
        let script = format!(
            "mount --bind {t}/run /run && mount --bind {t}/etc /etc/courier || exit 1\n\
             /usr/lib/courier/courier-authlib/authdaemond &\n\
             export IMAP_CAPABILITY=\"IMAP4rev1 UIDPLUS NAMESPACE QUOTA IDLE\" \
             IMAP_CAPABILITY_TLS=\"IMAP4rev1 UIDPLUS NAMESPACE QUOTA IDLE\" IMAP_ENHANCEDIDLE=0 IMAP_KEYWORDS=1 IMAP_USELOCKS=0 \
             IMAP_STARTTLS=YES MAILDIRPATH=Maildir COURIERTLS=/usr/bin/couriertls TLS_CERTFILE={t}/both.pem \
             TLS_VERIFYPEER=NONE TLS_PROTOCOL=TLSv1.2+\n\
             L=\"-address=127.0.0.1 -maxperip=50 -maxprocs=60 -nodnslookup -noidentlookup\"\n\
             I=\"{t}/x/imaplogin {t}/x/imapd Maildir\"\n\
             couriertcpd $L {} $I &\nMAIN=$!\n\
             couriertcpd $L {} /usr/bin/couriertls -server -tcpd $I &",
            self.plain.port(),
            self.tls.port()
        );
        let log = self.path("out");
        let process = self.process.insert(Process::start(Isolation::Namespace, &script, &log)?);
        await_greeting("Courier", self.plain, process, || std::fs::read_to_string(&log).unwrap_or_default())
    }
}

impl ImapServer for Courier {
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
        let home = self.path("mail").join(name);
        std::fs::create_dir_all(&home).doing(|| format!("creating {}", home.display()))?;
        run(Command::new("maildirmake.courier").arg(home.join("Maildir")))?;
        run(Command::new("chown").args(["-R", "12345:12345"]).arg(&home))?;
        self.users.push((name.to_owned(), password.to_owned()));
        self.write_users()
    }
}
