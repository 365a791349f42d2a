//! A scripted IMAP server: it serves a virtual account correctly, and single answers can be replaced by
//! whatever a strange server might say.
//!
//! It watches that an importer only reads: a command that would change the source is a violation, which
//! fails the test at the latest when the server is dropped.

mod answers;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Doing, Result};

/// The longest command, in octets, literals included.
const COMMAND_LIMIT: u64 = 1 << 20;

/// How long the end waits for connections to be read to their end.
const DRAIN: Duration = Duration::from_secs(2);

/// A message of the virtual account.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its UID.
    pub uid: u32,
    /// Flags and keywords.
    pub flags: Vec<String>,
    /// INTERNALDATE in seconds since 1970, UTC.
    pub internal_date: i64,
    /// The octets of `BODY[]`.
    pub bytes: Vec<u8>,
    /// FETCH items of an extension with their values, such as `X-GM-MSGID` and `17`.
    pub items: Vec<(String, String)>,
    /// Sent, between `* ` and CRLF, instead of each FETCH response for this message, when set.
    pub response: Option<Vec<u8>>,
}

impl Message {
    /// An unread message.
    #[must_use]
    pub fn new(uid: u32, bytes: &[u8]) -> Self {
        let internal_date = 1_500_000_000 + i64::from(uid);
        let (flags, items) = (Vec::new(), Vec::new());
        Self { uid, flags, internal_date, bytes: bytes.to_vec(), items, response: None }
    }
}

/// A folder of the virtual account.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The name on the wire.
    pub wire: String,
    /// LIST attributes, such as `\Sent`.
    pub attributes: Vec<String>,
    /// Whether LSUB shows it.
    pub subscribed: bool,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// Its messages, in the order of their UIDs.
    pub messages: Vec<Message>,
}

impl Folder {
    /// A subscribed folder with UIDVALIDITY 1.
    #[must_use]
    pub fn new(wire: &str, messages: Vec<Message>) -> Self {
        Self { wire: wire.to_owned(), attributes: Vec::new(), subscribed: true, uid_validity: 1, messages }
    }
}

/// What the scripted server serves; it may be changed while it runs.
#[derive(Debug, Clone)]
pub struct VirtualAccount {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The capabilities, before and after log-in.
    pub capability: String,
    /// The prefix of the personal namespace.
    pub prefix: String,
    /// The hierarchy delimiter.
    pub delimiter: char,
    /// Its folders.
    pub folders: Vec<Folder>,
}

impl VirtualAccount {
    /// User `alice`, password `pw`, separator `/`, capabilities that the virtual account keeps.
    #[must_use]
    pub fn new(folders: Vec<Folder>) -> Self {
        Self {
            user: "alice".to_owned(),
            password: "pw".to_owned(),
            capability: "IMAP4rev1 LITERAL+ NAMESPACE ID UIDPLUS AUTH=PLAIN".to_owned(),
            prefix: String::new(),
            delimiter: '/',
            folders,
        }
    }

    /// A folder by its wire name.
    pub fn folder(&mut self, wire: &str) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.wire == wire)
    }
}

/// A command as a client sent it.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its tag.
    pub tag: String,
    /// Its name in upper case, with `UID ` before it where the client sent that.
    pub name: String,
    /// All after the name; literals stand in place as quoted strings.
    pub arguments: String,
    /// The folder that was open on its connection.
    pub folder: Option<String>,
    /// Which connection it came on, counted from 1.
    pub connection: usize,
    /// How often this name has come, over all connections, this time included.
    pub count: usize,
    /// Whether it came encrypted.
    pub encrypted: bool,
    /// Whether the client sent more behind it without waiting for the answer; known to rules where the script says
    /// [`Script::listens_on`].
    pub more_waits: bool,
}

/// What a rule does with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What the virtual account answers.
    Usual,
    /// These octets; `{tag}` stands for the command's tag.
    Send(Vec<u8>),
    /// These octets, and the connection ends.
    SendAndClose(Vec<u8>),
    /// These octets, and then what the virtual account answers.
    SendThenUsual(Vec<u8>),
    /// These octets, and from then on not a word, whatever the client says, until it leaves.
    SendAndFallSilent(Vec<u8>),
    /// These octets one by one, with a pause after each.
    Trickle(Vec<u8>, Duration),
    /// More than anybody wants to hear.
    Flood(Flood),
}

