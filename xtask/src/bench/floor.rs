//! The floor: what is physically needed and nothing else. It logs in, asks for everything at once, and either writes each
//! message to `tmp`, brings each folder to the disk once and renames, or appends 200 messages at a time to another server.
//!
//! No ledger, no digest, no care: nobody could use it, and nobody can be much faster.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::step::Failure;

/// Messages in one APPEND.
const APPENDED_TOGETHER: usize = 200;

/// Where from, where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    server: SocketAddr,
    #[arg(long)]
    ca: PathBuf,
    /// Each is copied (can be given again)
    #[arg(long)]
    user: Vec<String>,
    #[arg(long)]
    password: String,
    /// For each account; each connection fetches its part of each folder
    #[arg(long, default_value_t = 1)]
    connections: u32,
    /// Accounts copied side by side
    #[arg(long, default_value_t = 1)]
    at_once: usize,
    /// Maildirs go below this directory; without it nothing is copied, only asked whether there is something new
    #[arg(long)]
    to: Option<PathBuf>,
    /// Messages go to this server
    #[arg(long, requires = "to_ca", requires = "to_user")]
    to_server: Option<SocketAddr>,
    #[arg(long)]
    to_ca: Option<PathBuf>,
    #[arg(long)]
    to_user: Option<String>,
}

/// Copies the accounts.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let config = trust(&options.ca)?;
    let next = AtomicUsize::new(0);
    let worker = || -> std::io::Result<()> {
        while let Some(user) = options.user.get(next.fetch_add(1, Ordering::Relaxed)) {
            account(options, user, &config)?;
        }
        Ok(())
    };
    side_by_side(options.at_once, |_| worker()).map_err(|error| format!("the floor: {error}"))
}

/// Runs threads; the first error counts.
fn side_by_side(threads: usize, work: impl Fn(usize) -> std::io::Result<()> + Sync) -> std::io::Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || work(number)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(_) => Err(std::io::Error::other("a thread panicked")),
        })
    })
}

fn account(options: &Options, user: &str, config: &Arc<ClientConfig>) -> std::io::Result<()> {
    let far = |config| Line::open(options.server, user, &options.password, config);
    if let (Some(server), Some(ca), Some(to_user)) = (options.to_server, &options.to_ca, &options.to_user) {
        let near = trust(ca).map_err(std::io::Error::other)?;
        let made = Mutex::new(Vec::new());
        return side_by_side(options.connections as usize, |part| {
            let near = Line::open(server, to_user, &options.password, Arc::clone(&near))?;
            let mut sink = Append { line: near, made: &made, folder: String::new(), open: 0, commands: 0 };
            far(Arc::clone(config))?.copy((part, options.connections), &mut sink)
        });
    }
    let Some(to) = &options.to else {
        let mut line = far(Arc::clone(config))?;
        line.send("F LIST \"\" * RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\r\n")?;
        line.until("F ", |_, _| Ok(()))?;
        return line.send("Q LOGOUT\r\n");
    };
    let to = if options.user.len() > 1 { to.join(user) } else { to.clone() };
    side_by_side(options.connections as usize, |part| {
        far(Arc::clone(config))?
            .copy((part, options.connections), &mut Maildir { to: to.clone(), open: None })
    })
}

fn trust(ca: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", ca.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.map_err(|error| failed(&error))?.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

type Wire = StreamOwned<ClientConnection, BufferedSocket>;

/// A socket that is read 64 kB at a time; rustls asks for 4.
struct BufferedSocket(BufReader<TcpStream>);

impl Read for BufferedSocket {
    fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(octets)
    }
}

impl Write for BufferedSocket {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.get_mut().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.get_mut().flush()
    }
}

/// A connection that is logged in.
struct Line {
    wire: BufReader<Wire>,
}

/// Where messages go.
trait Sink {
    /// A folder begins; its name as the server quotes it.
    fn folder(&mut self, name: &str) -> std::io::Result<()>;
    /// A message of so many octets, with what stood before its body.
    fn message(&mut self, before: &str, size: u64, body: &mut dyn Read) -> std::io::Result<()>;
    /// The folder's end.
    fn end(&mut self) -> std::io::Result<()>;
}

