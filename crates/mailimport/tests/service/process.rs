//! A running `mailimport serve` or `worker`; it is killed when this is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::http::{self, Answer};

/// Debian's group `mail`, so that Dovecot can be told its name.
const OWNER: (u32, u32) = (12345, 8);
/// The customer's own sign-in.
pub(crate) const SIGN_IN: &str = "correct horse battery";

/// Directories and settings of one installation.
pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) settings: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        let directory = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open).unwrap();
        Place { directory, settings: String::new() }
    }

    /// A tree for mailboxes, and leave to connect to an old server on this port of the loopback.
    pub(crate) fn with_old_server(port: u16, ca: &Path) -> Place {
        let mut place = Place::new();
        let root = place.directory.path().join("mail");
        std::fs::create_dir(&root).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o750);
        std::fs::set_permissions(&root, mode).unwrap();
        std::os::unix::fs::chown(&root, Some(OWNER.0), Some(OWNER.1)).unwrap();
        let (root, ca) = (root.display(), ca.display());
        place.settings = format!(
            "[mail]\nroot = \"{root}\"\npassword_scheme = \"sha512-crypt\"\n\
             [source]\nfurther_ports = [{port}]\nallow = [\"127.0.0.1/32\"]\nauthorities = [\"{ca}\"]\n"
        );
        place
    }

    /// A customer with a password, whose domain is `example.org`.
    pub(crate) fn add_customer(&self) {
        let password = self.directory.path().join("sign-in");
        std::fs::write(&password, SIGN_IN).unwrap();
        self.admin(&["users", "add", "kunde", "--password-file", password.to_str().unwrap()]);
        self.admin(&["domains", "add", "example.org", "kunde"]);
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn command(&self, what: &[&str]) -> Command {
        let config = self.directory.path().join("mailimport.toml");
        std::fs::write(&config, &self.settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailimport"));
        command.args(what).arg("--config").arg(config).arg("--data-dir").arg(self.data());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MAILIMPORT_") {
                command.env_remove(name);
            }
        }
        command
    }

    #[track_caller]
    pub(crate) fn admin(&self, arguments: &[&str]) -> String {
        let output = self.command(&[&["admin"], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(&mut self.command(&["serve", "--listen", "127.0.0.1:0"]), self.directory.path())
    }
}

/// A process that serves.
pub(crate) struct Server {
    child: Child,
    /// What it printed until it was ready.
    pub(crate) said: String,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

impl Server {
    pub(crate) fn start(command: &mut Command, directory: &Path) -> Server {
        let name = rand_name();
        let log = directory.join(format!("log.{name}"));
        let output = directory.join(format!("output.{name}"));
        let child = command.stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap()).spawn();
        let mut child = child.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        lines.read_line(&mut said).unwrap();
        let base = said
            .trim_end()
            .strip_prefix("mailimport is at ")
            .unwrap_or_else(|| panic!("{said} {}", std::fs::read_to_string(&log).unwrap()));
        let address = base.split_once("://").unwrap().1.parse().unwrap();
        // What follows comes at once, in the same write; it is not waited for.
        said += &String::from_utf8_lossy(lines.buffer());
        // Somebody has to read on, or a full pipe would stop it.
        let mut output = std::fs::File::create(output).unwrap();
        output.write_all(said.as_bytes()).unwrap();
        lines.consume(lines.buffer().len());
        std::thread::spawn(move || std::io::copy(&mut lines, &mut output));
        Server { child, said, address, log }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        http::ask(self.address, method, path, token, body)
    }

    /// The one-time link for the first operator, without its beginning.
    pub(crate) fn link(&self) -> Option<String> {
        self.said.lines().nth(1)?.split_once("/link/").map(|(_, secret)| secret.to_owned())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sixteen random characters.
pub(crate) fn rand_name() -> String {
    let mut octets = [0; 8];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut octets).unwrap();
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
