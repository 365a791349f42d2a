//! Copying one folder: FETCH on the wire ahead of reading, disk and digest behind, deliveries in the source's order.
//!
//! A folder's UIDs are cut into chunks. Any connection of the account may take the next chunk ([`CopyTask`]); the
//! committer delivers complete chunks strictly in sequence, so that the destination numbers messages as the source
//! did. `NO`, `BAD` and silence are never "done": what was asked for and did not come is asked for again, in halves,
//! alone, and then by its metadata. Never a sequence number, never anything that sets `\Seen`.

mod commit;
mod date;
mod fetch;
pub(crate) mod pool;
mod stage;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use imap::{FetchItem, UidSet, UidValidity, WireName};
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::commit::Copied;
use self::commit::{Committer, Target};
use self::fetch::Renewal;
pub(crate) use self::fetch::object_id;
use self::pool::Pool;
use self::stage::Chunk;
use crate::account::Account;
use crate::clock::Clock;
use crate::destination::{Destination, DestinationFolder, Naming, Writer};
use crate::error::Error;
use crate::ledger::{EpochId, Ledger};
use crate::line::{Line, Session};

/// Messages in one FETCH command: measured, with [`fetch::WINDOW`] commands on the wire within 6 % of everything at once.
const CHUNK_MESSAGES: u64 = 100;
/// Octets in one FETCH command, by the folder's average: what is fetched twice at most after a cut.
const CHUNK_OCTETS: u64 = 16 << 20;
/// Complete chunks that wait for the committer: what may be fetched while one batch is being delivered.
const CHUNKS_WAITING: usize = 16;
/// How many chunks may be fetched ahead of the first one that is not delivered: one connection that is silent must not
/// let the others pile up a whole folder.
const CHUNKS_AHEAD: u64 = 64;

type StagedOf<F> = <<F as DestinationFolder>::Writer as Writer>::Staged;

/// A piece of a folder: UIDs that are fetched by one command and delivered together.
#[derive(Debug, Clone)]
struct Wanted {
    sequence: u64,
    uids: UidSet,
}

/// A folder being copied, shared by the connections that work on it.
pub(crate) struct CopyTask<F: DestinationFolder> {
    name: WireName,
    uid_validity: UidValidity,
    folder: F,
    naming: Naming,
    items: Vec<FetchItem>,
    clock: Arc<dyn Clock>,
    pool: Mutex<Pool>,
    waiting: Mutex<VecDeque<Wanted>>,
    chunks: mpsc::Sender<Chunk<StagedOf<F>>>,
    given_back: Notify,
    /// Chunks that are delivered, all up to this sequence.
    delivered: AtomicU64,
    /// Nobody takes chunks any more.
    over: AtomicBool,
    /// Other connections see another folder there.
    alone: AtomicBool,
    provisional: AtomicU64,
}

/// What a folder's copy is made of.
pub(crate) struct Order<F: DestinationFolder> {
    /// Its place in the plan.
    pub(crate) at: usize,
    pub(crate) name: WireName,
    pub(crate) uid_validity: UidValidity,
    pub(crate) epoch: EpochId,
    pub(crate) folder: F,
    pub(crate) naming: Naming,
    pub(crate) uids: UidSet,
    /// Average octets of a message, as far as known.
    pub(crate) average: Option<u64>,
    pub(crate) items: Vec<FetchItem>,
    pub(crate) pool: Pool,
}

impl<F: DestinationFolder> CopyTask<F> {
    fn next(&self) -> Option<Wanted> {
        let limit = self.limit();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front_if(|wanted| wanted.sequence < limit)
    }

    /// The sequence that must not be fetched yet.
    fn limit(&self) -> u64 {
        if self.is_over() { 0 } else { self.delivered.load(Ordering::Relaxed).saturating_add(CHUNKS_AHEAD) }
    }