/// Octets that are made while they are sent, so that they may be more than fit into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flood {
    /// What comes first; `{tag}` stands for the command's tag.
    pub first: Vec<u8>,
    /// What comes again and again; `{n}` stands for how often it has come before.
    pub again: Vec<u8>,
    /// How often; [`u64::MAX`] is until the client leaves.
    pub times: u64,
    /// What comes last; `{tag}` stands for the command's tag.
    pub last: Vec<u8>,
}

impl Flood {
    /// First this text, and then the other one until the client leaves.
    #[must_use]
    pub fn endless(first: &str, again: &str) -> Self {
        let (first, again) = (first.as_bytes().to_vec(), again.as_bytes().to_vec());
        Self { first, again, times: u64::MAX, last: Vec::new() }
    }

    fn pour(&self, tag: &str, mut send: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
        const BLOCK: usize = 1 << 16;
        let numbered = self.again.windows(3).any(|three| three == b"{n}");
        let mut block = replace(&self.first, b"{tag}", tag.as_bytes());
        for n in 0..self.times {
            match numbered {
                true => block.extend(replace(&self.again, b"{n}", n.to_string().as_bytes())),
                false => block.extend_from_slice(&self.again),
            }
            if block.len() >= BLOCK {
                send(&block)?;
                block.clear();
            }
        }
        block.extend(replace(&self.last, b"{tag}", tag.as_bytes()));
        send(&block)
    }
}

impl Answer {
    /// Sends this text; `{tag}` stands for the command's tag.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Send(text.as_bytes().to_vec())
    }
}

/// A gate that a rule can wait at, so that a test decides when an answer comes and not the clock.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Waits until the gate is open.
    pub fn wait(&self) {
        let (open, changed) = &*self.0;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        while !*open {
            open = changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets everyone pass from now on.
    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

type Rule = Box<dyn Fn(&Command) -> Answer + Send + Sync>;

/// What is said, besides the virtual account.
pub struct Script {
    greeting: Answer,
    tls: Option<Arc<rustls::ServerConfig>>,
    /// What to encrypt with after STARTTLS, and the capabilities until then.
    start_tls: Option<(Arc<rustls::ServerConfig>, String)>,
    /// Which commands it waits after for more, and how long.
    listens: Option<(String, Duration)>,
    rules: Vec<(String, Rule)>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.rules.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Script").field("rules", &names).finish_non_exhaustive()
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            greeting: Answer::text("* OK ready\r\n"),
            tls: None,
            start_tls: None,
            listens: None,
            rules: Vec::new(),
        }
    }
}

impl Script {
    /// Greets with these octets instead.
    #[must_use]
    pub fn greeting(self, octets: &[u8]) -> Self {
        self.greets(Answer::Send(octets.to_vec()))
    }

    /// Greets in this way instead.
    #[must_use]
    pub fn greets(mut self, greeting: Answer) -> Self {
        self.greeting = greeting;
        self
    }

    /// Offers STARTTLS, and until then these capabilities.
    #[must_use]
    pub fn start_tls(mut self, config: Arc<rustls::ServerConfig>, before: &str) -> Self {
        self.start_tls = Some((config, before.to_owned()));
        self
    }

