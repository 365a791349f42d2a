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
use crate::ledger::{Cause, Digest, MessageRecord, State};

/// Pieces of at most 64 KiB that wait for the disk: 4 MiB for a connection.
pub(super) const PIECES: usize = 64;

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
}

/// Runs until the network side hangs up or the disk fails. Blocks.
pub(super) fn run<F: DestinationFolder>(
    folder: &F,
    pool: &Mutex<Pool>,
    clock: &Arc<dyn Clock>,
    mut pieces: mpsc::Receiver<Piece>,
    chunks: &mpsc::Sender<Chunk<StagedOf<F>>>,
) -> Result<(), Failure> {
    let mut open: Option<Open<F::Writer>> = None;
    let mut pending: HashMap<u64, Chunk<StagedOf<F>>> = HashMap::new();
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Begin(identity) => {
                // First: what was begun and never ended may lie under the same name.
                drop(open.take());
                open = Some(Open {
                    writer: folder.begin(&identity)?,
                    hasher: blake3::Hasher::new(),
                    size: 0,
                    head: None,
                });
            }
            Piece::Data(octets) => {
                if let Some(open) = &mut open {
                    open.write(octets)?;
                }
            }
            Piece::Forget => open = None,
            Piece::Keep(kept) => {
                let chunk = pending.entry(kept.chunk).or_insert_with(|| Chunk::new(kept.chunk));
                if let Some(open) = open.take() {
                    keep(open, *kept, chunk, pool, clock)?;
                }
            }
            Piece::Settle(sequence, record) => {
                pending.entry(sequence).or_insert_with(|| Chunk::new(sequence)).rows.push(*record);
            }
            Piece::End(sequence) => {
                let mut chunk = pending.remove(&sequence).unwrap_or_else(|| Chunk::new(sequence));
                chunk.ready.sort_by_key(|ready| ready.record.uid);
                if chunks.blocking_send(chunk).is_err() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

struct Open<W> {
    writer: W,
    hasher: blake3::Hasher,
    size: u64,
    /// The first piece, for the date in the header.
    head: Option<Bytes>,
}

impl<W: Writer> Open<W> {
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
    head.len() < 8_192 && head.windows(NOTICE.len()).any(|window| window == NOTICE)
}
