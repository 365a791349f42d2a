//! One pass over one folder: list, sort out what is known, copy what is missing, settle, count.
//!
//! The numbers of the report come from the ledger and from a fresh look at the destination, not from what the copying
//! believed it did.

use std::collections::HashSet;
use std::sync::Arc;

use imap::{FetchItem, Uid, UidSet, UidValidity};

use crate::account::{Account, Adoption};
use crate::copy::pool::{Known, Pool};
use crate::copy::{self, Copied, CopyTask, Order};
use crate::destination::{Destination, DestinationFolder, Naming};
use crate::error::{Error, names_daily_limit};
use crate::folder::Role;
use crate::held::{Identities, own_uids};
use crate::ledger::{AccountRecord, Cause, Epoch, EpochId, Ledger, MessageRecord, Seen, State};
use crate::line::{Line, Session};
use crate::listing::{self, Detail, FetchItemKind, Listing};
use crate::plan::{PlannedFolder, source_name};
use crate::progress::Event;
use crate::report::{Exception, FolderLine, Note, Verification};
use crate::settle::Fresh;
use crate::tally::{
    add_foreign, adopt, denied, finished, hung_up, not_taken, shown_in_part, unstable, withdrawn,
    withdrawn_after,
};

/// Rows read from the ledger at a time.
pub(crate) const PAGE: usize = 2_000;

/// How often a connection may break over one folder before the folder is reported and the others go on.
pub(crate) const LOSSES: u32 = 4;

/// What a pass leaves for the report.
#[derive(Debug)]
pub(crate) struct FolderOutcome {
    pub(crate) line: FolderLine,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) notes: Vec<Note>,
    pub(crate) verification: Verification,
}

/// How a pass ended: what is to be reported, and whether the import goes on.
type Ended = (Option<FolderOutcome>, Result<(), Error>);

/// Everything the passes of one import share.
pub(crate) struct Passes<'a, L: Ledger, D: Destination> {
    pub(crate) account: &'a Account<'a, L, D>,
    pub(crate) line: Arc<Line>,
    pub(crate) record: AccountRecord,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) object_ids: Option<FetchItemKind>,
    pub(crate) status_has_size: bool,
}

/// What is to be done with a folder's listed messages.
#[derive(Debug, Default)]
struct Sorted {
    copy: UidSet,
    adopt: UidSet,
    settled: u64,
    rows: Vec<MessageRecord>,
    pool: Pool,
    /// Identities that rows of this epoch have.
    used: Identities,
}

