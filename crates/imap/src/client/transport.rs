//! The byte stream below a connection: a reading half and a task that writes.
//!
//! Writing has a task of its own so that a server which stops reading cannot keep us from reading,
//! and the other way round. Its queue is bounded; whoever fills it is refused, never blocked.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_compression::tokio::bufread::DeflateDecoder;
use async_compression::tokio::write::DeflateEncoder;
use bytes::{Bytes, BytesMut};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf, ReadHalf, WriteHalf,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::Error;

/// Any stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) type BoxStream = Box<dyn Stream>;

/// Commands waiting to be written: as many as may be on the wire, and a few pieces of one more.
const QUEUE: usize = 1_024;

/// Pieces of a stream that wait to be written.
const STREAMED: usize = 8;

/// The reading half.
enum Reader {
    Plain(ReadHalf<BoxStream>),
    Deflate(Box<DeflateDecoder<BufReader<Counted>>>),
}

/// A reading half whose octets are counted, to tell a decompression bomb.
struct Counted {
    leftover: BytesMut,
    half: ReadHalf<BoxStream>,
    octets: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        if self.leftover.is_empty() {
            std::task::ready!(Pin::new(&mut self.half).poll_read(cx, buf))?;
        } else {
            let count = self.leftover.len().min(buf.remaining());
            buf.put_slice(&self.leftover.split_to(count));
        }
        self.octets.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

/// The task that writes; ends when the queue's sender is dropped and gives its half back.
struct Writer {
    queue: Option<mpsc::Sender<Bytes>>,
    task: JoinHandle<Option<WriteHalf<BoxStream>>>,
}

impl Writer {
    fn plain(mut half: WriteHalf<BoxStream>) -> Writer {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move { write_all(&mut half, receiver).await.map(|()| half) });
        Writer { queue: Some(queue), task }
    }

    fn deflate(half: WriteHalf<BoxStream>) -> Writer {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let mut encoder = DeflateEncoder::new(half);
        let task = tokio::spawn(async move {
            write_all(&mut encoder, receiver).await;
            None
        });
        Writer { queue: Some(queue), task }
    }

    async fn stop(mut self) -> Result<WriteHalf<BoxStream>, Error> {
        self.queue.take();
        (&mut self.task).await.ok().flatten().ok_or(Error::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Writes what is queued. A failure ends the task; the reading side then sees the connection's end.
async fn write_all(stream: &mut (impl AsyncWrite + Unpin), mut queue: mpsc::Receiver<Bytes>) -> Option<()> {
    while let Some(octets) = queue.recv().await {
        stream.write_all(&octets).await.ok()?;
        while let Ok(octets) = queue.try_recv() {
            stream.write_all(&octets).await.ok()?;
        }
        stream.flush().await.ok()?;
    }
    Some(())
}

/// A byte stream in both directions.
pub(crate) struct Transport {
    reader: Reader,
    writer: Writer,
    compressed: Arc<AtomicU64>,
    decompressed: u64,
    ratio: u64,
}

impl Transport {
    pub(crate) fn new(stream: BoxStream, ratio: u64) -> Transport {
        let (reader, writer) = tokio::io::split(stream);
        Transport {
            reader: Reader::Plain(reader),
            writer: Writer::plain(writer),
            compressed: Arc::default(),
            decompressed: 0,
            ratio,
        }
    }

    /// Queues octets for writing.
    pub(crate) fn send(&self, octets: Vec<u8>) -> Result<(), Error> {
        let queue = self.writer.queue.as_ref().ok_or(Error::Closed)?;
        queue.try_send(Bytes::from(octets)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                Error::LimitExceeded { what: "commands waiting to be sent", limit: QUEUE as u64 }
            }
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })
    }

    /// Waits until few pieces wait to be written: whoever streams then queues the next one. `false`: the connection is
    /// broken. Safe to cancel.
    pub(crate) fn room(&self) -> impl Future<Output = bool> + Send + use<> {
        let queue = self.writer.queue.clone();
        async move {
            match &queue {
                Some(queue) => queue.reserve_many(QUEUE - STREAMED).await.is_ok(),
                None => false,
            }
        }
    }

    /// Reads what is there, at least one octet; 0 at the end. Safe to cancel.
    pub(crate) async fn read(&mut self, buffer: &mut BytesMut) -> Result<usize, Error> {
        /// 4 kB to 64 kB at a time: large enough for TLS records, small enough for many connections.
        const READ: usize = 64 * 1024;
        if buffer.capacity() - buffer.len() < READ / 4 {
            buffer.reserve(READ);
        }
        match &mut self.reader {
            Reader::Plain(half) => Ok(half.read_buf(buffer).await?),
            Reader::Deflate(decoder) => {
                let count = decoder.read_buf(buffer).await?;
                self.decompressed += count as u64;
                self.refuse_bomb()?;
                Ok(count)
            }
        }
    }

    fn refuse_bomb(&self) -> Result<(), Error> {
        const FREE: u64 = 16 * 1024 * 1024;
        let allowed = self.compressed.load(Ordering::Relaxed).saturating_mul(self.ratio).saturating_add(FREE);
        if self.decompressed > allowed {
            return Err(Error::LimitExceeded { what: "the compression ratio", limit: self.ratio });
        }
        Ok(())
    }

    /// Gives the stream back, for TLS on top of it.
    pub(crate) async fn into_stream(self) -> Result<BoxStream, Error> {
        let Reader::Plain(reader) = self.reader else { return Err(Error::Closed) };
        Ok(reader.unsplit(self.writer.stop().await?))
    }

    /// Goes on compressed (RFC 4978); `leftover` was read already.
    pub(crate) async fn into_deflate(self, leftover: BytesMut) -> Result<Transport, Error> {
        let Reader::Plain(half) = self.reader else { return Err(Error::Closed) };
        let writer = Writer::deflate(self.writer.stop().await?);
        let octets = Arc::new(AtomicU64::new(0));
        let counted = Counted { leftover, half, octets: Arc::clone(&octets) };
        let decoder = DeflateDecoder::new(BufReader::with_capacity(16 * 1024, counted));
        Ok(Transport {
            reader: Reader::Deflate(Box::new(decoder)),
            writer,
            compressed: octets,
            decompressed: 0,
            ratio: self.ratio,
        })
    }
}