    /// Speaks TLS from the first octet.
    #[must_use]
    pub fn tls(mut self, config: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Waits so long after each command of this name, whether another one comes before the answer.
    #[must_use]
    pub fn listens_on(mut self, name: &str, patience: Duration) -> Self {
        self.listens = Some((name.to_owned(), patience));
        self
    }

    /// Asks `rule` about each command of this name (`UID FETCH`, `LOGIN`); the first rule that does not
    /// say [`Answer::Usual`] decides.
    #[must_use]
    pub fn on(mut self, name: &str, rule: impl Fn(&Command) -> Answer + Send + Sync + 'static) -> Self {
        self.rules.push((name.to_owned(), Box::new(rule)));
        self
    }
}

impl Script {
    /// Asks the rules so far only about commands for which this holds.
    #[must_use]
    pub fn only_when(mut self, holds: impl Fn(&Command) -> bool + Send + Sync + 'static) -> Self {
        let holds = Arc::new(holds);
        let guarded = |(name, rule): (String, Rule)| {
            let holds = Arc::clone(&holds);
            let guarded: Rule =
                Box::new(move |command| if holds(command) { rule(command) } else { Answer::Usual });
            (name, guarded)
        };
        self.rules = self.rules.into_iter().map(guarded).collect();
        self
    }
}

#[derive(Debug)]
struct Shared {
    account: Mutex<VirtualAccount>,
    script: Script,
    record: Mutex<Record>,
    /// A connection has been read to its end.
    quieter: Condvar,
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Record {
    commands: Vec<Command>,
    counts: BTreeMap<String, usize>,
    violations: Vec<String>,
    connections: usize,
    /// Connections that have not been read to their end.
    serving: usize,
    open: Vec<TcpStream>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running scripted server.
#[derive(Debug)]
pub struct Scripted {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Serves the account on a free loopback port, each connection in its own thread.
    pub fn start(account: VirtualAccount, script: Script) -> Result<Self> {
        let listener =
            TcpListener::bind("127.0.0.1:0").doing(|| "starting the scripted server".to_owned())?;
        let addr = listener.local_addr().doing(|| "starting the scripted server".to_owned())?;
        let shared = Arc::new(Shared {
            account: Mutex::new(account),
            script,
            record: Mutex::default(),
            quieter: Condvar::new(),
            ended: AtomicBool::new(false),
        });
        let heard = Arc::clone(&shared);
        let accepting = Some(thread::spawn(move || accept(&listener, &heard)));
        Ok(Self { addr, shared, accepting })
    }

    /// Where to connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The virtual account, to look at or to change while clients are connected.
    pub fn account(&self) -> MutexGuard<'_, VirtualAccount> {
        lock(&self.shared.account)
    }

    /// The commands so far, over all connections.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        lock(&self.shared.record).commands.clone()
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.shared.record).connections
    }

    /// Commands so far that would have changed the source.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.record).violations.clone()
    }

    /// Takes the violations away, for a test that provokes them.
    pub fn forgive(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.record).violations)
    }

    /// Ends the server; panics when a client tried to change something.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then sees that it is to end.
        let _ = TcpStream::connect(self.addr);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let violations = {
            let mut record = lock(&self.shared.record);
            for stream in record.open.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
            // What a client sent last is read too; a rule that waits for its gate is not waited for.
            let quiet = self.shared.quieter.wait_timeout_while(record, DRAIN, |record| record.serving > 0);
            quiet.unwrap_or_else(PoisonError::into_inner).0.violations.clone()
        };
        if !thread::panicking() {
            assert!(violations.is_empty(), "a client tried to change the source: {violations:?}");
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        welcome(stream, shared);
        if shared.ended.load(Ordering::SeqCst) {
            // Who had connected until then is heard, too.
            let _ = listener.set_nonblocking(true);
            while let Ok((stream, _)) = listener.accept() {
                welcome(stream, shared);
            }
            return;
        }
    }
}

fn welcome(stream: TcpStream, shared: &Arc<Shared>) {
    let number = {
        let mut record = lock(&shared.record);
        record.connections += 1;
        record.serving += 1;
        record.open.extend(stream.try_clone());
        record.connections
    };
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        // A client that goes away ends its connection: an error here is no fault.
        let _ = serve(&stream, number, &shared);
        lock(&shared.record).serving -= 1;
        shared.quieter.notify_all();
    });
}

fn serve(stream: &TcpStream, number: usize, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let encrypted = |config: &Arc<rustls::ServerConfig>| -> std::io::Result<_> {
        let tls = rustls::ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
        let io = BufReader::new(rustls::StreamOwned::new(tls, stream));
        Ok(Connection { io, stream, number, shared, selected: None, encrypted: true })
    };
    if let Some(config) = &shared.script.tls {
        return encrypted(config)?.serve(true).map(|_| ());
    }
    let plain =
        Connection { io: BufReader::new(stream), stream, number, shared, selected: None, encrypted: false };
    match (plain.serve(true)?, &shared.script.start_tls) {
        (End::StartTls, Some((config, _))) => encrypted(config)?.serve(false).map(|_| ()),
        _ => Ok(()),
    }
}