impl<L: Ledger, D: Destination> Passes<'_, L, D> {
    pub(crate) fn naming(&self, planned: &PlannedFolder, epoch: UidValidity) -> Naming {
        Naming::new(&self.account.key(), &self.record, &planned.source.name, epoch)
    }

    fn current(&self, planned: &PlannedFolder) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.current && epoch.folder == planned.source.name)
    }

    /// A folder that the server proves to be unchanged since the last finished pass: counted without a command.
    pub(crate) async fn unchanged(
        &self,
        at: usize,
        planned: &PlannedFolder,
    ) -> Result<Option<FolderOutcome>, Error> {
        let Some((epoch, seen)) = self.current(planned).and_then(|epoch| Some((epoch, epoch.seen.as_ref()?)))
        else {
            return Ok(None);
        };
        let status = &planned.source.status;
        let same = status.uid_validity == Some(epoch.uid_validity)
            && status.messages.map(u64::from) == Some(seen.listed.len())
            && status.uid_next.is_some()
            && status.uid_next == seen.uid_next.map(Uid::get)
            && status.highest_mod_seq.is_some_and(|mod_seq| mod_seq.0 > 0)
            && status.highest_mod_seq == seen.highest_mod_seq;
        if !same || self.account.settings.adoption == Adoption::ByDigest {
            return Ok(None);
        }
        let tally = match self.all_there(planned, epoch, &seen.listed).await? {
            Some(tally) => tally,
            None => self.tally(planned, epoch, &seen.listed, &Copied::default()).await?,
        };
        let counts = &tally.line.counts;
        let settled = counts.already_there + counts.removed_by_user == counts.listed;
        if settled {
            self.clean(planned, epoch.uid_validity).await?;
            let octets = status.size.unwrap_or(0);
            let settled = Event::Settled { folder: at, messages: counts.listed, octets };
            self.account.progress.event(&settled);
            self.account.progress.event(&Event::FolderDone { folder: at });
        }
        Ok(settled.then_some(tally))
    }

    /// Removes what an import that died has left in the folder.
    async fn clean(&self, planned: &PlannedFolder, epoch: UidValidity) -> Result<(), Error> {
        let Some(folder) = self.account.destination.open(&planned.destination).await? else { return Ok(()) };
        Ok(folder.clean(&self.naming(planned, epoch)).await?)
    }

    /// One pass. On an error the outcome still tells what was done, if the folder had been listed. `None`: a connection
    /// broke when the folder was opened, and it can wait until the others are done.
    pub(crate) async fn pass(
        &self,
        at: usize,
        planned: &PlannedFolder,
        can_wait: bool,
        session: &mut Option<Session>,
        publish: impl Fn(Option<Arc<CopyTask<D::Folder>>>),
    ) -> Option<Ended> {
        let losses = if can_wait { 1 } else { LOSSES };
        match self.attempts(at, planned, losses, session, publish).await {
            (None, Err(Error::Source(error))) if can_wait && broke(&error) => match self.line.failed(error) {
                Ok(()) => None,
                Err(error) => Some((None, Err(error))),
            },
            (None, Err(Error::Source(error))) if broke(&error) => {
                self.account.progress.event(&Event::FolderDone { folder: at });
                Some((Some(hung_up(planned, &error)), Ok(())))
            }
            // Deleted, renamed or closed to us while it was copied: what did not arrive is counted as failed.
            (Some(mut outcome), Err(Error::Source(error))) if is_denied(&error) => {
                self.account.progress.event(&Event::FolderDone { folder: at });
                outcome.exceptions.push(withdrawn(planned, &error));
                Some((Some(outcome), Ok(())))
            }
            (outcome, result) => {
                if result.is_ok() {
                    self.account.progress.event(&Event::FolderDone { folder: at });
                }
                Some((outcome, result))
            }
        }
    }

    /// The pass, begun anew where the server numbers the folder's messages anew meanwhile.
    async fn attempts(
        &self,
        at: usize,
        planned: &PlannedFolder,
        losses: u32,
        session: &mut Option<Session>,
        publish: impl Fn(Option<Arc<CopyTask<D::Folder>>>),
    ) -> (Option<FolderOutcome>, Result<(), Error>) {
        let mut earlier = HashSet::new();
        for _ in 0..3 {
            let name = source_name(&planned.source);
            self.account.progress.event(&Event::Folder { folder: at, name });
            match self.pass_once(at, planned, losses, session, &publish, &mut earlier).await {
                (_, Err(Error::EpochChanged)) => *session = None,
                (None, Err(Error::Source(error))) if is_denied(&error) => {
                    let outcome = match earlier.len() {
                        0 => denied(planned, &error),
                        brought => withdrawn_after(planned, &error, brought as u64),
                    };
                    return (Some(outcome), Ok(()));
                }
                (None, Err(Error::Destination(failure))) if failure.class == "folder_refused" => {
                    return (Some(not_taken(planned, failure)), Ok(()));
                }
                ended => return ended,
            }
        }
        (Some(unstable(planned, earlier.len() as u64)), Ok(()))
    }

    async fn pass_once(
        &self,
        at: usize,
        planned: &PlannedFolder,
        losses: u32,
        session: &mut Option<Session>,
        publish: &impl Fn(Option<Arc<CopyTask<D::Folder>>>),
        earlier: &mut HashSet<String>,
    ) -> (Option<FolderOutcome>, Result<(), Error>) {
        let prepared = self.prepare(at, planned, losses, session).await;
        let (listing, epoch, folder, sorted) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return (None, Err(error)),
        };
        let (mut copied, result) = match (&folder, sorted.copy.is_empty()) {
            (Some(folder), false) => {
                let order = self.order(at, planned, &listing, &epoch, folder.clone(), sorted);
                let (back, copied, result) =
                    copy::copy(self.account, &self.line, session.take(), order, publish).await;
                *session = back;
                (copied, result)
            }
            _ => (Copied::default(), Ok(())),
        };
        let mut flags_updated = 0;
        let result = match result {
            Ok(()) => match self.settle(planned, &epoch, &listing, folder, &copied, session).await {
                Ok(updated) => {
                    flags_updated = updated;
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        if matches!(result, Err(Error::EpochChanged)) {
            match self.identities_of(epoch.id, &copied.new).await {
                Ok(identities) => earlier.extend(identities),
                Err(error) => return (None, Err(error)),
            }
            return (None, result);
        }
        copied.earlier = std::mem::take(earlier);
        let mut outcome = match self.tally(planned, &epoch, &listing.uids, &copied).await {
            Ok(outcome) => outcome,
            Err(error) => return (None, result.and(Err(error))),
        };
        outcome.notes.extend(shown_in_part(planned, self.account.source.host(), listing.uids.len()));
        (Some(finished(outcome, &listing, flags_updated, result.is_err())), result)
    }

    /// Lists the folder and sorts out what the ledger and the destination know of it.
    async fn prepare(
        &self,
        at: usize,
        planned: &PlannedFolder,
        losses: u32,
        session: &mut Option<Session>,
    ) -> Result<(Listing, Epoch, Option<D::Folder>, Sorted), Error> {
        let listing = self.list(planned, losses, session).await?;
        let epoch = self
            .account
            .ledger
            .open_epoch(self.record.id, &planned.source.name, listing.uid_validity)
            .await?;
        let naming = self.naming(planned, listing.uid_validity);
        let mut folder = self.account.destination.open(&planned.destination).await?;
        if let Some(folder) = &folder {
            folder.clean(&naming).await?;
        }
        let held = own_uids(folder.as_ref(), &naming).await?;
        let mut sorted = self.sort(planned, &epoch, &listing, &held).await?;
        if folder.is_none() && (epoch.seen.is_none() || !sorted.copy.is_empty()) {
            folder = Some(self.account.destination.create(&planned.destination, planned.role).await?);
        }
        if let Some(folder) = folder.as_ref().filter(|_| !sorted.adopt.is_empty()) {
            let mut adopted = adopt(folder, &naming, sorted.adopt.clone()).await?;
            folder.persist().await?;
            for row in &mut adopted {
                let listed = listing.details.get(&row.uid);
                row.object_id = listed.and_then(|listed| listed.object_id.as_deref().map(str::to_owned));
            }
            sorted.rows.extend(adopted);
        }
        if let Some(folder) = folder.as_ref().filter(|_| self.account.settings.adoption == Adoption::ByDigest)
        {
            add_foreign(folder, &naming, std::mem::take(&mut sorted.used), &mut sorted.pool).await?;
            folder.persist().await?;
        }
        self.account.ledger.record(epoch.id, &std::mem::take(&mut sorted.rows)).await?;
        let octets = self.octets(planned, sorted.settled);
        let settled = Event::Settled { folder: at, messages: sorted.settled, octets };
        self.account.progress.event(&settled);
        Ok((listing, epoch, folder, sorted))
    }

    fn octets(&self, planned: &PlannedFolder, messages: u64) -> u64 {
        average(planned).unwrap_or(0) * messages
    }

    /// Lists the folder, on a new connection if the one at hand breaks. A lost connection as the answer means that
    /// it broke so many times.
    async fn list(
        &self,
        planned: &PlannedFolder,
        most_losses: u32,
        session: &mut Option<Session>,
    ) -> Result<Listing, Error> {
        let selection = self.account.selection;
        let detail = Detail {
            surveyed: planned.source.status.messages,
            sizes: !self.status_has_size || selection.max_size.is_some(),
            dates: selection.since.is_some(),
            object_ids: self.object_ids,
        };
        let mut losses = 0;
        loop {
            let mut current = match session.take() {
                Some(session) => session,
                None => self.line.connect().await?,
            };
            match listing::list(&self.line, &mut current, &planned.source.name, detail).await {
                Ok(listing) => {
                    self.line.went_well();
                    current.proven = true;
                    *session = Some(current);
                    return Ok(listing);
                }
                Err(Error::Source(error)) if error.is_connection_lost() => {
                    losses += 1;
                    if losses >= most_losses {
                        return Err(error.into());
                    }
                    self.line.failed(error)?;
                }
                Err(Error::Source(error)) if crate::line::retryable(&error) => {
                    *session = Some(current);
                    self.line.failed(error)?;
                    self.line.wait().await?;
                }
                Err(error) => {
                    *session = Some(current);
                    return Err(error);
                }
            }
        }
    }

    /// The identities that the ledger has for messages.
    async fn identities_of(&self, epoch: EpochId, uids: &UidSet) -> Result<Vec<String>, Error> {
        let (mut identities, mut after) = (Vec::new(), None);
        loop {
            let rows = self.account.ledger.messages(epoch, after, PAGE).await?;
            let Some(last) = rows.last().map(|row| row.uid) else { return Ok(identities) };
            identities
                .extend(rows.into_iter().filter(|row| uids.contains(row.uid)).filter_map(|row| row.identity));
            after = Some(last);
        }
    }

    /// Decides about every listed message. Pure apart from reading the ledger.
    async fn sort(
        &self,
        planned: &PlannedFolder,
        epoch: &Epoch,
        listing: &Listing,
        held: &UidSet,
    ) -> Result<Sorted, Error> {
        let mut sorted = Sorted { copy: listing.uids.clone(), ..Sorted::default() };
        let mut used = Identities::default();
        let mut after = None;
        loop {
            let rows = self.account.ledger.messages(epoch.id, after, PAGE).await?;
            let Some(last) = rows.last().map(|row| row.uid) else { break };
            for row in rows.into_iter().filter(|row| row.state == State::Imported) {
                sorted.settled += u64::from(sorted.copy.remove(row.uid));
                row.identity.iter().for_each(|identity| used.insert(identity));
            }
            after = Some(last);
        }
        let candidates = sorted.copy.clone();
        for uid in candidates.iter().filter(|uid| held.contains(*uid)) {
            sorted.copy.remove(uid);
            sorted.adopt.insert(uid);
            sorted.settled += 1;
        }
        self.fill_pool(planned, epoch, &used, &mut sorted.pool).await?;
        let elsewhere = self.copied_elsewhere(planned, epoch.id).await?;
        for uid in sorted.copy.clone().iter() {
            if let Some(row) = self.settle_without_body(uid, listing, &mut sorted.pool, &elsewhere) {
                sorted.copy.remove(uid);
                sorted.settled += 1;
                sorted.rows.push(row);
            }
        }
        sorted.used = used;
        Ok(sorted)
    }

    /// A row for a message whose body need not be fetched: carried over by its object id, or left out.
    fn settle_without_body(
        &self,
        uid: Uid,
        listing: &Listing,
        pool: &mut Pool,
        elsewhere: &HashSet<String>,
    ) -> Option<MessageRecord> {
        let listed = listing.details.get(&uid)?;
        let object_id = listed.object_id.as_deref();
        if let Some(known) = object_id.and_then(|id| pool.take_object(id)) {
            return Some(MessageRecord {
                uid,
                state: State::Imported,
                identity: Some(known.identity),
                size: known.size,
                digest: known.digest,
                flags: known.flags.unwrap_or_default(),
                object_id: object_id.map(str::to_owned),
                cause: None,
            });
        }
        let selection = self.account.selection;
        let since = selection.since.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
        let since = since.map(|zoned| zoned.timestamp().as_second());
        let (class, message) = if object_id.is_some_and(|id| elsewhere.contains(id)) {
            ("elsewhere", "Another folder brings this message.")
        } else if listed.size.zip(selection.max_size).is_some_and(|(size, most)| size > most) {
            ("too_large", "The message is larger than the size asked for.")
        } else if listed.date.zip(since).is_some_and(|(date, since)| date < since) {
            ("too_old", "The message is older than the date asked for.")
        } else {
            return None;
        };
        let cause =
            Cause { class: class.into(), message: message.into(), date: None, from: None, subject: None };
        Some(MessageRecord {
            uid,
            state: State::Skipped,
            identity: None,
            size: listed.size,
            digest: None,
            flags: Vec::new(),
            object_id: object_id.map(str::to_owned),
            cause: Some(cause),
        })
    }

    /// Rows of the folder's older epochs: what the customer deleted is among them and stays deleted.
    async fn fill_pool(
        &self,
        planned: &PlannedFolder,
        epoch: &Epoch,
        used: &Identities,
        pool: &mut Pool,
    ) -> Result<(), Error> {
        let older = self.account.ledger.epochs(self.record.id).await?;
        for old in older.iter().filter(|old| old.folder == planned.source.name && old.id != epoch.id) {
            let mut after = None;
            loop {
                let rows = self.account.ledger.messages(old.id, after, PAGE).await?;
                let Some(last) = rows.last().map(|row| row.uid) else { break };
                for row in rows {
                    let Some(identity) = row.identity.filter(|identity| !used.contains(identity)) else {
                        continue;
                    };
                    let known =
                        Known { identity, size: row.size, digest: row.digest, flags: Some(row.flags) };
                    pool.add(known, row.object_id.as_deref());
                }
                after = Some(last);
            }
        }
        Ok(())
    }

    /// Object ids that other folders brought, for a folder that is a view of all mail (Gmail).
    async fn copied_elsewhere(
        &self,
        planned: &PlannedFolder,
        own: EpochId,
    ) -> Result<HashSet<String>, Error> {
        let mut ids = HashSet::new();
        if planned.source.role != Some(Role::All) || self.object_ids.is_none() {
            return Ok(ids);
        }
        for epoch in
            self.account.ledger.epochs(self.record.id).await?.iter().filter(|e| e.current && e.id != own)
        {
            let mut after = None;
            loop {
                let rows = self.account.ledger.messages(epoch.id, after, PAGE).await?;
                let Some(last) = rows.last().map(|row| row.uid) else { break };
                ids.extend(
                    rows.into_iter().filter(|r| r.state == State::Imported).filter_map(|r| r.object_id),
                );
                after = Some(last);
            }
        }
        Ok(ids)
    }

    fn order(
        &self,
        at: usize,
        planned: &PlannedFolder,
        listing: &Listing,
        epoch: &Epoch,
        folder: D::Folder,
        sorted: Sorted,
    ) -> Order<D::Folder> {
        let mut items =
            vec![FetchItem::Uid, FetchItem::Flags, FetchItem::InternalDate, FetchItem::Rfc822Size];
        items.extend(self.object_ids.map(FetchItemKind::item));
        items.push(FetchItem::Body);
        Order {
            at,
            name: planned.source.name.clone(),
            uid_validity: listing.uid_validity,
            epoch: epoch.id,
            folder,
            naming: self.naming(planned, listing.uid_validity),
            uids: sorted.copy,
            average: average(planned).or_else(|| listing.average()),
            items,
            pool: sorted.pool,
        }
    }

    /// After the copy: flags that changed meanwhile, subscription, and what this pass saw.
    async fn settle(
        &self,
        planned: &PlannedFolder,
        epoch: &Epoch,
        listing: &Listing,
        folder: Option<D::Folder>,
        copied: &Copied,
        session: &mut Option<Session>,
    ) -> Result<u64, Error> {
        let mut updated = 0;
        if let Some(folder) = folder {
            let fresh = self.fresh_flags(planned, listing, copied, session).await?;
            let naming = self.naming(planned, listing.uid_validity);
            updated = crate::settle::flags(self.account, epoch.id, &folder, &naming, &fresh).await?;
        }
        if epoch.seen.is_none() && planned.source.subscribed {
            self.account.destination.subscribe(std::slice::from_ref(&planned.destination)).await?;
        }
        let seen = Seen {
            listed: listing.uids.clone(),
            uid_next: listing.uid_next,
            highest_mod_seq: listing.highest_mod_seq,
        };
        self.account.ledger.finish_pass(epoch.id, &seen).await?;
        Ok(updated)
    }

    /// Flags as the source has them now. What was copied in this pass carries flags of its own moment. A server that
    /// does not tell them again loses nothing: the next run compares with what it lists then.
    async fn fresh_flags<'l>(
        &self,
        planned: &PlannedFolder,
        listing: &'l Listing,
        copied: &'l Copied,
        session: &mut Option<Session>,
    ) -> Result<Fresh<'l>, Error> {
        let mut fresh = Fresh::of(listing, &copied.new);
        if copied.new.is_empty() && copied.carried.is_empty() {
            return Ok(fresh);
        }
        let mut losses = 0;
        loop {
            let mut current = match session.take() {
                Some(session) => session,
                None => self.line.connect().await?,
            };
            match listing::flags_now(&self.line, &mut current, &planned.source.name, listing).await {
                Ok(now) => {
                    self.line.went_well();
                    *session = Some(current);
                    fresh.now = now;
                    return Ok(fresh);
                }
                Err(Error::Source(error)) if error.is_connection_lost() => {
                    losses += 1;
                    if losses >= LOSSES {
                        tracing::info!(%error, "the flags are not told again");
                        return Ok(fresh);
                    }
                    self.line.failed(error)?;
                }
                Err(Error::Source(error)) if crate::line::retryable(&error) => {
                    *session = Some(current);
                    self.line.failed(error)?;
                    self.line.wait().await?;
                }
                Err(Error::Source(error @ imap::Error::Refused { .. })) => {
                    tracing::info!(%error, "the flags are not told again");
                    *session = Some(current);
                    return Ok(fresh);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn average(planned: &PlannedFolder) -> Option<u64> {
    let status = &planned.source.status;
    status.size?.checked_div(status.messages?.into())
}

/// The connection broke, and the folder that was opened may be to blame.
fn broke(error: &imap::Error) -> bool {
    error.is_connection_lost() && !names_daily_limit(error)
}

/// The folder may not be opened. Where nothing more comes today, that is no fault of the folder.
pub(crate) fn is_denied(error: &imap::Error) -> bool {
    matches!(error, imap::Error::Refused { .. })
        && !crate::line::retryable(error)
        && !names_daily_limit(error)
}
