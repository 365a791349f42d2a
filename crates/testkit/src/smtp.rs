//! A scripted mail server on loopback: takes messages and remembers them, or refuses recipients as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Doing, Result};

/// The longest line that is read.
const LINE: u64 = 64 * 1024;

/// How the way to the server is encrypted.
#[derive(Debug, Clone)]
pub enum Encryption {
    /// Not at all.
    None,
    /// STARTTLS is offered.
    Offered(Arc<ServerConfig>),
    /// From the first octet.
    Implicit(Arc<ServerConfig>),
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// The message, without the final dot.
    pub message: String,
    /// Whether it came encrypted.
    pub encrypted: bool,
    /// User name and password of the log-in before it.
    pub login: Option<(String, String)>,
}

/// Says what a recipient is refused with, such as `550 unknown`; `None` takes it.
type Refusal = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The server; ends when dropped.
#[derive(Debug)]
pub struct Smtp {
    addr: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
    ended: Arc<AtomicBool>,
}

impl Smtp {
    /// Serves on a free port of 127.0.0.1.
    pub fn start(
        encryption: Encryption,
        refuses: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Smtp> {
        let listener = TcpListener::bind("127.0.0.1:0").doing(|| "starting the mail server".to_owned())?;
        let addr = listener.local_addr().doing(|| "starting the mail server".to_owned())?;
        let smtp = Smtp { addr, taken: Arc::default(), ended: Arc::default() };
        let (taken, ended) = (Arc::clone(&smtp.taken), Arc::clone(&smtp.ended));
        let refuses: Arc<Refusal> = Arc::new(refuses);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (taken, refuses, encryption) =
                    (Arc::clone(&taken), Arc::clone(&refuses), encryption.clone());
                // A client that goes away ends its connection: an error here is no fault.
                thread::spawn(move || serve(stream, encryption, &taken, refuses.as_ref()));
            }
        });
        Ok(smtp)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it took so far.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then sees that it is to end.
        let _ = TcpStream::connect(self.addr);
    }
}

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

fn encrypted(stream: TcpStream, tls: Arc<ServerConfig>) -> std::io::Result<Box<dyn Stream>> {
    let tls = ServerConnection::new(tls).map_err(std::io::Error::other)?;
    Ok(Box::new(StreamOwned::new(tls, stream)))
}

fn serve(
    stream: TcpStream,
    encryption: Encryption,
    taken: &Mutex<Vec<Taken>>,
    refuses: &Refusal,
) -> std::io::Result<()> {
    match encryption {
        Encryption::None => {
            let mut plain = Conversation::new(Box::new(stream), None, false);
            plain.send("220 localhost ESMTP")?;
            plain.hold(taken, refuses).map(drop)
        }
        Encryption::Implicit(tls) => {
            let mut inner = Conversation::new(encrypted(stream, tls)?, None, true);
            inner.send("220 localhost ESMTP")?;
            inner.hold(taken, refuses).map(drop)
        }
        Encryption::Offered(tls) => {
            let again = stream.try_clone()?;
            let mut plain = Conversation::new(Box::new(stream), Some(()), false);
            plain.send("220 localhost ESMTP")?;
            match plain.hold(taken, refuses)? {
                End::Quit => Ok(()),
                End::StartTls => {
                    Conversation::new(encrypted(again, tls)?, None, true).hold(taken, refuses).map(drop)
                }
            }
        }
    }
}

enum End {
    Quit,
    StartTls,
}

struct Conversation {
    stream: BufReader<Box<dyn Stream>>,
    offers_tls: Option<()>,
    encrypted: bool,
    login: Option<(String, String)>,
}

impl Conversation {
    fn new(stream: Box<dyn Stream>, offers_tls: Option<()>, encrypted: bool) -> Conversation {
        Conversation { stream: BufReader::new(stream), offers_tls, encrypted, login: None }
    }

    fn send(&mut self, line: &str) -> std::io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        stream.flush()
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        let read = self.stream.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        Ok((read > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn hold(&mut self, taken: &Mutex<Vec<Taken>>, refuses: &Refusal) -> std::io::Result<End> {
        let (mut from, mut to) = (String::new(), Vec::new());
        while let Some(line) = self.line()? {
            let upper = line.to_ascii_uppercase();
            if upper.starts_with("EHLO") || upper.starts_with("HELO") {
                self.greet()?;
            } else if upper == "STARTTLS" && self.offers_tls.is_some() {
                self.send("220 go on")?;
                return Ok(End::StartTls);
            } else if let Some(word) = upper.starts_with("AUTH PLAIN ").then(|| &line[11..]) {
                self.login = plain_login(word);
                self.send("235 welcome")?;
            } else if upper.starts_with("MAIL FROM:") {
                (from, to) = (address(&line), Vec::new());
                self.send("250 go on")?;
            } else if upper.starts_with("RCPT TO:") {
                match refuses(&address(&line)) {
                    Some(refusal) => self.send(&refusal)?,
                    None => {
                        to.push(address(&line));
                        self.send("250 go on")?;
                    }
                }
            } else if upper == "DATA" {
                self.send("354 go on")?;
                let message = self.message()?;
                let one = Taken {
                    from: from.clone(),
                    to: std::mem::take(&mut to),
                    message,
                    encrypted: self.encrypted,
                    login: self.login.clone(),
                };
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                self.send("250 taken")?;
            } else if upper == "QUIT" {
                self.send("221 bye")?;
                return Ok(End::Quit);
            } else if upper == "RSET" || upper == "NOOP" {
                self.send("250 so be it")?;
            } else {
                self.send("502 what?")?;
            }
        }
        Ok(End::Quit)
    }

    fn greet(&mut self) -> std::io::Result<()> {
        self.send("250-localhost")?;
        if self.offers_tls.is_some() {
            self.send("250-STARTTLS")?;
        }
        self.send("250-8BITMIME")?;
        self.send("250 AUTH PLAIN")
    }

    /// To the line with nothing but a dot; dots that were doubled are single again (RFC 5321, section 4.5.2).
    fn message(&mut self) -> std::io::Result<String> {
        let mut message = String::new();
        while let Some(line) = self.line()?.filter(|line| line != ".") {
            message += line.strip_prefix('.').unwrap_or(&line);
            message += "\r\n";
        }
        Ok(message)
    }
}

/// What stands in angle brackets.
fn address(line: &str) -> String {
    let inner = line.split_once('<').map_or("", |(_, rest)| rest);
    inner.split('>').next().unwrap_or_default().to_owned()
}

/// RFC 4616.
fn plain_login(word: &str) -> Option<(String, String)> {
    let octets = BASE64_STANDARD.decode(word.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let mut parts = text.split('\0').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}
