//! The service itself: what all use cases share.

use std::sync::Arc;

use mailhost::MailHost;
use sea_orm::{DatabaseConnection, DatabaseTransaction};
use store::{Store, Writing};

use crate::error::{Error, Result};
use crate::identity::passwords::Passwords;
use crate::identity::throttle::Throttle;
use crate::model::{Actor, Role, Scope};
use crate::settings::{SealingKey, Settings};
use crate::vault::Vault;

/// All use cases. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<Store>,
    pub(crate) host: Arc<dyn MailHost>,
    pub(crate) vault: Vault,
    pub(crate) passwords: Passwords,
    pub(crate) by_address: Throttle,
    pub(crate) by_name: Throttle,
    pub(crate) notice_tests: Throttle,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl Service {
    /// Opens the vault (and makes its key at the first start).
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the sealing key cannot be used.
    pub async fn open(settings: Settings, store: Arc<Store>, host: Arc<dyn MailHost>) -> Result<Service> {
        let vault = match &settings.key {
            SealingKey::File(path) => Vault::open(path).map_err(Error::internal)?,
            SealingKey::Credential(path) => Vault::open_credential(path).map_err(Error::internal)?,
            SealingKey::ThisProcess => Vault::of_this_process(),
        };
        let passwords = Passwords::new(settings.password_hashes_at_once).await?;
        let by_address = Throttle::new(settings.sign_ins_per_address);
        let by_name = Throttle::new(settings.sign_ins_per_name);
        let notice_tests = Throttle::new(settings.notice_tests);
        let inner = Inner { settings, store, host, vault, passwords, by_address, by_name, notice_tests };
        Ok(Service { inner: Arc::new(inner) })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when it does not.
    pub async fn ready(&self) -> Result<()> {
        self.reading().ping().await.map_err(Error::from)
    }

    pub(crate) fn reading(&self) -> &DatabaseConnection {
        self.inner.store.reading()
    }

    pub(crate) async fn writing(&self) -> Result<Writing<'_>> {
        self.inner.store.writing().await.map_err(Error::from)
    }
}

/// A transaction on which statements run.
pub(crate) type Transaction = DatabaseTransaction;

/// Refuses what role or token do not allow.
pub(crate) fn require(actor: &Actor, scope: Scope) -> Result<()> {
    if actor.may(scope) { Ok(()) } else { Err(Error::Forbidden) }
}

/// What only operators do does not exist for others.
pub(crate) fn require_operator(actor: &Actor) -> Result<()> {
    match actor.role {
        Role::Operator => require(actor, Scope::Admin),
        Role::Customer => Err(Error::NotFound),
    }
}
