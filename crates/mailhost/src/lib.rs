//! Mailboxes of a mail host: finding them, creating them, where they are stored.
//!
//! [`MailHost`] is the door for any platform; [`MaildirTree`] is the one that comes with mailimport: a tree of Maildirs and
//! a passwd-file that Dovecot serves. A mailbox that exists keeps its password and everything in it; a password is
//! stored as a hash only, and is in no error and in no log.

mod address;
mod dovecot;
mod error;
mod hashing;
mod tree;

use std::fmt;

use async_trait::async_trait;
use engine::destination::MaildirDestination;
pub use maildir::Owner;
use secrecy::SecretString;

pub use self::address::{Address, AddressError, DomainName};
pub use self::dovecot::{DovecotVersion, Served, ServedError, dovecot_config};
pub use self::error::{Error, PasswordError};
pub use self::hashing::Scheme;
pub use self::tree::{MaildirTree, TreeOptions};

/// A platform that owns mailboxes. Calls may be made from many tasks at once.
#[async_trait]
pub trait MailHost: fmt::Debug + Send + Sync + 'static {
    /// What it is called, in logs and as the name of its queue of work. The same at every start.
    fn name(&self) -> &str;

    /// The mailbox of this address, if there is one.
    async fn find(&self, address: &Address) -> Result<Option<Mailbox>, Error>;

    /// Makes a mailbox with this password; one that exists stays exactly as it is, its password too. Two calls at once,
    /// in one process or in two, make one mailbox. After a crash part-way the next call finishes the work.
    async fn create(&self, address: &Address, password: &SecretString) -> Result<Creation, Error>;

    /// Whether this host can keep that password, asked before anything is made.
    fn accepts(&self, password: &SecretString) -> Result<(), PasswordError>;

    /// Where the mail of this mailbox goes.
    async fn destination(&self, mailbox: &Mailbox) -> Result<MaildirDestination, Error>;

    /// Octets that mail may still take, where the host can tell.
    async fn free_space(&self) -> Result<Option<u64>, Error>;

    /// Whether mailboxes can be found and made at this moment.
    async fn ready(&self) -> Result<(), Error>;
}

/// A mailbox that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its address.
    pub address: Address,
    /// Where its password is.
    pub login: Login,
}

/// Where a mailbox's password is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// With the mail host, which checks it.
    Here,
    /// Mail is there, but the mail host knows no password for it: somebody else's business.
    Elsewhere,
}

/// What [`MailHost::create`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Whether it is new.
    pub outcome: Outcome,
}

/// Whether a mailbox is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was made now, with the password that was given.
    Created,
    /// It was there, and was left as it was.
    Existed,
}
