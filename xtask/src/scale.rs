//! `cargo xtask scale`: what an import costs as mailboxes grow, from a thousand messages to a million, and as folders multiply.
//!
//! The old server is made up on the spot: it keeps no mail, every message is written when it is asked for, and it costs next to
//! nothing itself. What is measured is mailimport, its ledger and the disk below /var/tmp. Nothing here is a test.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::bench::measure::{self, Cost};
use crate::bench::programs;
use crate::step::{Failure, announce};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The largest mailbox; a million needs 6 GB below /var/tmp
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    messages: u32,
}

/// A made-up mailbox.
#[derive(Debug, Clone, Copy)]
struct Mailbox {
    folders: u32,
    /// In each folder.
    messages: u32,
}

/// Octets of a made-up message, about.
const SIZE: usize = 1_000;

/// Measures, and prints a table.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let programs = programs()?;
    let directory = tempfile::Builder::new().prefix("mis").tempdir_in("/var/tmp");
    let directory = directory.map_err(|error| error.to_string())?;
    let one = |messages| Mailbox { folders: 1, messages };
    let mut mailboxes: Vec<Mailbox> = [1_000, 10_000, 100_000, 1_000_000].map(one).into();
    mailboxes.extend([100, 1_000].map(|folders| Mailbox { folders, messages: 10 }));
    mailboxes.retain(|mailbox| mailbox.folders * mailbox.messages <= options.messages);
    let mut table = String::from(
        "| folders | messages | first import | a message | CPU | memory | ledger | again | memory |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for mailbox in mailboxes {
        let all = mailbox.folders * mailbox.messages;
        announce(&format!("{} folders, {all} messages", mailbox.folders));
        let server = serve(mailbox).map_err(|error| error.to_string())?;
        let place = directory.path().join(format!("{}-{all}", mailbox.folders));
        let import = || import(&programs.mailimport, server, &place, directory.path());
        let (first, again) = (import()?, import()?);
        let ledger = std::fs::metadata(place.join("mailimport-ledger.db")).map_or(0, |file| file.len());
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{}", line(mailbox, &first, &again, ledger));
    }
    println!("{table}");
    Ok(())
}

fn import(
    program: &Path,
    server: std::net::SocketAddr,
    place: &Path,
    scratch: &Path,
) -> Result<Cost, Failure> {
    let mut command = Command::new(program);
    command.args(["import", "--quiet", "--allow-plaintext"]);
    command.arg(format!("imap://made-up@{server}")).arg(format!("maildir:{}", place.display()));
    command.env("MAILIMPORT_SOURCE_PASSWORD", "made-up");
    rustix::fs::sync();
    measure::run(&mut command, scratch)
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn line(mailbox: Mailbox, first: &Cost, again: &Cost, ledger: u64) -> String {
    let all = mailbox.folders * mailbox.messages;
    format!(
        "| {} | {all} | {:.2} s | {:.0} µs | {:.2} s | {:.0} MiB | {:.1} MB | {:.2} s | {:.0} MiB |",
        mailbox.folders,
        first.wall,
        first.wall / f64::from(all) * 1e6,
        first.cpu,
        first.memory,
        ledger as f64 / 1e6,
        again.wall,
        again.memory
    )
}

/// Starts the server; it ends with this program.
fn serve(mailbox: Mailbox) -> std::io::Result<std::net::SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || Session::new(stream, mailbox).and_then(Session::run));
        }
    });
    Ok(address)
}

struct Session {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
    mailbox: Mailbox,
}

const CAPABILITIES: &str =
    "IMAP4rev1 SASL-IR AUTH=PLAIN ID NAMESPACE LITERAL+ LIST-EXTENDED LIST-STATUS STATUS=SIZE CONDSTORE";

impl Session {
    fn new(stream: TcpStream, mailbox: Mailbox) -> std::io::Result<Session> {
        stream.set_nodelay(true)?;
        let reader = BufReader::with_capacity(1 << 16, stream.try_clone()?);
        Ok(Session { reader, writer: BufWriter::with_capacity(1 << 17, stream), mailbox })
    }

    fn run(mut self) -> std::io::Result<()> {
        write!(self.writer, "* OK [CAPABILITY {CAPABILITIES}] made up\r\n")?;
        self.writer.flush()?;
        let mut line = String::new();
        while self.reader.read_line(&mut line)? > 0 {
            let mut words = line.trim_end().splitn(3, ' ');
            let (tag, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let rest = words.next().unwrap_or_default();
            self.answer(&name.to_ascii_uppercase(), rest)?;
            write!(self.writer, "{tag} OK done\r\n")?;
            // More of the same is on its way already: one packet for all.
            if self.reader.buffer().is_empty() {
                self.writer.flush()?;
            }
            line.clear();
        }
        Ok(())
    }

    fn answer(&mut self, name: &str, rest: &str) -> std::io::Result<()> {
        let Mailbox { folders, messages } = self.mailbox;
        match name {
            "CAPABILITY" => write!(self.writer, "* CAPABILITY {CAPABILITIES}\r\n"),
            "ID" => write!(self.writer, "* ID NIL\r\n"),
            "NAMESPACE" => write!(self.writer, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"),
            "LOGOUT" => write!(self.writer, "* BYE done\r\n"),
            "LIST" => (0..folders).try_for_each(|number| {
                let folder = if number == 0 { "INBOX".to_owned() } else { format!("\"Folder {number}\"") };
                write!(
                    self.writer,
                    "* LIST (\\HasNoChildren \\Subscribed) \"/\" {folder}\r\n* STATUS {folder} (MESSAGES {messages} UIDVALIDITY 1 \
                     UIDNEXT {} HIGHESTMODSEQ 7 SIZE {})\r\n",
                    messages + 1,
                    messages as usize * SIZE
                )
            }),
            "EXAMINE" => write!(
                self.writer,
                "* FLAGS (\\Seen)\r\n* {messages} EXISTS\r\n* OK [UIDVALIDITY 1] -\r\n* OK [UIDNEXT {}] -\r\n\
                 * OK [HIGHESTMODSEQ 7] -\r\n",
                messages + 1
            ),
            "UID" if !rest.contains("CHANGEDSINCE") => self.fetch(rest.trim_start_matches("FETCH ")),
            _ => Ok(()),
        }
    }

    fn fetch(&mut self, rest: &str) -> std::io::Result<()> {
        let (set, items) = rest.split_once(' ').unwrap_or_default();
        let with_body = items.contains("BODY.PEEK[]");
        for range in set.split(',') {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            let number = |text: &str| text.parse().unwrap_or(self.mailbox.messages);
            for uid in number(first)..=number(last) {
                write!(self.writer, "* {uid} FETCH (UID {uid} FLAGS (\\Seen)")?;
                if with_body {
                    let message = message(uid);
                    write!(
                        self.writer,
                        " INTERNALDATE \" 1-Feb-2024 10:00:00 +0000\" RFC822.SIZE {size} BODY[] {{{size}}}\r\n{message}",
                        size = message.len()
                    )?;
                }
                self.writer.write_all(b")\r\n")?;
            }
        }
        Ok(())
    }
}

fn message(uid: u32) -> String {
    let head = format!("From: <a@example.org>\r\nSubject: number {uid}\r\n\r\n");
    let body = "Nothing is said here, in a line as long as lines are.\r\n".repeat((SIZE - head.len()) / 55);
    head + &body
}
