//! A small HTTPS server on loopback: answers as a test wants and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Doing, Result};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name in the Host header, without port.
    pub host: String,
    /// Path and query.
    pub target: String,
}

/// Status, headers beyond the length, and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    /// 200 with this body.
    pub fn found(body: impl Into<Vec<u8>>) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// 404.
    pub fn not_found() -> Reply {
        Reply { status: 404, headers: Vec::new(), body: b"no".to_vec() }
    }

    /// 302 to there.
    pub fn redirect(location: &str) -> Reply {
        Reply { status: 302, headers: vec![("Location".to_owned(), location.to_owned())], body: Vec::new() }
    }
}

type Answer = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

/// The server; ends when dropped.
#[derive(Debug)]
pub struct Web {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
}

impl Web {
    /// Serves on a free port of 127.0.0.1, and on the same of 127.0.0.2 for tests of who may be connected to. `None` as
    /// answer: the connection stays open and silent.
    pub fn start(
        tls: Arc<ServerConfig>,
        answer: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> Result<Web> {
        let (first, second) = listeners().doing(|| "starting the web server".to_owned())?;
        let addr = first.local_addr().doing(|| "starting the web server".to_owned())?;
        let web = Web { addr, asked: Arc::default(), ended: Arc::default() };
        let answer: Arc<Answer> = Arc::new(answer);
        for listener in [first, second] {
            let (tls, answer) = (Arc::clone(&tls), Arc::clone(&answer));
            let (asked, ended) = (Arc::clone(&web.asked), Arc::clone(&web.ended));
            thread::spawn(move || accept(&listener, &tls, &answer, &asked, &ended));
        }
        Ok(web)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it was asked so far, sorted by host and target.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        asked.sort_by(|a, b| (&a.host, &a.target).cmp(&(&b.host, &b.target)));
        asked
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then sees that it is to end.
        for ip in [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)] {
            let _ = TcpStream::connect((ip, self.addr.port()));
        }
    }
}

fn listeners() -> std::io::Result<(TcpListener, TcpListener)> {
    let mut last = None;
    for _ in 0..20 {
        let first = TcpListener::bind("127.0.0.1:0")?;
        match TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), first.local_addr()?.port())) {
            Ok(second) => return Ok((first, second)),
            // Somebody else has that port there.
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
}

fn accept(
    listener: &TcpListener,
    tls: &Arc<ServerConfig>,
    answer: &Arc<Answer>,
    asked: &Arc<Mutex<Vec<Request>>>,
    ended: &AtomicBool,
) {
    for stream in listener.incoming().flatten() {
        if ended.load(Ordering::SeqCst) {
            return;
        }
        let (tls, asked, answer) = (Arc::clone(tls), Arc::clone(asked), Arc::clone(answer));
        // A client that goes away ends its connection: an error here is no fault.
        thread::spawn(move || serve(stream, tls, &asked, answer.as_ref()));
    }
}

fn serve(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    asked: &Mutex<Vec<Request>>,
    answer: &Answer,
) -> std::io::Result<()> {
    let tls = ServerConnection::new(tls).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(tls, stream));
    let Some(request) = read(&mut stream)? else { return Ok(()) };
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let Some(reply) = answer(&request) else {
        // Until the client has had enough.
        return stream.fill_buf().map(|_| ());
    };
    let mut head = format!(
        "HTTP/1.1 {} x\r\nContent-Length: {}\r\nConnection: close\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let connection = stream.get_mut();
    connection.write_all((head + "\r\n").as_bytes())?;
    connection.write_all(&reply.body)?;
    connection.conn.send_close_notify();
    connection.flush()
}

fn read(stream: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let target = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let header = |line: &String| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned);
    let host = lines.iter().find_map(header).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let length =
        |line: &String| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<u64>().ok();
    // A body that is left unread would reset the connection before the answer has arrived.
    std::io::copy(
        &mut stream.by_ref().take(lines.iter().find_map(length).unwrap_or(0)),
        &mut std::io::sink(),
    )?;
    Ok(Some(Request { host, target }))
}
