//! A TCP proxy that delays, cuts, stalls and refuses, below TLS.
//!
//! It must never change an octet: what it passes on is what was sent, or the connection ends.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::connect_unspec;

use crate::{Doing, Result};

/// When a cut happens again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Often {
    /// In one connection only.
    Once,
    /// In each connection.
    Always,
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In good order: the client sees the end of the stream.
    Close,
    /// With a reset.
    Reset,
}

#[derive(Debug)]
struct Cut {
    direction: Direction,
    after: u64,
    often: Often,
    ending: Ending,
}

#[derive(Debug)]
struct Controls {
    target: SocketAddr,
    delay: Duration,
    cut: Option<Cut>,
    stalled: bool,
    refusing: bool,
    open: Vec<TcpStream>,
}

#[derive(Debug)]
struct Shared {
    controls: Mutex<Controls>,
    changed: Condvar,
    from_server: AtomicU64,
    from_client: AtomicU64,
    connections: AtomicU64,
    round_trips: AtomicU64,
    ended: AtomicBool,
}

impl Shared {
    fn controls(&self) -> MutexGuard<'_, Controls> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running proxy; its connections end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens on a free loopback port and passes everything to `target` and back.
    pub fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").doing(|| "starting the proxy".to_owned())?;
        let addr = listener.local_addr().doing(|| "starting the proxy".to_owned())?;
        let controls = Controls {
            target,
            delay: Duration::ZERO,
            cut: None,
            stalled: false,
            refusing: false,
            open: Vec::new(),
        };
        let shared = Arc::new(Shared {
            controls: Mutex::new(controls),
            changed: Condvar::new(),
            from_server: AtomicU64::new(0),
            from_client: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            round_trips: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Ok(Self { addr, shared })
    }

    /// Where to connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Delays what comes from now on by `delay` in each direction, without narrowing the line.
    pub fn delay(&self, delay: Duration) {
        self.shared.controls().delay = delay;
    }

    /// Ends a connection when it has passed on `octets` from the server.
    pub fn cut_after(&self, octets: u64, often: Often, ending: Ending) {
        let direction = Direction::FromServer;
        self.shared.controls().cut = Some(Cut { direction, after: octets, often, ending });
    }

    /// Ends a connection when it has passed on `octets` from the client.
    pub fn cut_after_sent(&self, octets: u64, often: Often, ending: Ending) {
        let direction = Direction::FromClient;
        self.shared.controls().cut = Some(Cut { direction, after: octets, often, ending });
    }

    /// No more cuts.
    pub fn heal(&self) {
        self.shared.controls().cut = None;
    }

    /// Stops passing on anything; connections stay open.
    pub fn stall(&self) {
        self.shared.controls().stalled = true;
    }

    /// Passes on again.
    pub fn resume(&self) {
        self.shared.controls().stalled = false;
        self.shared.changed.notify_all();
    }

    /// Ends all open connections now.
    pub fn end_connections(&self, ending: Ending) {
        for stream in self.shared.controls().open.drain(..) {
            end(&stream, ending);
        }
    }

    /// From now on each new connection is closed at once.
    pub fn refuse(&self) {
        self.shared.controls().refusing = true;
    }

    /// New connections are accepted again.
    pub fn accept(&self) {
        self.shared.controls().refusing = false;
    }

    /// Connects to another server from now on, for a server that comes back on another port.
    pub fn retarget(&self, target: SocketAddr) {
        self.shared.controls().target = target;
    }

    /// Octets passed on from the server so far.
    #[must_use]
    pub fn octets_from_server(&self) -> u64 {
        self.shared.from_server.load(Ordering::SeqCst)
    }

    /// Octets passed on from clients so far.
    #[must_use]
    pub fn octets_from_client(&self) -> u64 {
        self.shared.from_client.load(Ordering::SeqCst)
    }

    /// How often so far a client has said something after its server had: what a round trip costs is paid so often.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Connections made so far, refused ones included.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.end_connections(Ending::Close);
        self.resume();
        // Wakes the thread that accepts, which then sees that it is to end.
        let _ = TcpStream::connect(self.addr);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (target, refusing) = {
            let controls = shared.controls();
            (controls.target, controls.refusing)
        };
        if refusing {
            continue;
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || serve(client, target, &shared));
    }
}

