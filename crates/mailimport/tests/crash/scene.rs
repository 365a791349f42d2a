//! One import to be harmed: a Dovecot with the old account, the new mailbox that the same Dovecot serves, and in it mail
//! that is not ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sha2::{Digest, Sha256};
use testkit::factory::{AccountSpec, FolderSpec, MessageSpec};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

pub(crate) const PASSWORD: &str = "pw";
/// Whose mail is imported.
pub(crate) const OLD: &str = "alice";
/// Whose mailbox it is imported into.
pub(crate) const NEW: &str = "bob";
/// The folder in which [`crate::client::Busy`] makes and unmakes messages.
pub(crate) const BUSY_FOLDER: &str = "Busy";

/// An old account and a new mailbox.
pub(crate) struct Scene {
    pub(crate) server: Dovecot,
    /// The Maildir of the new mailbox.
    pub(crate) root: PathBuf,
    /// Whether mail of others was there first.
    pub(crate) foreign: bool,
    /// What is put before the program's name, such as `strace` and its arguments.
    pub(crate) around: Vec<String>,
    /// Further arguments of the import.
    pub(crate) arguments: Vec<String>,
}

impl Scene {
    /// The new mailbox in the server's own directory.
    pub(crate) fn new(account: &AccountSpec) -> Scene {
        Scene::start(account, None, true)
    }

    /// The new mailbox in a directory of its own, such as the mount point of a small disk.
    pub(crate) fn at(account: &AccountSpec, root: &Path) -> Scene {
        let mut scene = Scene::start(account, Some(root), true);
        // Such disks are smaller than what an import leaves free otherwise.
        scene.arguments = vec!["--keep-free".into(), "0".into()];
        scene
    }

    /// No mailbox yet at this place, which is a level deeper than what there is.
    pub(crate) fn to_be_founded_at(account: &AccountSpec, root: &Path) -> Scene {
        Scene::start(account, Some(root), false)
    }

    fn start(account: &AccountSpec, root: Option<&Path>, foreign: bool) -> Scene {
        let mut new = User::new(NEW, PASSWORD);
        if let Some(root) = root {
            new = new.serving(root);
        }
        let options = DovecotOptions::with_users([User::new(OLD, PASSWORD), new]);
        let server = Dovecot::start(&options).unwrap();
        server.write_account(OLD, account).unwrap();
        let home = server.mail_home(NEW);
        std::fs::create_dir_all(&home).unwrap();
        let (uid, gid) = server.owner();
        std::os::unix::fs::chown(&home, Some(uid), Some(gid)).unwrap();
        let root = server.maildir(NEW);
        if foreign {
            foreign_mail().write_maildir(&root, Some(server.owner())).unwrap();
        }
        Scene { server, root, foreign, around: Vec::new(), arguments: Vec::new() }
    }

    /// The import's command line.
    pub(crate) fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_mailimport").to_owned();
        let mut words = self.around.iter().cloned().chain([program]);
        let mut command = Command::new(words.next().unwrap());
        let (uid, gid) = self.server.owner();
        command
            .args(words)
            .arg("import")
            .arg(format!("imap://{OLD}@{}", self.server.plain()))
            .arg(format!("maildir:{}", self.root.display()))
            .args(["--allow-plaintext", "--format", "json", "--mail-user", &format!("{uid}:{gid}")])
            .args(&self.arguments)
            .env("MAILIMPORT_SOURCE_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    /// Starts the import.
    pub(crate) fn spawn(&self) -> Child {
        self.command().spawn().unwrap()
    }

    /// Imports to the end.
    pub(crate) fn import(&self) -> Ended {
        Ended::of(self.spawn())
    }

    /// Imports to the end without what is put around the program, and expects it to be complete.
    pub(crate) fn complete(&mut self) -> serde_json::Value {
        self.around.clear();
        let Ended { code, report } = self.import();
        assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("complete")), "{report:#}");
        report
    }

    /// The ledger: `mailimport-ledger.db` in the mailbox's root.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("mailimport-ledger.db")
    }

    /// Messages that the old account holds.
    pub(crate) fn source_files(&self) -> Vec<File> {
        files(&self.server.maildir(OLD))
    }

    /// Messages of the new mailbox, without what the busy client makes.
    pub(crate) fn files(&self) -> Vec<File> {
        let mut files = files(&self.root);
        files.retain(|file| file.folder != format!(".{BUSY_FOLDER}"));
        files
    }
}

/// How an import ended and what it printed.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) report: serde_json::Value,
}

impl Ended {
    pub(crate) fn of(child: Child) -> Ended {
        let output = child.wait_with_output().unwrap();
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
        Ended { code: output.status.code(), report }
    }

    /// Why it stopped: the class of the error.
    pub(crate) fn class(&self) -> Option<&str> {
        self.report["error"]["class"].as_str()
    }
}

/// A message's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    /// The directory of its folder; empty for INBOX.
    pub(crate) folder: String,
    /// Its name up to the first `,` or `:`.
    pub(crate) base: String,
    /// SHA-256 of its octets, in hexadecimal. Line ends count as one: Dovecot stores what it is given with bare LFs, and
    /// shows CRLF.
    pub(crate) digest: String,
}

/// The files in `cur` and `new` of all folders.
fn files(root: &Path) -> Vec<File> {
    let mut found = Vec::new();
    let folders = std::fs::read_dir(root).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        (name.starts_with('.') && entry.path().is_dir()).then_some(name)
    });
    for folder in folders.chain([String::new()]) {
        for part in ["cur", "new"] {
            let directory = root.join(&folder).join(part);
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                // A client may have renamed it since.
                let Ok(octets) = std::fs::read(entry.path()) else { continue };
                let name = entry.file_name().into_string().unwrap();
                let base = name.split([',', ':']).next().unwrap().to_owned();
                found.push(File { folder: folder.clone(), base, digest: digest(&octets) });
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn digest(octets: &[u8]) -> String {
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    Sha256::digest(lines.join(&b'\n')).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Copies a directory with owners and times.
pub(crate) fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// A directory that servers of other users may enter.
pub(crate) fn open_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), mode).unwrap();
    directory
}

/// How often each digest occurs.
pub(crate) fn count(files: &[File]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for file in files {
        *counts.entry(file.digest.as_str()).or_default() += 1;
    }
    counts
}

/// Mail of somebody else: three messages in INBOX, two in a folder of their own.
pub(crate) fn foreign_mail() -> AccountSpec {
    let message = |number: i64| {
        let text = format!("Subject: not ours {number}\r\n\r\nleave me\r\n");
        MessageSpec::exact(text.into_bytes(), 1_200_000_000 + number)
    };
    AccountSpec {
        folders: vec![
            FolderSpec::new(&["INBOX"], (0..3).map(message).collect()),
            FolderSpec::new(&["Foreign"], (3..5).map(message).collect()),
        ],
    }
}

/// How often to harm at random: `MAILIMPORT_CRASH_ITERATIONS`, else 30.
pub(crate) fn iterations() -> u64 {
    std::env::var("MAILIMPORT_CRASH_ITERATIONS").ok().and_then(|number| number.parse().ok()).unwrap_or(30)
}
