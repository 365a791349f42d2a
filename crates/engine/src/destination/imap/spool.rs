//! Messages that wait to be sent: small ones in memory up to a budget, all others in unnamed files.
//!
//! A message can be read again as often as it must be sent. Files hold many messages each, so that their number is
//! bounded by that of the threads that write; they have no name, so that nothing is left behind whatever happens.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use imap::{AppendBody, InternalDate};

use crate::canonical::Canonical;
use crate::destination::{Failure, Staged, Writer};
use crate::ledger::Digest;

/// A message of more octets waits in a file.
const SMALL: usize = 1 << 20;
/// Octets in memory, over all folders of an import.
const BUDGET: usize = 32 << 20;
/// Octets of a file after which the next message begins a new one; the old one's room is free once its messages are sent.
const FILE: u64 = 256 << 20;
/// Octets read from a file at a time.
const PIECE: u64 = 64 * 1024;

/// Where messages of one import wait.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    in_memory: AtomicUsize,
    /// Files in which nobody is writing.
    idle: Mutex<Vec<Appendable>>,
}

/// A file that messages are added to.
#[derive(Debug)]
struct Appendable {
    file: Arc<File>,
    end: u64,
}

impl Spool {
    pub(super) fn new(directory: PathBuf) -> Arc<Spool> {
        Arc::new(Spool { directory, in_memory: AtomicUsize::new(0), idle: Mutex::default() })
    }

    fn reserve(&self, octets: usize) -> bool {
        let within = |used: usize| used.checked_add(octets).filter(|used| *used <= BUDGET);
        self.in_memory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    fn release(&self, octets: usize) {
        self.in_memory.fetch_sub(octets, Ordering::Relaxed);
    }

    fn take_file(&self) -> io::Result<Appendable> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            // Every message of it is sent.
            Some(Appendable { file, .. }) if Arc::strong_count(&file) == 1 => {
                file.set_len(0)?;
                Ok(Appendable { file, end: 0 })
            }
            Some(appendable) => Ok(appendable),
            None => Ok(Appendable { file: Arc::new(tempfile::tempfile_in(&self.directory)?), end: 0 }),
        }
    }

    fn give_back(&self, appendable: Appendable) {
        if appendable.end < FILE {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(appendable);
        }
    }
}

/// A message on its way into the spool.
#[derive(Debug)]
pub struct Spooling {
    spool: Arc<Spool>,
    place: Place,
    size: u64,
    canonical: Canonical,
    has_nul: bool,
}

#[derive(Debug)]
enum Place {
    /// The octets, and how many are reserved for them.
    Memory(Vec<u8>, usize),
    /// The file, and where the message begins.
    File(Option<Appendable>, u64),
}

impl Spooling {
    pub(super) fn new(spool: Arc<Spool>) -> Spooling {
        let place = Place::Memory(Vec::new(), 0);
        Spooling { spool, place, size: 0, canonical: Canonical::default(), has_nul: false }
    }

    fn store(&mut self, octets: &[u8]) -> io::Result<()> {
        if let Place::Memory(kept, reserved) = &mut self.place {
            let fits = kept.len() + octets.len() <= SMALL;
            if fits && self.spool.reserve(octets.len()) {
                *reserved += octets.len();
                kept.extend_from_slice(octets);
                return Ok(());
            }
            self.move_to_file()?;
        }
        match &mut self.place {
            Place::File(Some(appendable), _) => {
                appendable.file.write_all_at(octets, appendable.end)?;
                appendable.end += octets.len() as u64;
                Ok(())
            }
            _ => Err(io::Error::other("the message is complete already")),
        }
    }

    fn move_to_file(&mut self) -> io::Result<()> {
        let mut appendable = self.spool.take_file()?;
        let begin = appendable.end;
        if let Place::Memory(kept, _) = &self.place {
            appendable.file.write_all_at(kept, begin)?;
            appendable.end += kept.len() as u64;
        }
        self.release();
        self.place = Place::File(Some(appendable), begin);
        Ok(())
    }

    fn release(&mut self) {
        if let Place::Memory(_, reserved) = &mut self.place {
            self.spool.release(std::mem::take(reserved));
        }
    }
}

impl Drop for Spooling {
    fn drop(&mut self) {
        self.release();
        if let Place::File(appendable, begin) = &mut self.place
            && let Some(Appendable { file, .. }) = appendable.take()
        {
            self.spool.give_back(Appendable { file, end: *begin });
        }
    }
}