/// How the talk on a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    /// It goes on encrypted.
    StartTls,
}

/// What a rule's answer leaves to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// What the virtual account answers.
    Before,
    /// Nothing.
    Instead,
    /// Nothing ever again.
    Last,
}

struct Connection<'a, S> {
    io: BufReader<S>,
    stream: &'a TcpStream,
    number: usize,
    shared: &'a Shared,
    selected: Option<String>,
    encrypted: bool,
}

impl<S: Read + Write> Connection<'_, S> {
    /// Talks; at the end what the client had sent already is noted too, so that no violation is missed.
    fn serve(mut self, greet: bool) -> std::io::Result<End> {
        let ended = self.talk(greet);
        if matches!(ended, Ok(End::StartTls)) {
            return ended;
        }
        self.stream.shutdown(Shutdown::Both)?;
        while self.read_command()?.is_some() {}
        ended
    }

    fn talk(&mut self, greet: bool) -> std::io::Result<End> {
        let shared = self.shared;
        if greet && self.say(&shared.script.greeting, "")? == Said::Last {
            return Ok(End::Closed);
        }
        while let Some(mut command) = self.read_command()? {
            command.more_waits = self.more_waits(&command)?;
            let answer = self.decide(&command);
            match self.say(&answer, &command.tag)? {
                Said::Last => return Ok(End::Closed),
                Said::Instead => {
                    if matches!(&answer, Answer::Send(octets) if command.name == "EXAMINE" && is_ok(octets)) {
                        // However it is described, the folder is open.
                        answers::answer(&lock(&shared.account), &mut self.selected, &command);
                    }
                    continue;
                }
                Said::Before => {}
            }
            if command.name == "STARTTLS" && shared.script.start_tls.is_some() && !self.encrypted {
                self.send(format!("{} OK go on\r\n", command.tag).as_bytes())?;
                return Ok(End::StartTls);
            }
            if command.name == "AUTHENTICATE" && !command.arguments.contains(' ') {
                self.send(b"+ \r\n")?;
                let line = self.read_line()?;
                let whole =
                    Command { arguments: format!("{} {}", command.arguments, line.trim_end()), ..command };
                self.usual(&whole)?;
                continue;
            }
            self.usual(&command)?;
            if command.name == "LOGOUT" {
                return Ok(End::Closed);
            }
        }
        Ok(End::Closed)
    }

    fn say(&mut self, answer: &Answer, tag: &str) -> std::io::Result<Said> {
        let filled = |octets: &[u8]| replace(octets, b"{tag}", tag.as_bytes());
        match answer {
            Answer::Usual => return Ok(Said::Before),
            Answer::SendThenUsual(octets) => return self.send(&filled(octets)).map(|()| Said::Before),
            Answer::SendAndClose(octets) => return self.send(&filled(octets)).map(|()| Said::Last),
            Answer::SendAndFallSilent(octets) => {
                self.send(&filled(octets))?;
                while self.read_command()?.is_some() {}
                return Ok(Said::Last);
            }
            Answer::Send(octets) => self.send(&filled(octets))?,
            Answer::Trickle(octets, pause) => {
                for octet in filled(octets) {
                    self.send(&[octet])?;
                    thread::sleep(*pause);
                }
            }
            Answer::Flood(flood) => flood.pour(tag, |octets| self.send(octets))?,
        }
        Ok(Said::Instead)
    }

    fn more_waits(&mut self, command: &Command) -> std::io::Result<bool> {
        let listens = self.shared.script.listens.as_ref().filter(|(name, _)| *name == command.name);
        let Some((_, patience)) = listens else { return Ok(false) };
        self.stream.set_read_timeout(Some(*patience))?;
        let more = self.io.fill_buf().is_ok_and(|octets| !octets.is_empty());
        self.stream.set_read_timeout(None)?;
        Ok(more)
    }

    fn usual(&mut self, command: &Command) -> std::io::Result<()> {
        let octets = answers::answer(&lock(&self.shared.account), &mut self.selected, command);
        self.send(&octets)
    }

    fn decide(&self, command: &Command) -> Answer {
        if let Some((_, before)) = &self.shared.script.start_tls
            && command.name == "CAPABILITY"
            && !self.encrypted
        {
            return Answer::text(&format!("* CAPABILITY {before}\r\n{{tag}} OK done\r\n"));
        }
        let rules = self.shared.script.rules.iter().filter(|(name, _)| *name == command.name);
        rules.map(|(_, rule)| rule(command)).find(|answer| *answer != Answer::Usual).unwrap_or(Answer::Usual)
    }

    fn send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.io.get_mut().write_all(octets)?;
        self.io.get_mut().flush()
    }

    fn read_line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        (&mut self.io).take(COMMAND_LIMIT).read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn read_command(&mut self) -> std::io::Result<Option<Command>> {
        let mut text = self.read_line()?;
        if text.is_empty() {
            return Ok(None);
        }
        // RFC 9051, 4.3: a literal announces its size; `+` means that the client does not wait.
        while let Some((before, size, waits)) = announced(&text) {
            if waits {
                self.send(b"+ go on\r\n")?;
            }
            let mut octets = Vec::new();
            (&mut self.io).take(size.min(COMMAND_LIMIT)).read_to_end(&mut octets)?;
            let inner = String::from_utf8_lossy(&octets).replace('\\', "\\\\").replace('"', "\\\"");
            text = format!("{before}\"{inner}\"{}", self.read_line()?);
        }
        Ok(Some(self.note(text.trim_end_matches(['\r', '\n']))))
    }

    fn note(&self, text: &str) -> Command {
        let (tag, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (name, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
        let (mut name, mut arguments) = (name.to_ascii_uppercase(), arguments);
        if name == "UID" {
            let (second, after) = arguments.split_once(' ').unwrap_or((arguments, ""));
            name = format!("UID {}", second.to_ascii_uppercase());
            arguments = after;
        }
        let mut record = lock(&self.shared.record);
        let count = record.counts.entry(name.clone()).or_default();
        *count += 1;
        let count = *count;
        let (tag, arguments) = (tag.to_owned(), arguments.to_owned());
        let (folder, connection) = (self.selected.clone(), self.number);
        let (encrypted, more_waits) = (self.encrypted, false);
        let command = Command { tag, name, arguments, folder, connection, count, encrypted, more_waits };
        if writes(&command) {
            record.violations.push(format!("{} {}", command.name, command.arguments));
        }
        record.commands.push(command.clone());
        command
    }
}

/// Whether the command changes the source, `\Seen` included.
fn writes(command: &Command) -> bool {
    let name = command.name.strip_prefix("UID ").unwrap_or(&command.name);
    let arguments = command.arguments.to_ascii_uppercase();
    match name {
        "SELECT" | "STORE" | "EXPUNGE" | "APPEND" | "CREATE" | "DELETE" | "RENAME" | "COPY" | "MOVE"
        | "SUBSCRIBE" | "UNSUBSCRIBE" | "SETACL" | "SETMETADATA" | "SETQUOTA" => true,
        "FETCH" => {
            let mut words = arguments.split([' ', '(', ')']);
            // RFC 3501, 6.4.5: these set \Seen; RFC822.SIZE and RFC822.HEADER do not.
            words.any(|word| {
                word.starts_with("BODY[")
                    || word.starts_with("BINARY[")
                    || matches!(word, "RFC822" | "RFC822.TEXT")
            })
        }
        _ => false,
    }
}

/// Whether a rule's answer ends the command well.
fn is_ok(octets: &[u8]) -> bool {
    octets.windows(8).any(|eight| eight == b"{tag} OK")
}

fn announced(text: &str) -> Option<(&str, u64, bool)> {
    let inner = text.trim_end_matches(['\r', '\n']).strip_suffix('}')?;
    let (before, size) = inner.rsplit_once('{')?;
    let waits = !size.ends_with(['+', '-']);
    Some((before, size.trim_end_matches(['+', '-']).parse().ok()?, waits))
}

fn replace(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}