    /// Gives a chunk back that could not be finished; the lowest is always fetched first.
    fn give_back(&self, wanted: Wanted) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.partition_point(|other| other.sequence < wanted.sequence);
        waiting.insert(at, wanted);
        drop(waiting);
        self.given_back.notify_one();
    }

    fn waiting_chunks(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn has_next(&self) -> bool {
        let limit = self.limit();
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.front().is_some_and(|wanted| wanted.sequence < limit)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether another connection would find something to do.
    pub(crate) fn has_work(&self) -> bool {
        self.has_next() && !self.alone.load(Ordering::Relaxed) && self.waiting_chunks() > fetch::WINDOW
    }

    /// Keeps other connections away: to them the folder has another UIDVALIDITY.
    pub(crate) fn leave_alone(&self) {
        self.alone.store(true, Ordering::Relaxed);
    }

    /// A name for a message whose UID is not known yet.
    fn provisional(&self) -> String {
        self.naming.provisional(self.provisional.fetch_add(1, Ordering::Relaxed))
    }
}

/// Cuts an order into a task and the receiver of its chunks.
fn cut<F: DestinationFolder>(
    order: &mut Order<F>,
    clock: Arc<dyn Clock>,
) -> (CopyTask<F>, mpsc::Receiver<Chunk<StagedOf<F>>>) {
    let by_octets = order.average.map_or(CHUNK_MESSAGES, |average| CHUNK_OCTETS / average.max(1));
    let messages = by_octets.clamp(1, CHUNK_MESSAGES) as usize;
    let waiting = order.uids.chunks(messages).enumerate();
    let waiting = waiting.map(|(n, uids)| Wanted { sequence: n as u64, uids }).collect();
    let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
    let task = CopyTask {
        name: order.name.clone(),
        uid_validity: order.uid_validity,
        folder: order.folder.clone(),
        naming: order.naming.clone(),
        items: order.items.clone(),
        clock,
        pool: Mutex::new(std::mem::take(&mut order.pool)),
        waiting: Mutex::new(waiting),
        chunks,
        given_back: Notify::new(),
        delivered: AtomicU64::new(0),
        over: AtomicBool::new(false),
        alone: AtomicBool::new(false),
        provisional: AtomicU64::new(0),
    };
    (task, receiver)
}

/// Copies a folder with this connection and whoever joins through `publish`. The connection comes back when it is
/// still good. On an error everything delivered so far is in the ledger and in the answer.
pub(crate) async fn copy<L: Ledger, D: Destination>(
    account: &Account<'_, L, D>,
    line: &Arc<Line>,
    mut session: Option<Session>,
    mut order: Order<D::Folder>,
    publish: impl Fn(Option<Arc<CopyTask<D::Folder>>>),
) -> (Option<Session>, Copied, Result<(), Error>) {
    let target = Target { at: order.at, folder: order.folder.clone(), epoch: order.epoch };
    let (task, receiver) = cut(&mut order, Arc::clone(&account.clock));
    let total = task.waiting.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
    let task = Arc::new(task);
    publish(Some(Arc::clone(&task)));
    // Whoever stopped at the limit finds something to do again.
    let advanced = |delivered| {
        if task.delivered.swap(delivered, Ordering::Relaxed) != delivered {
            publish(Some(Arc::clone(&task)));
        }
    };
    let mut committer = Committer::new(account, line, target, receiver, total);
    let mut result = Ok(());
    while result.is_ok() && !committer.is_complete() {
        if !task.has_next() {
            // Others bring what is next, or give it back.
            result = await_others(line, &mut committer, &task).await;
            advanced(committer.delivered());
            continue;
        }
        let own = session.take();
        let fetching = tokio::spawn(fetch::fetch(Arc::clone(line), own, Arc::clone(&task), Renewal::Patient));
        let (back, fetched) = commit_while(&mut committer, AbortOnDropHandle::new(fetching), &advanced).await;
        session = back;
        result = fetched;
    }
    task.over.store(true, Ordering::Relaxed);
    publish(None);
    let (copied, ended) = committer.finish().await;
    (session, copied, result.and(ended))
}

/// Commits what arrives until the fetching ends. A failing destination ends the fetching.
async fn commit_while<L: Ledger, D: Destination>(
    committer: &mut Committer<'_, L, D>,
    mut fetching: AbortOnDropHandle<fetch::Fetching>,
    advanced: &impl Fn(u64),
) -> fetch::Fetching {
    loop {
        let ended = tokio::select! {
            biased;
            ended = &mut fetching => Some(ended),
            () = committer.arrival() => None,
        };
        committer.gather();
        if ended.is_none() && !committer.is_due() {
            continue;
        }
        let committed = committer.commit().await;
        advanced(committer.delivered());
        if let Some(ended) = ended {
            let (back, fetched) =
                ended.unwrap_or_else(|panic| (None, Err(Error::Internal(panic.to_string()))));
            return (back, committed.and(fetched));
        }
        if let Err(error) = committed {
            return (None, Err(error));
        }
    }
}

async fn await_others<L: Ledger, D: Destination>(
    line: &Line,
    committer: &mut Committer<'_, L, D>,
    task: &CopyTask<D::Folder>,
) -> Result<(), Error> {
    tokio::select! {
        biased;
        () = line.stopped() => return Err(Error::Interrupted),
        () = task.given_back.notified() => {}
        () = committer.arrival() => {}
    }
    committer.gather();
    if committer.is_due() { committer.commit().await } else { Ok(()) }
}

/// Joins a folder that another connection is copying. The connection comes back while it is good; a broken one is
/// replaced if the server allows it at once, otherwise the others get back what was in hand.
pub(crate) async fn help<F: DestinationFolder>(
    line: Arc<Line>,
    session: Session,
    task: Arc<CopyTask<F>>,
) -> (Option<Session>, Result<(), Error>) {
    let fetching =
        AbortOnDropHandle::new(tokio::spawn(fetch::fetch(line, Some(session), task, Renewal::Once)));
    fetching.await.unwrap_or_else(|panic| (None, Err(Error::Internal(panic.to_string()))))
}
