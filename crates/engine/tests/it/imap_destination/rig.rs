//! A source account, an account at an IMAP server as destination, and a ledger.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::account::{Account, Adoption, Route, Settings, Source};
use engine::clock::SystemClock;
use engine::destination::{ImapDestination, ImapPlace, Limits};
use engine::plan::Selection;
use engine::progress::{Progress, Silent};
use engine::report::{Report, Verdict};
use store::Store;
use testkit::imap_client::Client;
use testkit::judge::{self, Mapping};
use testkit::server::{Dovecot, DovecotOptions, ImapServer, MailFormat, User};
use tokio_util::sync::CancellationToken;

use crate::rig::{PASSWORD, assert_balanced};

/// Where the import goes, and as whom.
pub(super) struct Rig {
    /// The old provider of `alice`, and perhaps the new one of `bob`.
    pub(super) old: Dovecot,
    /// The server that is imported from and the one that is imported into, as the program reaches them.
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// The new server as the judge reaches it.
    pub(super) judged: SocketAddr,
    pub(super) credentials: imap::Credentials,
    pub(super) files: tempfile::TempDir,
    pub(super) settings: Settings,
    pub(super) selection: Selection,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) cancel: CancellationToken,
}

pub(super) fn password(user: &str) -> imap::Credentials {
    imap::Credentials::Password {
        user: user.into(),
        password: PASSWORD.to_owned().into(),
        authorization_id: None,
    }
}

impl Rig {
    /// From one user of a Dovecot to another one, whose mail is stored in this format.
    pub(super) fn within_dovecot(format: MailFormat) -> Rig {
        Rig::with(DovecotOptions::with_users([
            User::new("alice", PASSWORD),
            User::new("bob", PASSWORD).with_format(format),
        ]))
    }

    pub(super) fn with(options: DovecotOptions) -> Rig {
        let old = Dovecot::start(&options).unwrap();
        let at = old.plain();
        Rig::to(old, at)
    }

    /// From a Dovecot to another server.
    pub(super) fn to_server(new: &impl ImapServer) -> Rig {
        let old = Dovecot::start(&DovecotOptions::with_users([User::new("alice", PASSWORD)])).unwrap();
        Rig::to(old, new.plain())
    }

    fn to(old: Dovecot, destination: SocketAddr) -> Rig {
        Rig {
            source: old.plain(),
            old,
            destination,
            judged: destination,
            credentials: password("bob"),
            files: tempfile::tempdir().unwrap(),
            settings: Settings {
                patience: Duration::from_secs(20),
                first_pause: Duration::from_millis(20),
                ..Settings::default()
            },
            selection: Selection::default(),
            progress: Arc::new(Silent),
            cancel: CancellationToken::new(),
        }
    }

    pub(super) fn state(&self) -> PathBuf {
        self.files.path().join("ledger.db")
    }

    pub(super) fn refused(&self) -> PathBuf {
        self.files.path().join("refused")
    }

    pub(super) fn account(at: SocketAddr, credentials: imap::Credentials) -> Source {
        Source {
            endpoint: imap::Endpoint {
                host: at.ip().to_string(),
                port: at.port(),
                security: imap::Security::Plaintext,
            },
            tls: imap::Tls::new(imap::TlsTrust::default()).unwrap(),
            credentials,
            route: Route::Anywhere,
        }
    }

    pub(super) fn place(&self) -> ImapPlace {
        ImapPlace {
            account: Rig::account(self.destination, self.credentials.clone()),
            settings: self.settings.clone(),
            limits: Limits::default(),
            spool: self.files.path().to_owned(),
            refused: self.refused(),
            lock: Some(self.files.path().join("ledger.db.lock")),
            progress: Arc::clone(&self.progress),
            cancel: self.cancel.clone(),
        }
    }

    pub(super) async fn run(&self, verify: bool) -> Report {
        let ledger = Store::open_file(&self.state(), None).await.unwrap();
        let report = self.run_with(&ledger, verify).await;
        ledger.close().await.unwrap();
        report
    }

    pub(super) async fn run_with(&self, ledger: &impl engine::ledger::Ledger, verify: bool) -> Report {
        let source = Rig::account(self.source, password("alice"));
        let destination = ImapDestination::new(self.place());
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
        let report = if verify { account.verify().await } else { account.import().await };
        destination.close().await;
        report
    }

    pub(super) async fn import(&self) -> Report {
        self.run(false).await
    }

    pub(super) async fn verify(&self) -> Report {
        self.run(true).await
    }

    /// Imports, and expects the verdict `complete` with balanced numbers.
    pub(super) async fn import_all(&self) -> Report {
        let report = self.import().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
        assert_balanced(&report);
        report
    }

    /// Imports again, and expects that nothing is new.
    pub(super) async fn nothing_new(&self) {
        let again = self.import_all().await;
        assert_eq!(again.totals.imported, 0, "{again:#?}");
        assert_eq!(again.totals.already_there, again.totals.listed, "{again:#?}");
    }

    pub(super) async fn adopt(&mut self) -> Report {
        self.settings.adoption = Adoption::ByDigest;
        self.import().await
    }

    pub(super) fn judge(&self, mapping: &Mapping) {
        self.verdict(mapping).assert_equal();
    }

    pub(super) fn verdict(&self, mapping: &Mapping) -> judge::Verdict {
        let source = judge::Account::new(self.old.plain(), "alice", PASSWORD);
        let destination = judge::Account::new(self.judged, "bob", PASSWORD);
        judge::compare(&source, &destination, mapping).unwrap()
    }

    pub(super) fn alice(&self) -> Client {
        Client::login(self.old.plain(), "alice", PASSWORD).unwrap()
    }

    pub(super) fn bob(&self) -> Client {
        Client::login(self.judged, "bob", PASSWORD).unwrap()
    }
}
