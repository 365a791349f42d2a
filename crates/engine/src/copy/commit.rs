//! The committer: complete chunks become messages, strictly in sequence, and then rows of the ledger.
//!
//! A row is written only after the destination has said that the message is durable. What is delivered without a row
//! (a crash between the two) is found at the next run: by its name, or by the intent that was written before it was sent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use imap::UidSet;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::StagedOf;
use super::stage::{Chunk, Ready};
use crate::account::Account;
use crate::destination::{Delivered, Deliveries, Destination, DestinationFolder, Parcel, Refused};
use crate::error::Error;
use crate::intent;
use crate::ledger::{Cause, EpochId, IntentId, Ledger, MessageRecord, State};
use crate::line::Line;
use crate::progress::Event;

/// So many messages are delivered together, if they come soon enough: each delivery waits for the disk three times (data,
/// directory, ledger), however many it brings.
const BATCH_MESSAGES: usize = 500;
/// So many octets are delivered together.
const BATCH_OCTETS: u64 = 16 << 20;
/// What is complete is not kept waiting longer for more.
const BATCH_WAITS: Duration = Duration::from_millis(500);

/// Messages in a row that may fail before the account stops.
const FAILURES_IN_A_ROW: u32 = 50;

/// What a copy did.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    /// New at the destination.
    pub(crate) new: UidSet,
    /// Identities of what is new at the destination since an earlier attempt of the same run, under another
    /// UIDVALIDITY.
    pub(crate) earlier: HashSet<String>,
    /// Their octets.
    pub(crate) octets: u64,
    /// Matched with a message of an older epoch, or of somebody else.
    pub(crate) carried: UidSet,
    /// Messages whose date was adjusted.
    pub(crate) date_adjusted: UidSet,
    /// Messages that lost a keyword.
    pub(crate) keyword_dropped: UidSet,
}

impl Copied {
    /// Whether this run brought the row's message.
    pub(crate) fn is_new(&self, row: &MessageRecord) -> bool {
        self.new.contains(row.uid)
            || row.identity.as_ref().is_some_and(|identity| self.earlier.contains(identity))
    }
}

/// The folder that chunks go to.
pub(super) struct Target<F> {
    /// Its place in the plan.
    pub(super) at: usize,
    pub(super) folder: F,
    pub(super) epoch: EpochId,
}

/// The row of a message that the destination does not take.
fn refusal(record: MessageRecord, refused: &Refused) -> MessageRecord {
    let (class, message) = ("refused".to_owned(), refused.message.clone());
    let cause = Cause { class, message, date: None, from: None, subject: None };
    MessageRecord { state: State::Failed, identity: None, cause: Some(cause), ..record }
}

/// Commits one folder's chunks.
pub(super) struct Committer<'a, L: Ledger, D: Destination> {
    account: &'a Account<'a, L, D>,
    line: &'a Line,
    target: Target<D::Folder>,
    receiver: mpsc::Receiver<Chunk<StagedOf<D::Folder>>>,
    early: BTreeMap<u64, Chunk<StagedOf<D::Folder>>>,
    next: u64,
    total: u64,
    /// When the oldest of what could be committed came.
    waiting_since: Option<Instant>,
    failures: u32,
    copied: Copied,
}

impl<'a, L: Ledger, D: Destination> Committer<'a, L, D> {
    pub(super) fn new(
        account: &'a Account<'a, L, D>,
        line: &'a Line,
        target: Target<D::Folder>,
        receiver: mpsc::Receiver<Chunk<StagedOf<D::Folder>>>,
        total: u64,
    ) -> Self {
        let (early, copied) = (BTreeMap::new(), Copied::default());
        let (next, waiting_since, failures) = (0, None, 0);
        Committer { account, line, target, receiver, early, next, total, waiting_since, failures, copied }
    }

    /// How many chunks are delivered; the next one has this sequence.
    pub(super) fn delivered(&self) -> u64 {
        self.next
    }

    /// Whether every chunk is committed.
    pub(super) fn is_complete(&self) -> bool {
        self.next == self.total
    }

    /// Waits for a chunk, or until what waits has waited long enough. Cancel-safe: a chunk is either in the channel or in
    /// `early`.
    pub(super) async fn arrival(&mut self) {
        let due = self.waiting_since.map(|since| since + BATCH_WAITS);
        let arrived = match due {
            None => self.receiver.recv().await,
            Some(due) => timeout_at(due, self.receiver.recv()).await.ok().flatten(),
        };
        self.early.extend(arrived.map(|chunk| (chunk.sequence, chunk)));
    }

    /// Takes what has arrived without waiting for more.
    pub(super) fn gather(&mut self) {
        while let Ok(chunk) = self.receiver.try_recv() {
            self.early.insert(chunk.sequence, chunk);
        }
        if self.waiting_since.is_none() && self.early.contains_key(&self.next) {
            self.waiting_since = Some(Instant::now());
        }
    }

