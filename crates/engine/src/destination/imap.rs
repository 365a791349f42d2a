//! An account at an IMAP server as destination.
//!
//! The server gives each message its identity, `<uidvalidity>.<uid>`. A batch is marked before it is sent
//! ([`DestinationFolder::mark`]), so that it can be found again whatever happens to the connection or to this process: no
//! message is ever sent a second time before it was looked for. Nothing is deleted here, and no flag changed that the
//! engine does not ask for.

mod deliver;
mod failure;
mod lane;
mod messages;
mod names;
mod quota;
mod spool;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use imap::{Flag, ResponseCode, UidValidity, WireName};
use tokio_util::sync::CancellationToken;

use self::lane::{Lane, Lanes};
use self::names::Names;
use self::quota::Quota;
use self::spool::{Spool, Spooling};
use super::{
    Deliveries, Destination, DestinationFolder, Failure, FlagChange, Limits, Mark, Naming, Parcel, Present,
    Stored,
};
use crate::account::{Settings, Source};
use crate::folder::{FolderPath, Role};
use crate::line::Line;
use crate::plan::NameRules;
use crate::progress::Progress;

/// Connections to the new server at most: one for each folder that is being copied, and the engine copies two.
const CONNECTIONS: usize = 2;

/// Where the account is and how to reach it, and what lies on this side.
pub struct ImapPlace {
    /// The new server, and how to log in there.
    pub account: Source,
    /// Patience, time-outs, limits.
    pub settings: Settings,
    /// What folder names may be.
    pub limits: Limits,
    /// Where messages wait that are too many or too large for memory; in files without a name.
    pub spool: PathBuf,
    /// Where messages are kept that the server refuses; made when the first one comes.
    pub refused: PathBuf,
    /// Held locked while importing, so that a second import with the same ledger waits. `None`: somebody else sees to that.
    pub lock: Option<PathBuf>,
    /// Who is told of pauses.
    pub progress: Arc<dyn Progress>,
    /// Ends waiting; what is being sent is still sent.
    pub cancel: CancellationToken,
}

/// An account at an IMAP server.
pub struct ImapDestination {
    shared: Arc<Shared>,
}

/// What all folders share.
struct Shared {
    place: ImapPlace,
    lanes: Arc<Lanes>,
    spool: Arc<Spool>,
    quota: Quota,
    /// Learnt at the first question.
    names: tokio::sync::Mutex<Option<Names>>,
    folders: Mutex<HashMap<FolderPath, Folder>>,
}

/// What is known of a folder of the destination.
#[derive(Debug, Clone)]
struct Folder {
    uid_validity: UidValidity,
    /// No message that comes from now on gets a lower UID.
    uid_next: u32,
    permanent: Vec<Flag>,
}

/// A folder of it.
#[derive(Clone)]
pub struct ImapFolder {
    shared: Arc<Shared>,
    path: FolderPath,
    name: WireName,
}

impl ImapDestination {
    /// The account; nobody is asked anything yet.
    pub fn new(place: ImapPlace) -> ImapDestination {
        let line =
            Line::new(&place.account, &place.settings, Arc::clone(&place.progress), place.cancel.clone());
        let lanes = Arc::new(Lanes::new(line, place.settings.connections.min(CONNECTIONS)));
        let spool = Spool::new(place.spool.clone());
        let shared = Shared {
            place,
            lanes,
            spool,
            quota: Quota::default(),
            names: tokio::sync::Mutex::default(),
            folders: Mutex::default(),
        };
        ImapDestination { shared: Arc::new(shared) }
    }

    /// By what name ledgers know an account: whoever changes from STARTTLS to TLS means the same one.
    pub fn key_of(account: &Source) -> String {
        let (user, host) = (account.user(), account.host().to_lowercase());
        match account.endpoint.port {
            143 | 993 => format!("imap:{user}@{host}"),
            port => format!("imap:{user}@{host}:{port}"),
        }
    }

