//! Off the network's path: octets go to the destination's staging area and through the digest, on a thread of its own.
//!
//! The network side sends [`Piece`]s through a bounded channel, so a slow disk slows the wire and memory stays bounded
//! whatever the size of a message. Complete chunks go on to the committer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use imap::Uid;
use tokio::sync::mpsc;

use super::pool::Pool;
use crate::clock::Clock;
use crate::destination::{DestinationFolder, Failure, FlagNames, Staged, Writer};
use crate::error::Error;
use crate::ledger::{Cause, Digest, MessageRecord, State};

/// Octets of pieces that go to the disk's thread together: to hand them over one by one costs more than the message.
const BATCH_OCTETS: usize = 128 * 1024;
/// Pieces that go together, however small.
const BATCH_PIECES: usize = 256;
/// Batches that wait for the disk: about 3 MiB for a connection, as a piece has at most 64 KiB.
const BATCHES: usize = 16;

type StagedOf<F> = <<F as DestinationFolder>::Writer as Writer>::Staged;

/// What the network side says.
#[derive(Debug)]
pub(super) enum Piece {
    /// A body begins; its identity, or a provisional one while the UID is not known.
    Begin(String),
    /// Octets of it.
    Data(Bytes),
    /// The response is complete: keep the message.
    Keep(Box<Kept>),
    /// The response was not to be trusted: forget the message.
    Forget,
    /// A message that will not be stored.
    Settle(u64, Box<MessageRecord>),
    /// Every message of the chunk was kept or settled.
    End(u64),
}

/// A message to keep.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) chunk: u64,
    pub(super) uid: Uid,
    pub(super) identity: String,
    /// INTERNALDATE in unix seconds, when the server told a real one.
    pub(super) received: Option<i64>,
    pub(super) flags: FlagNames,
    pub(super) object_id: Option<String>,
    /// `RFC822.SIZE`, believed only when it says that an empty body is a lie.
    pub(super) announced: Option<u64>,
}

/// A message ready for delivery.
pub(super) struct Ready<S> {
    pub(super) staged: S,
    pub(super) record: MessageRecord,
}

/// A chunk ready for delivery.
pub(super) struct Chunk<S> {
    pub(super) sequence: u64,
    pub(super) ready: Vec<Ready<S>>,
    /// Rows of messages that are not delivered: carried over, unreadable, phantom.
    pub(super) rows: Vec<MessageRecord>,
    /// Messages whose date had to be adjusted.
    pub(super) date_adjusted: Vec<Uid>,
}

impl<S> Chunk<S> {
    fn new(sequence: u64) -> Chunk<S> {
        Chunk { sequence, ready: Vec::new(), rows: Vec::new(), date_adjusted: Vec::new() }
    }

    /// Octets that wait for delivery.
    pub(super) fn octets(&self) -> u64 {
        self.ready.iter().filter_map(|ready| ready.record.size).sum()
    }
}

/// The network side's end of the channel.
pub(super) struct Pieces {
    sender: mpsc::Sender<Vec<Piece>>,
    batch: Vec<Piece>,
    octets: usize,
}

impl Pieces {
    /// The channel to a staging thread.
    pub(super) fn channel() -> (Pieces, mpsc::Receiver<Vec<Piece>>) {
        let (sender, receiver) = mpsc::channel(BATCHES);
        (Pieces { sender, batch: Vec::with_capacity(BATCH_PIECES), octets: 0 }, receiver)
    }

    /// Hands a piece over, soon; the end of a chunk at once. Cancelled, it has taken the piece all the same.
    pub(super) async fn say(&mut self, piece: Piece) -> Result<(), Error> {
        let ends = matches!(piece, Piece::End(_));
        if let Piece::Data(octets) = &piece {
            self.octets += octets.len();
        }
        self.batch.push(piece);
        if ends || self.octets >= BATCH_OCTETS || self.batch.len() >= BATCH_PIECES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Hands over what was said so far.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let ended = |_| Error::Internal("the staging thread ended".into());
        let permit = self.sender.reserve().await.map_err(ended)?;
        permit.send(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_PIECES)));
        self.octets = 0;
        Ok(())
    }
}

