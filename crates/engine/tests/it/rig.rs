//! One source account, one Maildir, a Dovecot that serves it, and a ledger: what every test of the engine needs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::Survey;
use engine::account::{Account, Route, Settings, Source};
use engine::clock::SystemClock;
use engine::destination::{Limits, MaildirDestination};
use engine::error::Error;
use engine::ledger::Ledger;
use engine::plan::{Plan, Selection};
use engine::progress::{Progress, Silent};
use engine::report::{Report, Verdict};
use store::Store;
use testkit::imap_client::Client;
use testkit::judge::{self, Mapping};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};
use tokio_util::sync::CancellationToken;

pub(crate) const PASSWORD: &str = "pw";

/// A Dovecot that is the old provider of `alice` and serves the new mailbox of `bob`.
pub(crate) struct Rig {
    pub(crate) server: Dovecot,
    pub(crate) ledger: tempfile::TempDir,
    pub(crate) source: SocketAddr,
    /// The name to connect by, where it is not the source's address.
    pub(crate) host: Option<String>,
    pub(crate) security: imap::Security,
    pub(crate) trust: imap::TlsTrust,
    pub(crate) credentials: imap::Credentials,
    pub(crate) settings: Settings,
    pub(crate) selection: Selection,
    pub(crate) cancel: CancellationToken,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) route: Route,
    pub(crate) limits: Limits,
}

impl Rig {
    pub(crate) fn start() -> Rig {
        Rig::with(DovecotOptions::with_users([User::new("alice", PASSWORD), User::new("bob", PASSWORD)]))
    }

    pub(crate) fn with(options: DovecotOptions) -> Rig {
        let server = Dovecot::start(&options).unwrap();
        let source = server.plain();
        let settings = Settings { patience: Duration::from_secs(20), ..Settings::default() };
        Rig {
            server,
            ledger: tempfile::tempdir().unwrap(),
            source,
            host: None,
            security: imap::Security::Plaintext,
            trust: imap::TlsTrust::default(),
            credentials: Rig::password(),
            settings,
            selection: Selection::default(),
            cancel: CancellationToken::new(),
            progress: Arc::new(Silent),
            route: Route::Anywhere,
            limits: Limits::default(),
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.ledger.path().join("ledger.db")
    }

    pub(crate) fn password() -> imap::Credentials {
        imap::Credentials::Password {
            user: "alice".into(),
            password: PASSWORD.to_owned().into(),
            authorization_id: None,
        }
    }

    async fn run(&self, work: Work) -> Report {
        let ledger = Store::open_file(&self.state(), None).await.unwrap();
        let report = self.run_with(work, &ledger).await;
        ledger.close().await.unwrap();
        report
    }

    pub(crate) async fn run_with(&self, work: Work, ledger: &impl Ledger) -> Report {
        let (source, destination) = (self.source(), self.destination());
        let account = Account {
            source: &source,
            destination: &destination,
            ledger,
            selection: &self.selection,
            settings: &self.settings,
            progress: Arc::clone(&self.progress),
            clock: Arc::new(SystemClock),
            cancel: self.cancel.clone(),
        };
        match work {
            Work::Import => account.import().await,
            Work::Verify => account.verify().await,
        }
    }

    fn destination(&self) -> MaildirDestination {
        let (uid, gid) = self.server.owner();
        MaildirDestination::create(&self.server.maildir("bob"), Some(maildir::Owner { uid, gid }))
            .unwrap()
            .with_limits(self.limits)
    }

    fn source(&self) -> Source {
        Source {
            endpoint: imap::Endpoint {
                host: self.host.clone().unwrap_or_else(|| self.source.ip().to_string()),
                port: self.source.port(),
                security: self.security,
            },
            tls: imap::Tls::new(self.trust.clone()).unwrap(),
            credentials: self.credentials.clone(),
            route: self.route.clone(),
        }
    }

    pub(crate) async fn dry_run(&self) -> Result<(Survey, Plan), Error> {
        engine::dry_run(&self.source(), Some(&self.destination()), &self.selection, &self.settings).await
    }

    pub(crate) async fn import(&self) -> Report {
        self.run(Work::Import).await
    }

    pub(crate) async fn verify(&self) -> Report {
        self.run(Work::Verify).await
    }

    /// Imports, and expects the verdict `complete` with balanced numbers.
    pub(crate) async fn import_all(&self) -> Report {
        let report = self.import().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
        assert_balanced(&report);
        report
    }

    /// The independent judge: the source as its server shows it, the new mailbox as Dovecot shows it.
    pub(crate) fn judge(&self, mapping: &Mapping) {
        let source = judge::Account::new(self.source, "alice", PASSWORD);
        self.judge_from(&source, mapping);
    }

    pub(crate) fn judge_from(&self, source: &judge::Account, mapping: &Mapping) {
        let destination = judge::Account::new(self.server.plain(), "bob", PASSWORD);
        judge::compare(source, &destination, mapping).unwrap().assert_equal();
    }

    pub(crate) fn alice(&self) -> Client {
        Client::login(self.source, "alice", PASSWORD).unwrap()
    }

    pub(crate) fn bob(&self) -> Client {
        Client::login(self.server.plain(), "bob", PASSWORD).unwrap()
    }

    /// Every message file below the new mailbox, with what would change if somebody touched it.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, (u64, i64, i64, i64)> {
        let mut files = BTreeMap::new();
        collect(&self.server.maildir("bob"), &mut files);
        files
    }

    /// No litter in any `tmp`, no lock.
    pub(crate) fn assert_clean(&self) {
        for (path, _) in self.everything() {
            let text = path.to_string_lossy();
            let in_tmp = path.parent().and_then(Path::file_name).is_some_and(|name| name == "tmp");
            assert!(!in_tmp, "litter: {text}");
            assert!(!text.ends_with("dovecot-uidlist.lock"), "lock: {text}");
        }
    }

    fn everything(&self) -> BTreeMap<PathBuf, ()> {
        let mut all = BTreeMap::new();
        walk(&self.server.maildir("bob"), &mut |path, _| {
            all.insert(path.to_owned(), ());
        });
        all
    }
}

pub(crate) enum Work {
    Import,
    Verify,
}

pub(crate) fn assert_balanced(report: &Report) {
    assert!(report.totals.balances(), "{report:#?}");
    assert!(report.folders.iter().all(|folder| folder.counts.balances()), "{report:#?}");
}

fn collect(root: &Path, files: &mut BTreeMap<PathBuf, (u64, i64, i64, i64)>) {
    walk(root, &mut |path, metadata| {
        let directory = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        if matches!(directory, Some("cur" | "new")) {
            let facts = (metadata.ino(), metadata.mtime(), metadata.ctime(), metadata.ctime_nsec());
            files.insert(path.to_owned(), facts);
        }
    });
}

fn walk(root: &Path, each: &mut dyn FnMut(&Path, &std::fs::Metadata)) {
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        // A file that a server renames meanwhile is nobody's fault.
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            walk(&path, each);
        } else {
            each(&path, &metadata);
        }
    }
}