    /// How people write the account.
    pub fn describe_account(account: &Source) -> String {
        let endpoint = &account.endpoint;
        let (scheme, usual) = match endpoint.security {
            imap::Security::ImplicitTls => ("imaps", 993),
            imap::Security::StartTls | imap::Security::Plaintext => ("imap", 143),
        };
        let port = if endpoint.port == usual { String::new() } else { format!(":{}", endpoint.port) };
        format!("{scheme}://{}@{}{port}", account.user(), account.host())
    }

    /// Ends the connections in good order.
    pub async fn close(&self) {
        self.shared.lanes.close().await;
    }

    fn folder(&self, path: &FolderPath, name: WireName) -> ImapFolder {
        ImapFolder { shared: Arc::clone(&self.shared), path: path.clone(), name }
    }
}

impl Shared {
    /// The server's names, learnt once.
    async fn names(&self) -> Result<tokio::sync::MutexGuard<'_, Option<Names>>, Failure> {
        let mut names = self.names.lock().await;
        if names.is_none() {
            let mut lane = self.lanes.take(None).await?;
            loop {
                match Names::learn(lane.connection().await?).await {
                    Ok(learnt) => {
                        lane.went_well();
                        *names = Some(learnt);
                        break;
                    }
                    Err(error) => lane.recover(error).await?,
                }
            }
        }
        Ok(names)
    }

    async fn with_names<T>(&self, work: impl FnOnce(&mut Names) -> T) -> Result<T, Failure> {
        let mut names = self.names().await?;
        names.as_mut().map(work).ok_or_else(|| failure::internal("no names"))
    }

    /// Makes a folder and says its name. One that is there already is as good.
    async fn create(
        &self,
        lane: &mut Lane,
        path: &FolderPath,
        role: Option<Role>,
    ) -> Result<WireName, Failure> {
        let name = self.with_names(|names| names.name(path)).await?;
        let purpose = role.and_then(names::purpose);
        loop {
            match lane.connection().await?.create(&name, purpose.as_ref()).await {
                Ok(()) => break,
                Err(error) if is_there_already(&error) => break,
                Err(error @ imap::Error::Refused { .. }) if !crate::line::retryable(&error) => {
                    return Err(folder_refused(path, &error));
                }
                Err(error) => lane.recover(error).await?,
            }
        }
        lane.went_well();
        self.with_names(|names| names.now_exists(path)).await?;
        Ok(name)
    }

    fn known(&self, path: &FolderPath) -> Option<Folder> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn remember(&self, path: &FolderPath, examined: &imap::Examined) -> Folder {
        let folder = Folder {
            uid_validity: examined.uid_validity.unwrap_or(UidValidity(0)),
            // A server that does not tell UIDNEXT is believed nothing: everything in the folder may be new.
            uid_next: examined.uid_next.unwrap_or(1),
            permanent: examined.permanent_flags.clone(),
        };
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), folder.clone());
        folder
    }

    fn advance(&self, path: &FolderPath, uid_validity: UidValidity, highest: u32) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = folders.get_mut(path).filter(|folder| folder.uid_validity == uid_validity) {
            folder.uid_next = folder.uid_next.max(highest.saturating_add(1));
        }
    }
}

fn is_there_already(error: &imap::Error) -> bool {
    match error {
        imap::Error::Refused { code: Some(ResponseCode::AlreadyExists), .. } => true,
        imap::Error::Refused { text, .. } => text.to_lowercase().contains("exists"),
        _ => false,
    }
}

fn folder_refused(path: &FolderPath, error: &imap::Error) -> Failure {
    if matches!(error.code(), Some(ResponseCode::OverQuota | ResponseCode::NoPerm)) {
        return failure::of_server(error);
    }
    let message = format!(
        "The new server does not take a folder named {path}; give it another name with --map. ({error})"
    );
    Failure { class: "folder_refused", message }
}

impl Destination for ImapDestination {
    type Folder = ImapFolder;
    type Lock = Option<File>;

    fn describe(&self) -> String {
        ImapDestination::describe_account(&self.shared.place.account)
    }

    fn key(&self) -> String {
        ImapDestination::key_of(&self.shared.place.account)
    }