impl io::Write for Spooling {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.store(octets)?;
        self.canonical.update(octets);
        self.has_nul |= octets.contains(&0);
        self.size += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writer for Spooling {
    type Staged = Spooled;

    fn finish(mut self, identity: &str, received: i64) -> Result<Staged<Spooled>, Failure> {
        let body = match &mut self.place {
            Place::Memory(kept, reserved) => {
                let (spool, reserved) = (Arc::clone(&self.spool), std::mem::take(reserved));
                Body::Memory { octets: Bytes::from(std::mem::take(kept)), _held: Held { spool, reserved } }
            }
            Place::File(appendable, begin) => {
                let Some(appendable) = appendable.take() else {
                    return Err(self.failure(io::Error::other("the message is complete already")));
                };
                let file = Arc::clone(&appendable.file);
                self.spool.give_back(appendable);
                Body::File { file, begin: *begin }
            }
        };
        // A server may take any date; what a Maildir can hold every server can.
        let timestamp = received.clamp(0, i64::from(u32::MAX));
        let canonical = std::mem::take(&mut self.canonical).finish();
        let (size, has_nul) = (self.size, self.has_nul);
        let date = InternalDate { timestamp, offset_minutes: 0 };
        let inner = Spooled { staged_as: identity.to_owned(), body, size, canonical, has_nul, date };
        Ok(Staged { inner, date_adjusted: timestamp != received })
    }

    fn failure(&self, error: io::Error) -> Failure {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let directory = self.spool.directory.display();
        let message = format!("Messages on their way cannot be kept in {directory}: {error}.");
        Failure { class: if full { "disk_full" } else { "destination" }, message }
    }
}

/// A complete message that waits to be sent.
#[derive(Debug)]
pub struct Spooled {
    pub(super) staged_as: String,
    body: Body,
    pub(super) size: u64,
    pub(super) canonical: Digest,
    pub(super) has_nul: bool,
    pub(super) date: InternalDate,
}

#[derive(Debug)]
enum Body {
    Memory { octets: Bytes, _held: Held },
    File { file: Arc<File>, begin: u64 },
}

/// Gives memory back to the budget.
#[derive(Debug)]
struct Held {
    spool: Arc<Spool>,
    reserved: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.spool.release(self.reserved);
    }
}

impl Spooled {
    /// The message from its beginning.
    pub(super) fn reader(&self) -> Reader {
        match &self.body {
            Body::Memory { octets, .. } => Reader::Memory(octets.clone()),
            Body::File { file, begin } => {
                Reader::File { file: Arc::clone(file), at: *begin, end: begin + self.size }
            }
        }
    }

    /// Writes the message into a new file that only its owner can read. Blocks.
    pub(super) fn keep(&self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut to =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        match &self.body {
            Body::Memory { octets, .. } => to.write_all(octets)?,
            Body::File { file, begin } => {
                let (mut at, end) = (*begin, begin + self.size);
                while at < end {
                    let piece = piece(file, at, end)?;
                    to.write_all(&piece)?;
                    at += piece.len() as u64;
                }
            }
        }
        to.sync_all()
    }
}

fn piece(file: &File, at: u64, end: u64) -> io::Result<Vec<u8>> {
    // At most PIECE.
    let mut piece = vec![0; PIECE.min(end - at) as usize];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece)
}

/// A message being read.
#[derive(Debug)]
pub(super) enum Reader {
    Memory(Bytes),
    File { file: Arc<File>, at: u64, end: u64 },
}

impl AppendBody for Reader {
    async fn next(&mut self) -> io::Result<Bytes> {
        match self {
            Reader::Memory(octets) => Ok(std::mem::take(octets)),
            Reader::File { at, end, .. } if *at >= *end => Ok(Bytes::new()),
            Reader::File { file, at, end } => {
                let (file, from, to) = (Arc::clone(file), *at, *end);
                let read = tokio::task::spawn_blocking(move || piece(&file, from, to));
                let octets = read.await.map_err(io::Error::other)??;
                *at += octets.len() as u64;
                Ok(Bytes::from(octets))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn octets(message: &Spooled) -> Vec<u8> {
        let (mut reader, mut all) = (message.reader(), Vec::new());
        loop {
            let piece = reader.next().await.unwrap();
            if piece.is_empty() {
                return all;
            }
            all.extend_from_slice(&piece);
        }
    }

    fn spooled(spool: &Arc<Spool>, content: &[u8]) -> Spooled {
        let mut writer = Spooling::new(Arc::clone(spool));
        content.chunks(60_000).for_each(|piece| writer.write_all(piece).unwrap());
        writer.finish("x", 7).unwrap().inner
    }

    #[tokio::test]
    async fn messages_are_read_as_they_were_written_as_often_as_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::new(directory.path().to_owned());
        let contents: Vec<Vec<u8>> = [0, 5, SMALL, SMALL + 1, 3 * SMALL, 9]
            .iter()
            .enumerate()
            .map(|(n, size)| vec![n as u8; *size])
            .collect();
        let messages: Vec<Spooled> = contents.iter().map(|content| spooled(&spool, content)).collect();
        for _ in 0..2 {
            for (message, content) in messages.iter().zip(&contents) {
                assert_eq!(&octets(message).await, content);
            }
        }
        let path = directory.path().join("kept");
        messages[4].keep(&path).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), contents[4]);
    }

    #[test]
    fn memory_is_bounded_and_given_back_and_files_are_few() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::new(directory.path().to_owned());
        let content = vec![7; SMALL];
        let messages: Vec<Spooled> = (0..2 * BUDGET / SMALL).map(|_| spooled(&spool, &content)).collect();
        assert_eq!(spool.in_memory.load(Ordering::Relaxed), BUDGET);
        assert_eq!(spool.idle.lock().unwrap().len(), 1);
        drop(messages);
        assert_eq!(spool.in_memory.load(Ordering::Relaxed), 0);
        let mut half_written = Spooling::new(Arc::clone(&spool));
        half_written.write_all(&vec![7; 2 * SMALL]).unwrap();
        assert_eq!(half_written.spool.idle.lock().unwrap().len(), 0);
        drop(half_written);
        assert_eq!(spool.idle.lock().unwrap().len(), 1);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "the files have no name");
    }
}
