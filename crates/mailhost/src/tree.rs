//! The mail host that comes with mailimport: `ROOT/DOMAIN/LOCAL/Maildir`, and `ROOT/passwd` for Dovecot.
//!
//! A mailbox exists when the passwd-file names it, or when mail lies where its mail would lie; then nothing about it is
//! changed here. The Maildir is made before its line: a crash between the two leaves an empty directory, which the
//! next call completes. No link below ROOT is followed.

mod passwd;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::destination::{Limits, MaildirDestination};
use maildir::{Maildir, Owner};
use secrecy::SecretString;
use tokio::sync::{Mutex, Semaphore};

use self::passwd::PasswdFile;
use crate::error::{Error, PasswordError};
use crate::hashing::Scheme;
use crate::{Address, Creation, Login, MailHost, Mailbox, Outcome};

/// Each takes 64 MiB and a processor for a tenth of a second and more.
const HASHES_AT_ONCE: usize = 1;

/// How a [`MaildirTree`] is to be.
#[derive(Debug, Clone, Default)]
pub struct TreeOptions {
    /// How passwords are stored.
    pub scheme: Scheme,
    /// Whose all files are. Without: the user's who runs this, or for root the owner of ROOT.
    pub owner: Option<Owner>,
    /// What an import may take of a mailbox's disk.
    pub limits: Limits,
}

/// A tree of Maildirs with a passwd-file. Clones share one.
#[derive(Debug, Clone)]
pub struct MaildirTree {
    tree: Arc<Tree>,
}

#[derive(Debug)]
struct Tree {
    name: String,
    root: PathBuf,
    owner: Option<Owner>,
    scheme: Scheme,
    limits: Limits,
    passwd: PasswdFile,
    hashing: Semaphore,
    /// Writers of this process wait here, in order, and not by polling the lock file.
    writing: Mutex<()>,
}

impl MaildirTree {
    /// Opens the tree at `root`, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// When `root` cannot be made or is no directory.
    pub fn open(root: &Path, options: TreeOptions) -> Result<MaildirTree, Error> {
        let owner = passwd::make_root(root, options.owner)?;
        let tree = Tree {
            name: format!("maildir:{}", root.display()),
            passwd: PasswdFile::new(root, owner),
            root: root.to_path_buf(),
            owner,
            scheme: options.scheme,
            limits: options.limits,
            hashing: Semaphore::new(HASHES_AT_ONCE),
            writing: Mutex::new(()),
        };
        Ok(MaildirTree { tree: Arc::new(tree) })
    }

    /// The directory that holds the domains.
    pub fn root(&self) -> &Path {
        &self.tree.root
    }

    /// Where the Maildir of an address is.
    pub fn maildir(&self, address: &Address) -> PathBuf {
        path_of(address).iter().fold(self.tree.root.clone(), |path, name| path.join(name))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tree) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let tree = Arc::clone(&self.tree);
        tokio::task::spawn_blocking(move || work(&tree)).await.map_err(|e| Error::Internal(e.to_string()))?
    }

    async fn hash(&self, password: &SecretString) -> Result<String, Error> {
        let _place = self.tree.hashing.acquire().await.map_err(|e| Error::Internal(e.to_string()))?;
        let password = password.clone();
        self.blocking(move |tree| tree.scheme.hash(&password)).await
    }
}

#[async_trait]
impl MailHost for MaildirTree {
    fn name(&self) -> &str {
        &self.tree.name
    }

    async fn find(&self, address: &Address) -> Result<Option<Mailbox>, Error> {
        let address = address.clone();
        self.blocking(move |tree| tree.find(&address)).await
    }

    async fn create(&self, address: &Address, password: &SecretString) -> Result<Creation, Error> {
        if let Some(mailbox) = self.find(address).await? {
            return Ok(Creation { mailbox, outcome: Outcome::Existed });
        }
        let hash = self.hash(password).await?;
        let address = address.clone();
        let _turn = self.tree.writing.lock().await;
        self.blocking(move |tree| tree.create(&address, &hash)).await
    }

    fn accepts(&self, password: &SecretString) -> Result<(), PasswordError> {
        self.tree.scheme.accepts(password)
    }

    async fn destination(&self, mailbox: &Mailbox) -> Result<MaildirDestination, Error> {
        let address = mailbox.address.clone();
        self.blocking(move |tree| {
            let destination = MaildirDestination::create_below(&tree.root, &path_of(&address), tree.owner)?;
            Ok(destination.with_limits(tree.limits))
        })
        .await
    }

    async fn free_space(&self) -> Result<Option<u64>, Error> {
        self.blocking(|tree| {
            let stat =
                rustix::fs::statvfs(&tree.root).map_err(|e| Error::of("look at", &tree.root, e.into()))?;
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            Ok(Some(free.saturating_sub(tree.limits.free_space)))
        })
        .await
    }

    async fn ready(&self) -> Result<(), Error> {
        self.blocking(|tree| {
            passwd::make_root(&tree.root, tree.owner)?;
            tree.passwd.check()
        })
        .await
    }
}

impl Tree {
    fn find(&self, address: &Address) -> Result<Option<Mailbox>, Error> {
        let login = if self.passwd.contains(address)? {
            Login::Here
        } else if self.holds_mail(address)? {
            Login::Elsewhere
        } else {
            return Ok(None);
        };
        Ok(Some(Mailbox { address: address.clone(), login }))
    }

    fn holds_mail(&self, address: &Address) -> Result<bool, Error> {
        match Maildir::open_below(&self.root, &path_of(address)) {
            Ok(maildir) => Ok(!maildir.is_untouched()?),
            // What is there but is no Maildir is for create to refuse, where its sentence is read.
            Err(maildir::Error::Missing { .. } | maildir::Error::NotAMaildir { .. }) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// With the passwd-file's lock held from the question to the answer, so that of two creators one creates.
    fn create(&self, address: &Address, hash: &str) -> Result<Creation, Error> {
        let lock = self.passwd.lock()?;
        if let Some(mailbox) = self.find(address)? {
            return Ok(Creation { mailbox, outcome: Outcome::Existed });
        }
        Maildir::create_below(&self.root, &path_of(address), self.owner)?;
        self.passwd.add(&lock, address, hash)?;
        tracing::info!(%address, "mailbox created");
        let mailbox = Mailbox { address: address.clone(), login: Login::Here };
        Ok(Creation { mailbox, outcome: Outcome::Created })
    }
}

/// The way from ROOT to a Maildir. An address holds nothing that is not a plain name.
fn path_of(address: &Address) -> [&str; 3] {
    [address.domain().as_str(), address.local(), "Maildir"]
}