    async fn lock(&self) -> Result<Option<File>, Failure> {
        let Some(path) = self.shared.place.lock.clone() else { return Ok(None) };
        let locked = tokio::task::spawn_blocking(move || lock(&path));
        locked.await.map_err(|error| failure::internal(&error.to_string()))?.map(Some)
    }

    async fn rules(&self) -> Result<NameRules, Failure> {
        let levels = self.shared.place.limits.folder_levels;
        self.shared.with_names(|names| names.rules(levels)).await
    }

    async fn folders(&self) -> Result<Vec<FolderPath>, Failure> {
        self.shared.with_names(|names| names.existing()).await
    }

    async fn open(&self, path: &FolderPath) -> Result<Option<ImapFolder>, Failure> {
        let name = self.shared.with_names(|names| names.open(path)).await?;
        Ok(name.map(|name| self.folder(path, name)))
    }

    async fn create(&self, path: &FolderPath, role: Option<Role>) -> Result<ImapFolder, Failure> {
        if let Some(there) = self.open(path).await? {
            return Ok(there);
        }
        let mut lane = self.shared.lanes.take(None).await?;
        let name = self.shared.create(&mut lane, path, role).await?;
        Ok(self.folder(path, name))
    }

    async fn subscriptions(&self) -> Result<Vec<FolderPath>, Failure> {
        self.shared.with_names(|names| names.subscribed()).await
    }

    async fn subscribe(&self, paths: &[FolderPath]) -> Result<(), Failure> {
        for path in paths {
            let name = self
                .shared
                .with_names(|names| (!names.is_subscribed(path)).then(|| names.name(path)))
                .await?;
            let Some(name) = name else { continue };
            let mut lane = self.shared.lanes.take(None).await?;
            loop {
                match lane.connection().await?.subscribe(&name).await {
                    Ok(()) => break,
                    Err(error @ imap::Error::Refused { .. }) if !crate::line::retryable(&error) => {
                        // Worth no more than a line in the log; `verify` tells it too.
                        tracing::warn!(%error, folder = %path, "not subscribed");
                        break;
                    }
                    Err(error) => lane.recover(error).await?,
                }
            }
            self.shared.with_names(|names| names.now_subscribed(path)).await?;
        }
        Ok(())
    }
}