/// Joins the two ends; a server that is not there ends the client's connection.
fn serve(client: TcpStream, target: SocketAddr, shared: &Arc<Shared>) -> Option<()> {
    let server = TcpStream::connect(target).ok()?;
    client.set_nodelay(true).ok()?;
    server.set_nodelay(true).ok()?;
    {
        let mut controls = shared.controls();
        controls.open.extend([client.try_clone().ok()?, server.try_clone().ok()?]);
    }
    let (client_in, server_out) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let up = Arc::clone(shared);
    let heard = Arc::new(AtomicBool::new(false));
    let turn = Arc::clone(&heard);
    thread::spawn(move || pump(client_in, server_out, &up, Direction::FromClient, &turn));
    pump(server, client, shared, Direction::FromServer, &heard);
    Some(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    FromClient,
    FromServer,
}

/// Reads in one thread and writes in another, so that a delay costs latency but no width.
fn pump(mut from: TcpStream, to: TcpStream, shared: &Arc<Shared>, direction: Direction, heard: &AtomicBool) {
    // 256 blocks of 64 KiB at most are on the way.
    let (sender, receiver) = std::sync::mpsc::sync_channel::<(Instant, Vec<u8>)>(256);
    let writing = Arc::clone(shared);
    let writer = thread::spawn(move || {
        let mut passed = 0;
        for (due, block) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if !pass(&to, &block, &mut passed, &writing, direction) {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let due = Instant::now() + shared.controls().delay;
        if heard.swap(direction == Direction::FromServer, Ordering::SeqCst)
            && direction == Direction::FromClient
        {
            shared.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        let block = buffer.get(..length).unwrap_or_default().to_vec();
        if sender.send((due, block)).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
    let _ = from.shutdown(Shutdown::Read);
}

/// Writes a block, or ends the connection where it is to be cut.
fn pass(mut to: &TcpStream, block: &[u8], passed: &mut u64, shared: &Shared, direction: Direction) -> bool {
    let mut controls = shared.controls();
    while controls.stalled && !shared.ended.load(Ordering::SeqCst) {
        controls = shared.changed.wait(controls).unwrap_or_else(PoisonError::into_inner);
    }
    let mut length = block.len();
    let mut ending = None;
    if let Some(cut) = &controls.cut
        && cut.direction == direction
        && *passed + length as u64 >= cut.after
    {
        length = usize::try_from(cut.after.saturating_sub(*passed)).unwrap_or(length);
        ending = Some(cut.ending);
        if cut.often == Often::Once {
            controls.cut = None;
        }
    }
    drop(controls);
    // Counted before it is written: whoever has seen the octets finds them counted.
    *passed += length as u64;
    let counter = if direction == Direction::FromServer { &shared.from_server } else { &shared.from_client };
    counter.fetch_add(length as u64, Ordering::SeqCst);
    let written = to.write_all(block.get(..length).unwrap_or_default()).is_ok();
    if let Some(ending) = ending {
        end(to, ending);
        if direction == Direction::FromClient {
            // The client hears of it by its own end.
            shared.controls().open.drain(..).for_each(|stream| end(&stream, ending));
        }
    }
    written && ending.is_none()
}

fn end(stream: &TcpStream, ending: Ending) {
    if ending == Ending::Reset {
        // Dissolving the association makes the kernel send a reset at once; closing would wait for
        // each copy of the descriptor. On a connection that is gone already there is nothing to end.
        let _ = connect_unspec(stream);
    }
    let _ = stream.shutdown(Shutdown::Both);
}
