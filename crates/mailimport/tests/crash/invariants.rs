//! What must be true whatever happened. The judges are the files themselves, SQLite's own shell reading the ledger, and a
//! real Dovecot.
//!
//! Nothing here panics: each function says what is broken, so that a control can expect it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::imap_client::Client;
use testkit::judge::{self, Kind, Mapping};
use testkit::server::ImapServer;

use crate::scene::{BUSY_FOLDER, NEW, OLD, PASSWORD, Scene, count, digest, foreign_mail};

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// Each file holds the octets of a message of the old account, or of foreign mail.
    Octets,
    /// No message is there more often than at the source.
    NothingDoubled,
    /// Mail of others is untouched.
    ForeignMail,
    /// Every row that says `imported` has its file.
    LedgerIsTrue,
    /// Rows that were written before are there.
    NothingForgotten,
    /// Each message of the source is there once, with its octets, flags, keywords, date and place.
    Equal,
    /// Nothing is left in `tmp`, and no lock.
    NoLitter,
    /// Every message that we delivered has a row.
    LedgerIsComplete,
    /// Another run brings nothing and changes nothing.
    SecondRun,
    /// Dovecot complains of nothing, and finds nothing to mend.
    Dovecot,
}

/// An invariant that does not hold, and in what way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) Invariant, pub(crate) String);

/// All that is broken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings(pub(crate) Vec<Broken>);

impl Findings {
    fn expect(&mut self, holds: bool, invariant: Invariant, how: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Broken(invariant, how()));
        }
    }

    pub(crate) fn has(&self, invariant: Invariant) -> bool {
        self.0.iter().any(|Broken(broken, _)| *broken == invariant)
    }

    pub(crate) fn assert_none(&self, when: &dyn fmt::Display) {
        assert!(self.0.is_empty(), "{when}: {:#?}", self.0);
    }
}

/// What must hold at every moment, also right after the import died.
pub(crate) fn at_any_moment(scene: &Scene) -> Findings {
    let mut findings = Findings::default();
    let (source, there) = (scene.source_files(), scene.files());
    let foreign = if scene.foreign { foreign_digests() } else { BTreeSet::new() };
    let wanted = count(&source);
    for (digest, number) in count(&there) {
        let at_most = wanted.get(digest).copied().unwrap_or(0) + usize::from(foreign.contains(digest));
        findings.expect(at_most > 0, Invariant::Octets, || {
            let file = there.iter().find(|file| file.digest == digest);
            format!("{file:?} is no message of the source")
        });
        findings.expect(at_most == 0 || number <= at_most, Invariant::NothingDoubled, || {
            let files: Vec<_> = there.iter().filter(|file| file.digest == digest).collect();
            format!("{number} in place of {at_most}: {files:?}")
        });
    }
    let digests: BTreeSet<&str> = there.iter().map(|file| file.digest.as_str()).collect();
    for digest in foreign.iter().filter(|digest| !digests.contains(digest.as_str())) {
        findings.expect(false, Invariant::ForeignMail, || format!("{digest} is gone"));
    }
    let bases: BTreeSet<&str> = there.iter().map(|file| file.base.as_str()).collect();
    for identity in Ledger::copy(&scene.ledger()).imported() {
        findings.expect(bases.contains(identity.as_str()), Invariant::LedgerIsTrue, || {
            format!("{identity} is recorded, and there is no such file")
        });
    }
    findings
}

/// What must hold once an import is complete.
pub(crate) fn at_the_end(scene: &mut Scene) -> Findings {
    let mut findings = at_any_moment(scene);
    findings
        .expect(litter(&scene.root).is_empty(), Invariant::NoLitter, || format!("{:?}", litter(&scene.root)));
    let recorded: BTreeSet<String> = Ledger::copy(&scene.ledger()).imported().into_iter().collect();
    for file in scene.files().iter().filter(|file| file.base.ends_with(".mailimport")) {
        findings.expect(recorded.contains(&file.base), Invariant::LedgerIsComplete, || {
            format!("{file:?} is in no row")
        });
    }
    compare(scene, &mut findings);
    second_run(scene, &mut findings);
    force_resync(scene, &mut findings);
    findings
}

/// The judge's comparison. What is there beside the source's messages is counted by [`at_any_moment`].
fn compare(scene: &Scene, findings: &mut Findings) {
    let account = |user| judge::Account::new(scene.server.plain(), user, PASSWORD);
    let mapping = Mapping::identity()
        .rename("Gesendete Objekte", "Sent")
        .without("Foreign")
        .without(BUSY_FOLDER)
        .ignoring(Kind::Extra);
    match judge::compare(&account(OLD), &account(NEW), &mapping) {
        Ok(verdict) => findings.expect(verdict.is_equal(), Invariant::Equal, || verdict.to_string()),
        Err(error) => findings.expect(false, Invariant::Dovecot, || error.to_string()),
    }
}