fn lock(path: &std::path::Path) -> Result<File, Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| Failure {
        class: "destination",
        message: format!("The lock of the ledger, {}, cannot be used: {error}.", path.display()),
    };
    let file =
        File::options().create(true).write(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Failure {
            class: "busy",
            message: "Another import is working on this mailbox at this moment.".to_owned(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

impl ImapFolder {
    /// A connection that has this folder open, what the server says of it now, and what is to be remembered of that.
    async fn select(&self) -> Result<(Lane, imap::Examined, Folder), Failure> {
        let mut lane = self.shared.lanes.take(Some(&self.name)).await?;
        let examined = lane.select(&self.name).await?;
        let folder = self.shared.remember(&self.path, &examined);
        Ok((lane, examined, folder))
    }
}

impl DestinationFolder for ImapFolder {
    type Writer = Spooling;

    const TELLS_UIDS: bool = false;

    async fn clean(&self, _naming: &Naming) -> Result<(), Failure> {
        Ok(())
    }

    async fn persist(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn each<T: Send + 'static>(
        &self,
        _naming: &Naming,
        mut kept: T,
        mut keep: impl FnMut(&mut T, Present) + Send + 'static,
    ) -> Result<T, Failure> {
        for present in messages::present(self).await? {
            keep(&mut kept, present);
        }
        Ok(kept)
    }

    fn begin(&self, _identity: &str) -> Result<Spooling, Failure> {
        Ok(Spooling::new(Arc::clone(&self.shared.spool)))
    }

    async fn mark(&self, batch: &[Parcel<Self>]) -> Result<Option<Mark>, Failure> {
        let folder = match self.shared.known(&self.path) {
            Some(folder) => folder,
            None => self.select().await?.2,
        };
        Ok(Some(Mark {
            folder: self.path.clone(),
            uid_validity: folder.uid_validity,
            uid_next: folder.uid_next,
            canonical: batch.iter().map(|(spooled, _)| spooled.canonical).collect(),
        }))
    }

    async fn deliver(&self, mark: Option<Mark>, batch: Vec<Parcel<Self>>) -> Deliveries {
        deliver::deliver(self, mark, batch).await
    }

    async fn find(&self, mark: &Mark, owned: &HashSet<String>) -> Result<Vec<Option<String>>, Failure> {
        let mut lane = self.shared.lanes.take(Some(&self.name)).await?;
        Ok(messages::find_settled(self, &mut lane, mark, owned).await?.identities)
    }

    async fn change_flags(&self, changes: Vec<FlagChange>) -> Result<u64, Failure> {
        messages::change_flags(self, &changes).await
    }

    async fn read(
        &self,
        _naming: &Naming,
        wanted: impl Fn(&Present) -> bool + Send + 'static,
    ) -> Result<Vec<Stored>, Failure> {
        messages::read(self, wanted).await
    }
}

/// The identity of a message.
fn identity(uid_validity: UidValidity, uid: imap::Uid) -> String {
    format!("{uid_validity}.{uid}")
}

/// The UID in an identity, under this UIDVALIDITY.
fn uid_in(identity: &str, uid_validity: UidValidity) -> Option<imap::Uid> {
    let (validity, uid) = identity.split_once('.')?;
    (validity.parse() == Ok(uid_validity.0)).then(|| uid.parse().ok().and_then(imap::Uid::new)).flatten()
}

/// Flags that can be stored in the folder, and the keywords that cannot. A server that does not say what it can store
/// stores everything (RFC 9051, section 7.1).
fn storable(flags: &super::FlagNames, permanent: &[Flag]) -> (Vec<Flag>, Vec<String>) {
    let takes = |flag: &Flag| match flag {
        _ if permanent.is_empty() => true,
        Flag::Keyword(name) => permanent.iter().any(|known| match known {
            Flag::System(any) => any == "*",
            Flag::Keyword(known) => known.eq_ignore_ascii_case(name),
            _ => false,
        }),
        system => permanent.contains(system),
    };
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for name in flags {
        match Flag::parse(name.as_bytes()).filter(|flag| flag.is_storable() && takes(flag)) {
            Some(flag) => kept.push(flag),
            None => dropped.push(name.clone()),
        }
    }
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_kept_as_far_as_the_server_stores_them() {
        let flags: crate::destination::FlagNames =
            ["\\Seen", "\\Draft", "$Forwarded", "Own"].map(str::to_owned).into();
        let permanent = |list: &[&str]| -> Vec<Flag> {
            list.iter().filter_map(|flag| Flag::parse(flag.as_bytes())).collect()
        };
        let kept = |list: &[&str]| {
            let (kept, dropped) = storable(&flags, &permanent(list));
            (kept.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), dropped.join(" "))
        };
        let answer = |kept: &str, dropped: &str| (kept.to_owned(), dropped.to_owned());
        assert_eq!(kept(&["\\Seen", "\\Draft", "\\*"]), answer("$Forwarded Own \\Draft \\Seen", ""));
        assert_eq!(kept(&["\\Seen", "\\Draft", "$FORWARDED"]), answer("$Forwarded \\Draft \\Seen", "Own"));
        assert_eq!(kept(&["\\Seen"]), answer("\\Seen", "$Forwarded Own \\Draft"));
        assert_eq!(kept(&[]), answer("$Forwarded Own \\Draft \\Seen", ""));
        let odd: crate::destination::FlagNames = ["K(1)", "Käse"].map(str::to_owned).into();
        assert_eq!(storable(&odd, &[]).1, ["K(1)", "Käse"]);
    }

    #[test]
    fn an_identity_names_a_message_under_its_uidvalidity_alone() {
        let uid = imap::Uid::new(7).unwrap();
        let name = identity(UidValidity(12), uid);
        assert_eq!(name, "12.7");
        assert_eq!(uid_in(&name, UidValidity(12)), Some(uid));
        assert_eq!(uid_in(&name, UidValidity(13)), None);
        assert_eq!(uid_in("12.1700.M1P2F3.mailimport", UidValidity(12)), None);
    }
}