    /// Whether what is next in sequence is enough for a delivery, all there is, or has waited long enough.
    pub(super) fn is_due(&self) -> bool {
        let (mut next, mut messages, mut octets) = (self.next, 0, 0);
        while let Some(chunk) = self.early.get(&next) {
            next += 1;
            messages += chunk.ready.len() + chunk.rows.len();
            octets += chunk.octets();
        }
        next == self.total
            || messages >= BATCH_MESSAGES
            || octets >= BATCH_OCTETS
            || self.waiting_since.is_some_and(|since| since.elapsed() >= BATCH_WAITS)
    }

    /// Commits everything that is next in sequence, together. Must not be dropped half-way.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        let (mut ready, mut rows) = (Vec::new(), Vec::new());
        let first = self.next;
        while let Some(chunk) = self.early.remove(&self.next) {
            self.next += 1;
            self.copied.date_adjusted.extend(chunk.date_adjusted);
            ready.extend(chunk.ready);
            rows.extend(chunk.rows);
        }
        self.waiting_since = None;
        if self.next == first {
            return Ok(());
        }
        self.deliver(ready, rows).await.inspect_err(|_| self.next = first)
    }

    async fn deliver(
        &mut self,
        ready: Vec<Ready<StagedOf<D::Folder>>>,
        mut rows: Vec<MessageRecord>,
    ) -> Result<(), Error> {
        let mut records: Vec<MessageRecord> = Vec::with_capacity(ready.len());
        let mut batch: Vec<Parcel<D::Folder>> = Vec::with_capacity(ready.len());
        for Ready { staged, record } in ready {
            batch.push((staged, record.flags.iter().cloned().collect()));
            records.push(record);
        }
        let (ended, intent) = self.send(batch, &records).await?;
        let octets = self.take_delivered(&ended.delivered, &ended.refused, records, &mut rows);
        let settled = rows.len() as u64;
        self.failures_in_a_row(ended.delivered.len(), &rows);
        let (ledger, epoch) = (self.account.ledger, self.target.epoch);
        match intent {
            Some(intent) if !ended.uncertain => ledger.end_batch(epoch, intent, &rows).await?,
            // What is not accounted for is looked for when the import goes on.
            Some(_) | None => ledger.record(epoch, &rows).await?,
        }
        let delivered = Event::Delivered { folder: self.target.at, messages: settled, octets };
        self.account.progress.event(&delivered);
        match ended.failure {
            Some(failure) => Err(failure.into()),
            None if self.failures >= FAILURES_IN_A_ROW => Err(Error::TooManyFailures(self.failures)),
            None => Ok(()),
        }
    }

    /// Delivers a batch, noted in the ledger before where the destination needs that.
    async fn send(
        &self,
        batch: Vec<Parcel<D::Folder>>,
        records: &[MessageRecord],
    ) -> Result<(Deliveries, Option<IntentId>), Error> {
        if batch.is_empty() {
            return Ok((Deliveries::default(), None));
        }
        self.line.may_store()?;
        let ledger = self.account.ledger;
        ledger.still_ours().await?;
        let mark = self.target.folder.mark(&batch).await?;
        let intent = match &mark {
            Some(mark) => {
                let intent = intent::of_batch(mark, records);
                Some(ledger.begin_batch(self.target.epoch, &intent).await?)
            }
            None => None,
        };
        Ok((self.target.folder.deliver(mark, batch).await, intent))
    }

    /// Rows for what is durable now, and for what was refused; answers the octets of the former.
    fn take_delivered(
        &mut self,
        delivered: &[Delivered],
        refused: &[Refused],
        records: Vec<MessageRecord>,
        rows: &mut Vec<MessageRecord>,
    ) -> u64 {
        for row in rows.iter().filter(|row| row.state == State::Imported) {
            self.copied.carried.insert(row.uid);
        }
        let mut octets = 0;
        let mut staged: HashMap<_, _> =
            records.into_iter().filter_map(|record| Some((record.identity.clone()?, record))).collect();
        for message in delivered {
            let Some(record) = staged.remove(&message.staged_as) else { continue };
            if message.new {
                self.copied.new.insert(record.uid);
                octets += record.size.unwrap_or(0);
            }
            if !message.dropped_keywords.is_empty() {
                self.copied.keyword_dropped.insert(record.uid);
            }
            rows.push(MessageRecord { identity: Some(message.identity.clone()), ..record });
        }
        rows.extend(
            refused.iter().filter_map(|message| Some(refusal(staged.remove(&message.staged_as)?, message))),
        );
        self.copied.octets += octets;
        self.line.stored(octets);
        octets
    }

    fn failures_in_a_row(&mut self, delivered: usize, rows: &[MessageRecord]) {
        let failed = rows.iter().filter(|row| matches!(row.state, State::Failed | State::Unreadable)).count();
        let good = delivered > 0 || rows.iter().any(|row| row.state == State::Imported);
        self.failures = if good { 0 } else { self.failures.saturating_add(failed as u32) };
    }

    /// The end: what arrived is committed as far as the sequence goes, also after an error elsewhere.
    pub(super) async fn finish(mut self) -> (Copied, Result<(), Error>) {
        self.gather();
        let result = self.commit().await;
        (self.copied, result)
    }
}