impl Line {
    fn open(
        server: SocketAddr,
        user: &str,
        password: &str,
        config: Arc<ClientConfig>,
    ) -> std::io::Result<Line> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(server.ip());
        let session = ClientConnection::new(config, name).map_err(std::io::Error::other)?;
        let socket = BufferedSocket(BufReader::with_capacity(1 << 16, stream));
        let mut line = Line { wire: BufReader::with_capacity(1 << 17, StreamOwned::new(session, socket)) };
        line.line()?;
        line.send(&format!("L LOGIN {user} {password}\r\n"))?;
        line.until("L ", |_, _| Ok(()))?;
        Ok(line)
    }

    fn send(&mut self, command: &str) -> std::io::Result<()> {
        let stream = self.wire.get_mut();
        stream.write_all(command.as_bytes())?;
        stream.flush()
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut octets = Vec::new();
        self.wire.read_until(b'\n', &mut octets)?;
        if octets.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    /// Reads lines until the tagged one, which has to be OK.
    fn until(
        &mut self,
        tag: &str,
        mut each: impl FnMut(&mut Line, &str) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        loop {
            let line = self.line()?;
            match line.strip_prefix(tag) {
                Some(answer) if answer.starts_with("OK") => return Ok(()),
                Some(answer) => return Err(std::io::Error::other(answer.to_owned())),
                None => each(self, &line)?,
            }
        }
    }

    /// Copies this connection's part of each folder.
    fn copy(mut self, (part, parts): (usize, u32), sink: &mut dyn Sink) -> std::io::Result<()> {
        let part = u32::try_from(part).map_err(std::io::Error::other)?;
        let mut folders = Vec::new();
        self.send("F LIST \"\" *\r\n")?;
        self.until("F ", |_, line| {
            let name = line.rsplit_once("\" ").map(|(_, name)| name.trim().to_owned());
            folders.extend(name.filter(|_| line.starts_with("* LIST") && !line.contains("\\Noselect")));
            Ok(())
        })?;
        for folder in folders {
            self.send(&format!("E EXAMINE {folder}\r\n"))?;
            let mut messages = 0;
            self.until("E ", |_, line| {
                let count = line.strip_prefix("* ").and_then(|rest| rest.trim_end().strip_suffix(" EXISTS"));
                messages = count.and_then(|count| count.parse().ok()).unwrap_or(messages);
                Ok(())
            })?;
            let (first, last) = (messages * part / parts + 1, messages * (part + 1) / parts);
            sink.folder(&folder)?;
            if first <= last {
                self.fetch(first, last, sink)?;
            }
        }
        self.send("Q LOGOUT\r\n")
    }

    fn fetch(&mut self, first: u32, last: u32, sink: &mut dyn Sink) -> std::io::Result<()> {
        self.send(&format!("M FETCH {first}:{last} (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n"))?;
        self.until("M ", |line, text| {
            let Some((before, size)) =
                text.trim_end().strip_suffix('}').and_then(|text| text.rsplit_once('{'))
            else {
                return Ok(());
            };
            let size: u64 = size.parse().map_err(std::io::Error::other)?;
            sink.message(before, size, &mut line.wire.by_ref().take(size))
        })?;
        sink.end()
    }
}

/// A Maildir++.
struct Maildir {
    to: PathBuf,
    open: Option<(PathBuf, Vec<String>)>,
}

impl Sink for Maildir {
    fn folder(&mut self, name: &str) -> std::io::Result<()> {
        let plain = name.trim_matches('"');
        let directory = if plain == "INBOX" { self.to.clone() } else { self.to.join(format!(".{plain}")) };
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(directory.join(name))?;
        }
        self.open = Some((directory, Vec::new()));
        Ok(())
    }

    fn message(&mut self, before: &str, _: u64, body: &mut dyn Read) -> std::io::Result<()> {
        let Some((directory, written)) = &mut self.open else { return Ok(()) };
        // Its own number in the folder is in each line.
        let number = before.split(' ').nth(1).unwrap_or("0");
        let name = format!("1.M{number}.floor");
        let mut file = File::create_new(directory.join("tmp").join(&name))?;
        std::io::copy(body, &mut file)?;
        written.push(name);
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<()> {
        let Some((directory, written)) = self.open.take() else { return Ok(()) };
        let cur = File::open(directory.join("cur"))?;
        rustix::fs::syncfs(&cur)?;
        for name in written {
            std::fs::rename(
                directory.join("tmp").join(&name),
                directory.join("cur").join(format!("{name}:2,")),
            )?;
        }
        cur.sync_all()
    }
}

/// Another server, which has to offer MULTIAPPEND and LITERAL+.
struct Append<'a> {
    line: Line,
    /// Folders that one of the connections made.
    made: &'a Mutex<Vec<String>>,
    folder: String,
    /// Messages in the command on the wire.
    open: usize,
    /// Commands whose answers have not been read.
    commands: usize,
}

impl Append<'_> {
    fn close(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.open) > 0 {
            self.line.send("\r\n")?;
            self.commands += 1;
        }
        Ok(())
    }
}

impl Sink for Append<'_> {
    fn folder(&mut self, name: &str) -> std::io::Result<()> {
        name.clone_into(&mut self.folder);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.iter().any(|made| made == name) || name.trim_matches('"') == "INBOX" {
            return Ok(());
        }
        made.push(name.to_owned());
        self.line.send(&format!("C CREATE {name}\r\n"))?;
        self.line.until("C ", |_, _| Ok(()))
    }

    fn message(&mut self, before: &str, size: u64, body: &mut dyn Read) -> std::io::Result<()> {
        let between = |text: &str, from: &str, to: &str| -> Option<String> {
            let (_, rest) = text.split_once(from)?;
            Some(rest.split_once(to)?.0.to_owned())
        };
        let flags = between(before, "FLAGS (", ")").unwrap_or_default().replace("\\Recent", "");
        let date = between(before, "INTERNALDATE \"", "\"").unwrap_or_default();
        let start = if self.open == 0 { format!("A APPEND {}", self.folder) } else { String::new() };
        let wire = self.line.wire.get_mut();
        write!(wire, "{start} ({}) \"{date}\" {{{size}+}}\r\n", flags.trim())?;
        std::io::copy(body, wire)?;
        self.open += 1;
        if self.open == APPENDED_TOGETHER { self.close() } else { Ok(()) }
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.close()?;
        for _ in 0..std::mem::take(&mut self.commands) {
            self.line.until("A ", |_, _| Ok(()))?;
        }
        Ok(())
    }
}