fn second_run(scene: &mut Scene, findings: &mut Findings) {
    let before = scene.files();
    let report = scene.complete();
    findings.expect(report["totals"]["imported"] == 0, Invariant::SecondRun, || {
        format!("{} imported", report["totals"]["imported"])
    });
    findings.expect(scene.files() == before, Invariant::SecondRun, || "files changed".to_owned());
}

fn force_resync(scene: &Scene, findings: &mut Findings) {
    let before = as_dovecot_shows(scene).map_err(|error| error.to_string());
    let output = scene.server.doveadm(&["force-resync", "-u", NEW, "*"]).unwrap();
    findings.expect(output.status.success(), Invariant::Dovecot, || {
        String::from_utf8_lossy(&output.stderr).into_owned()
    });
    let after = as_dovecot_shows(scene).map_err(|error| error.to_string());
    findings.expect(before.is_ok() && before == after, Invariant::Dovecot, || {
        format!("{before:#?} became {after:#?}")
    });
    let log = scene.server.log();
    // "Warning: ... Expunged message reappeared" and "Error: ... corrupted" are what a wrong delivery provokes.
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| [" Error: ", " Warning: ", "Panic: "].iter().any(|word| line.contains(word)))
        .filter(|line| line.contains(NEW) && !line.contains("stale lock") && !line.contains("stale"))
        .collect();
    findings.expect(complaints.is_empty(), Invariant::Dovecot, || complaints.join("\n"));
}

/// Every folder's UIDs, octets and flags.
fn as_dovecot_shows(scene: &Scene) -> testkit::Result<Vec<String>> {
    let mut client = Client::login(scene.server.plain(), NEW, PASSWORD)?;
    client.digest_only();
    let mut lines = Vec::new();
    for folder in client.list()?.iter().filter(|folder| folder.selectable) {
        for message in client.fetch_all(&folder.wire)? {
            lines.push(format!(
                "{} {} {:?} {:?} {:?}",
                folder.wire, message.uid, message.digest, message.flags, message.keywords
            ));
        }
    }
    Ok(lines)
}

fn foreign_digests() -> BTreeSet<String> {
    let folders = foreign_mail().folders;
    let messages = folders.iter().flat_map(|folder| &folder.messages);
    messages.map(|message| digest(&message.content.bytes().unwrap())).collect()
}

/// Files in a `tmp`, and locks.
fn litter(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut directories) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if directory.ends_with("tmp") || path.extension().is_some_and(|end| end == "lock") {
                found.push(path);
            }
        }
    }
    found
}

/// The ledger as SQLite's shell reads it: a copy of database and write-ahead log, so that nothing is touched.
pub(crate) struct Ledger {
    directory: tempfile::TempDir,
    exists: bool,
}

impl Ledger {
    pub(crate) fn copy(path: &Path) -> Ledger {
        let directory = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal"] {
            let mut from = path.as_os_str().to_owned();
            from.push(suffix);
            if Path::new(&from).exists() {
                std::fs::copy(&from, directory.path().join(format!("ledger{suffix}"))).unwrap();
            }
        }
        let exists = directory.path().join("ledger").exists();
        Ledger { directory, exists }
    }

    /// The identities of all messages that are recorded as imported.
    pub(crate) fn imported(&self) -> Vec<String> {
        // Before the tables there is nothing to forget.
        if !self.exists || self.ask("SELECT count(*) FROM sqlite_master WHERE name = 'message'") != "1\n" {
            return Vec::new();
        }
        let rows = self.ask("SELECT identity FROM message WHERE state = 'imported' ORDER BY identity");
        rows.lines().map(str::to_owned).collect()
    }

    fn ask(&self, question: &str) -> String {
        let path = self.directory.path().join("ledger");
        let output = Command::new("sqlite3").arg(path).arg(question).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What `before` says is imported and `scene`'s ledger does not know any more.
pub(crate) fn forgotten(before: &[String], scene: &Scene) -> Findings {
    let now: BTreeSet<String> = Ledger::copy(&scene.ledger()).imported().into_iter().collect();
    let mut findings = Findings::default();
    let gone: Vec<&String> = before.iter().filter(|identity| !now.contains(*identity)).collect();
    findings.expect(gone.is_empty(), Invariant::NothingForgotten, || {
        format!("{} of {} rows, such as {:?}", gone.len(), before.len(), gone.first())
    });
    findings
}