/// Runs until the network side hangs up or the disk fails. Blocks.
pub(super) fn run<F: DestinationFolder>(
    folder: &F,
    pool: &Mutex<Pool>,
    clock: &Arc<dyn Clock>,
    mut pieces: mpsc::Receiver<Vec<Piece>>,
    chunks: &mpsc::Sender<Chunk<StagedOf<F>>>,
) -> Result<(), Failure> {
    let mut staging = Staging::<F> { open: None, pending: HashMap::new() };
    while let Some(batch) = pieces.blocking_recv() {
        for piece in batch {
            let Some(chunk) = staging.take(piece, folder, pool, clock)? else { continue };
            if chunks.blocking_send(chunk).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What has not come to its end: a message, and chunks.
struct Staging<F: DestinationFolder> {
    open: Option<Open<F::Writer>>,
    pending: HashMap<u64, Chunk<StagedOf<F>>>,
}

impl<F: DestinationFolder> Staging<F> {
    fn chunk(&mut self, sequence: u64) -> &mut Chunk<StagedOf<F>> {
        self.pending.entry(sequence).or_insert_with(|| Chunk::new(sequence))
    }

    /// Does what a piece asks for; at a chunk's end the chunk is given out.
    fn take(
        &mut self,
        piece: Piece,
        folder: &F,
        pool: &Mutex<Pool>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Chunk<StagedOf<F>>>, Failure> {
        match piece {
            Piece::Begin(identity) => {
                // First: what was begun and never ended may lie under the same name.
                drop(self.open.take());
                self.open = Some(Open::new(folder.begin(&identity)?));
            }
            Piece::Data(octets) => {
                if let Some(open) = &mut self.open {
                    open.write(octets)?;
                }
            }
            Piece::Forget => self.open = None,
            Piece::Keep(kept) => {
                let open = self.open.take();
                let chunk = self.chunk(kept.chunk);
                if let Some(open) = open {
                    keep(open, *kept, chunk, pool, clock)?;
                }
            }
            Piece::Settle(sequence, record) => self.chunk(sequence).rows.push(*record),
            Piece::End(sequence) => {
                let mut chunk = self.pending.remove(&sequence).unwrap_or_else(|| Chunk::new(sequence));
                chunk.ready.sort_by_key(|ready| ready.record.uid);
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }
}

struct Open<W> {
    writer: W,
    hasher: blake3::Hasher,
    size: u64,
    /// The first piece, for the date in the header.
    head: Option<Bytes>,
}

impl<W: Writer> Open<W> {
    fn new(writer: W) -> Open<W> {
        Open { writer, hasher: blake3::Hasher::new(), size: 0, head: None }
    }

    fn write(&mut self, octets: Bytes) -> Result<(), Failure> {
        self.writer.write_all(&octets).map_err(|error| self.writer.failure(error))?;
        self.hasher.update(&octets);
        self.size += octets.len() as u64;
        self.head.get_or_insert(octets);
        Ok(())
    }
}

fn keep<W: Writer>(
    open: Open<W>,
    kept: Kept,
    chunk: &mut Chunk<W::Staged>,
    pool: &Mutex<Pool>,
    clock: &Arc<dyn Clock>,
) -> Result<(), Failure> {
    let digest: Digest = *open.hasher.finalize().as_bytes();
    let record = MessageRecord {
        uid: kept.uid,
        state: State::Imported,
        identity: Some(kept.identity),
        size: Some(open.size),
        digest: Some(digest),
        flags: kept.flags.into_iter().collect(),
        object_id: kept.object_id,
        cause: None,
    };
    if open.size == 0 && kept.announced.is_some_and(|octets| octets > 0) {
        chunk
            .rows
            .push(unreadable(record, "The old server handed over an empty message in place of this one."));
        return Ok(());
    }
    if open.head.as_deref().is_some_and(is_placeholder) {
        chunk
            .rows
            .push(unreadable(record, "The old server handed over an error notice in place of this message."));
        return Ok(());
    }
    let carried = pool.lock().unwrap_or_else(PoisonError::into_inner).take_digest(&digest);
    if let Some(known) = carried {
        let flags = known.flags.unwrap_or_else(|| record.flags.clone());
        chunk.rows.push(MessageRecord { identity: Some(known.identity), flags, ..record });
        return Ok(());
    }
    // What no file can have is no date: some servers count days from 30-Dec-1899 and send that for none.
    let told = kept.received.filter(|seconds| (0..=i64::from(u32::MAX)).contains(seconds));
    let date = told.or_else(|| open.head.as_deref().and_then(super::date::from_header));
    let adjusted = told.is_none();
    let received = date.unwrap_or_else(|| clock.now().as_second());
    let identity = record.identity.clone().unwrap_or_default();
    let Staged { inner, date_adjusted } = open.writer.finish(&identity, received)?;
    if adjusted || date_adjusted {
        chunk.date_adjusted.push(record.uid);
    }
    chunk.ready.push(Ready { staged: inner, record });
    Ok(())
}

fn unreadable(record: MessageRecord, why: &str) -> MessageRecord {
    let cause =
        Cause { class: "unreadable".into(), message: why.into(), date: None, from: None, subject: None };
    MessageRecord { state: State::Unreadable, identity: None, digest: None, cause: Some(cause), ..record }
}

/// What Exchange hands over for a message that it cannot convert.
fn is_placeholder(head: &[u8]) -> bool {
    const NOTICE: &[u8] = b"Retrieval using the IMAP4 protocol failed for the following message";
    head.len() < 8_192 && memchr::memmem::find(head, NOTICE).is_some()
}
