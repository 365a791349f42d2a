//! A small blocking IMAP client for the judge and the factory: plain text on loopback only.
//!
//! It reads what a server says without interpreting more than it must, and never keeps a large body in
//! memory: literals are digested (SHA-256) while they arrive.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{Doing, Error, Result, mutf7};

/// The longest line and the largest kept literal, in octets.
const LINE_LIMIT: usize = 1 << 20;

/// A digest of octets (SHA-256).
pub type Sha = [u8; 32];

/// A part of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Octets of a line.
    Text(Vec<u8>),
    /// A literal.
    Literal {
        /// Its length in octets.
        size: u64,
        /// Its digest.
        digest: Sha,
        /// The octets, when the client keeps literals.
        bytes: Option<Vec<u8>>,
    },
}

/// What came between a command and its tagged answer.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The untagged responses, without `* `.
    pub untagged: Vec<Vec<Part>>,
    /// The tagged answer, without the tag.
    pub tagged: String,
}

impl Reply {
    /// The untagged responses as text; literals that were kept stand in place.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.untagged.iter().map(|parts| text_of(parts)).collect()
    }
}

/// A message as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its UID.
    pub uid: u32,
    /// The length of `BODY[]` in octets.
    pub size: u64,
    /// The SHA-256 of `BODY[]`.
    pub digest: Sha,
    /// The octets of `BODY[]`, when the client keeps literals.
    pub bytes: Option<Vec<u8>>,
    /// System flags (they begin with a backslash), without `\Recent`.
    pub flags: BTreeSet<String>,
    /// Keywords.
    pub keywords: BTreeSet<String>,
    /// INTERNALDATE in seconds since 1970, UTC.
    pub internal_date: i64,
}

/// A folder as LIST or LSUB shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The name on the wire.
    pub wire: String,
    /// The Unicode levels of the name, without the personal namespace's prefix.
    pub path: Vec<String>,
    /// Whether it can be selected.
    pub selectable: bool,
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<TcpStream>,
    tag: u32,
    capability: String,
    prefix: String,
    delimiter: String,
    /// Whether literals are kept in memory besides being digested; on from the start.
    keep: bool,
}

impl Client {
    /// Connects, reads the greeting, logs in and asks for the personal namespace.
    pub fn login(addr: SocketAddr, user: &str, password: &str) -> Result<Self> {
        let mut client = Self::connect(addr)?;
        let command = format!("LOGIN {} {}", quote(user), quote(password));
        let reply = client.exchange(command.as_bytes())?;
        ok("LOGIN", &reply)?;
        client.capability = client.command("CAPABILITY")?.lines().join(" ").to_ascii_uppercase();
        client.learn_namespace()?;
        Ok(client)
    }

    /// Connects and reads the greeting.
    pub fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).doing(|| format!("connecting to {addr}"))?;
        for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            set(&stream, Some(Duration::from_secs(120))).doing(|| "setting a time limit".to_owned())?;
        }
        stream.set_nodelay(true).doing(|| "setting up the connection".to_owned())?;
        let reader = BufReader::with_capacity(1 << 18, stream);
        let mut client = Self {
            reader,
            tag: 0,
            capability: String::new(),
            prefix: String::new(),
            delimiter: String::new(),
            keep: true,
        };
        let greeting = client.read_line()?;
        if !greeting.starts_with(b"* OK") && !greeting.starts_with(b"* PREAUTH") {
            return Err(Error::Unreadable(String::from_utf8_lossy(&greeting).into_owned()));
        }
        Ok(client)
    }

    /// From now on literals are digested only, so that large bodies cost no memory.
    pub fn digest_only(&mut self) {
        self.keep = false;
    }

    /// The capabilities after log-in, upper case.
    #[must_use]
    pub fn capability(&self) -> &str {
        &self.capability
    }

    /// The hierarchy delimiter; empty when the server has none.
    #[must_use]
    pub fn delimiter(&self) -> &str {
        &self.delimiter
    }

    /// Sends a command and reads its reply; an error unless the answer is OK.
    pub fn command(&mut self, command: &str) -> Result<Reply> {
        let reply = self.exchange(command.as_bytes())?;
        ok(command, &reply)?;
        Ok(reply)
    }

    /// Sends a command and gives its reply whatever the answer is.
    pub fn raw(&mut self, command: &[u8]) -> Result<Reply> {
        self.exchange(command)
    }

    /// The wire name of a folder given by its Unicode levels; `INBOX` alone is the inbox.
    pub fn wire_name(&self, path: &[&str]) -> Result<String> {
        if let [only] = path
            && only.eq_ignore_ascii_case("INBOX")
        {
            return Ok("INBOX".to_owned());
        }
        if let Some(level) = path.iter().find(|level| {
            level.is_empty() || (!self.delimiter.is_empty() && level.contains(self.delimiter.as_str()))
        }) {
            return Err(Error::Unstorable(format!(
                "folder level {level:?} with delimiter {:?}",
                self.delimiter
            )));
        }
        let levels: Vec<String> = path.iter().map(|level| mutf7::encode(level)).collect();
        Ok(self.prefix.clone() + &levels.join(&self.delimiter))
    }

    /// Creates a folder; one that exists already is fine.
    pub fn create(&mut self, wire: &str) -> Result<()> {
        let command = format!("CREATE {}", quote(wire));
        let reply = self.exchange(command.as_bytes())?;
        if reply.tagged.starts_with("NO") && reply.tagged.to_ascii_lowercase().contains("exists") {
            return Ok(());
        }
        ok(&command, &reply)
    }

    /// Subscribes to a folder.
    pub fn subscribe(&mut self, wire: &str) -> Result<()> {
        self.command(&format!("SUBSCRIBE {}", quote(wire))).map(drop)
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, wire: &str) -> Result<()> {
        self.command(&format!("UNSUBSCRIBE {}", quote(wire))).map(drop)
    }

    /// All folders of the personal namespace.
    pub fn list(&mut self) -> Result<Vec<Folder>> {
        self.folders("LIST")
    }

    /// All subscribed folders.
    pub fn lsub(&mut self) -> Result<Vec<Folder>> {
        self.folders("LSUB")
    }

    /// Selects a folder for writing; the number of messages in it.
    pub fn select(&mut self, wire: &str) -> Result<u32> {
        self.open("SELECT", wire)
    }

    /// Opens a folder for reading; the number of messages in it.
    pub fn examine(&mut self, wire: &str) -> Result<u32> {
        self.open("EXAMINE", wire)
    }

    /// One number of STATUS, such as `UIDVALIDITY`.
    pub fn status(&mut self, wire: &str, item: &str) -> Result<u64> {
        let lines = self.command(&format!("STATUS {} ({item})", quote(wire)))?.lines();
        let found = lines.iter().find_map(|line| {
            let (_, after) = line.rsplit_once(&format!("{item} "))?;
            after.trim_end_matches([')', ' ']).parse().ok()
        });
        found.ok_or_else(|| Error::Unreadable(lines.join(" / ")))
    }

    /// Appends a message; the date is in seconds since 1970. An error when the server refuses it.
    pub fn append(&mut self, wire: &str, flags: &[&str], internal_date: i64, bytes: &[u8]) -> Result<()> {
        let plus = if self.capability.contains("LITERAL+") { "+" } else { "" };
        let command = format!(
            "APPEND {} ({}) \"{}\" {{{}{plus}}}",
            quote(wire),
            flags.join(" "),
            format_date(internal_date),
            bytes.len()
        );
        let tag = self.send_line(command.as_bytes())?;
        if plus.is_empty() {
            let line = self.read_line()?;
            if !line.starts_with(b"+") {
                let answer = String::from_utf8_lossy(&line).trim_end().to_owned();
                return Err(Error::Refused { command, answer });
            }
        }
        self.write(bytes)?;
        self.write(b"\r\n")?;
        let reply = self.read_reply(&tag)?;
        ok(&command, &reply)
    }

    /// Changes flags of messages: `what` is `+FLAGS`, `-FLAGS` or `FLAGS`.
    pub fn store(&mut self, uids: &str, what: &str, flags: &str) -> Result<()> {
        self.command(&format!("UID STORE {uids} {what} ({flags})")).map(drop)
    }

    /// Marks messages as deleted and expunges all that are.
    pub fn expunge(&mut self, uids: &str) -> Result<()> {
        self.store(uids, "+FLAGS", "\\Deleted")?;
        self.command("EXPUNGE").map(drop)
    }

    /// All messages of a folder in the order of their UIDs; the folder is opened for reading.
    pub fn fetch_all(&mut self, wire: &str) -> Result<Vec<Message>> {
        if self.examine(wire)? == 0 {
            return Ok(Vec::new());
        }
        let reply = self.command("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")?;
        let mut messages = Vec::new();
        for parts in &reply.untagged {
            // A FETCH without a body reports a flag change by another client.
            if let Some(message) = parse_fetch(parts)? {
                messages.push(message);
            }
        }
        messages.sort_by_key(|message| message.uid);
        Ok(messages)
    }

    fn learn_namespace(&mut self) -> Result<()> {
        if self.capability.contains("NAMESPACE") {
            let lines = self.command("NAMESPACE")?.lines();
            let line = lines.iter().find(|line| line.starts_with("NAMESPACE")).cloned().unwrap_or_default();
            let mut strings = line.split('"').skip(1).step_by(2);
            if let (Some(prefix), Some(delimiter)) = (strings.next(), strings.next()) {
                (self.prefix, self.delimiter) = (prefix.to_owned(), delimiter.to_owned());
                return Ok(());
            }
        }
        let lines = self.command("LIST \"\" \"\"")?.lines();
        self.delimiter = lines.first().and_then(|line| line.split('"').nth(1)).unwrap_or("").to_owned();
        Ok(())
    }

    fn folders(&mut self, command: &str) -> Result<Vec<Folder>> {
        let reply = self.command(&format!("{command} \"\" \"*\""))?;
        let start = format!("{command} (");
        let mut folders = Vec::new();
        for line in reply.lines().iter().filter(|line| line.starts_with(&start)) {
            let unreadable = || Error::Unreadable(line.clone());
            let (attributes, rest) = line.split_once(") ").ok_or_else(unreadable)?;
            let (_, name) = rest.split_once(' ').ok_or_else(unreadable)?;
            let wire = unquote(name);
            let attributes = attributes.to_ascii_lowercase();
            let selectable = !attributes.contains("\\noselect") && !attributes.contains("\\nonexistent");
            let path = self.path_of(&wire);
            folders.push(Folder { wire, path, selectable });
        }
        Ok(folders)
    }

    fn path_of(&self, wire: &str) -> Vec<String> {
        if wire.eq_ignore_ascii_case("INBOX") {
            return vec!["INBOX".to_owned()];
        }
        let inner = wire.strip_prefix(self.prefix.as_str()).unwrap_or(wire);
        if self.delimiter.is_empty() {
            return vec![mutf7::decode(inner)];
        }
        inner.split(self.delimiter.as_str()).map(mutf7::decode).collect()
    }

    fn open(&mut self, command: &str, wire: &str) -> Result<u32> {
        let lines = self.command(&format!("{command} {}", quote(wire)))?.lines();
        let exists = lines.iter().find_map(|line| line.strip_suffix(" EXISTS")?.parse().ok());
        exists.ok_or_else(|| Error::Unreadable(lines.join(" / ")))
    }

    fn exchange(&mut self, command: &[u8]) -> Result<Reply> {
        let tag = self.send_line(command)?;
        self.read_reply(&tag)
    }

    fn send_line(&mut self, command: &[u8]) -> Result<String> {
        self.tag += 1;
        let tag = format!("J{}", self.tag);
        self.write(&[tag.as_bytes(), b" ", command, b"\r\n"].concat())?;
        Ok(tag)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.reader.get_mut().write_all(bytes).doing(|| "writing to the server".to_owned())
    }

    fn read_reply(&mut self, tag: &str) -> Result<Reply> {
        let mut reply = Reply::default();
        loop {
            let mut parts = self.read_response()?;
            let Some(Part::Text(first)) = parts.first_mut() else { continue };
            if first.starts_with(b"* ") {
                first.drain(..2);
                reply.untagged.push(parts);
            } else if first.starts_with(tag.as_bytes()) && first.get(tag.len()) == Some(&b' ') {
                reply.tagged = text_of(&parts).split_off(tag.len() + 1);
                return Ok(reply);
            } else {
                return Err(Error::Unreadable(text_of(&parts)));
            }
        }
    }

    fn read_response(&mut self) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        loop {
            let mut line = self.read_line()?;
            while matches!(line.last(), Some(b'\r' | b'\n')) {
                line.pop();
            }
            let size = literal_size(&line);
            parts.push(Part::Text(line));
            match size {
                Some(size) => parts.push(self.read_literal(size)?),
                None => return Ok(parts),
            }
        }
    }

    fn read_line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(LINE_LIMIT as u64);
        limited.read_until(b'\n', &mut line).doing(|| "reading from the server".to_owned())?;
        if line.last() == Some(&b'\n') {
            return Ok(line);
        }
        Err(Error::Unreadable(format!(
            "the connection or the line ended: {}",
            String::from_utf8_lossy(&line)
        )))
    }

    fn read_literal(&mut self, size: u64) -> Result<Part> {
        let mut hasher = Sha256::new();
        let mut bytes = self.keep.then(Vec::new);
        let mut left = size;
        while left > 0 {
            let chunk = self.reader.fill_buf().doing(|| "reading a literal".to_owned())?;
            let length = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let Some(chunk) = chunk.get(..length).filter(|chunk| !chunk.is_empty()) else {
                return Err(Error::Unreadable("the connection ended inside a literal".to_owned()));
            };
            hasher.update(chunk);
            if let Some(bytes) = &mut bytes {
                bytes.extend_from_slice(chunk);
            }
            self.reader.consume(length);
            left -= length as u64;
        }
        Ok(Part::Literal { size, digest: hasher.finalize().into(), bytes })
    }
}

fn literal_size(line: &[u8]) -> Option<u64> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(inner.get(open + 1..)?).ok()?.parse().ok()
}

fn text_of(parts: &[Part]) -> String {
    let mut out = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => {
                let announces = matches!(parts.get(at + 1), Some(Part::Literal { .. }));
                let end = if announces {
                    text.iter().rposition(|b| *b == b'{').unwrap_or(text.len())
                } else {
                    text.len()
                };
                out.extend_from_slice(text.get(..end).unwrap_or(text));
            }
            Part::Literal { bytes: Some(bytes), .. } => out.extend_from_slice(bytes),
            Part::Literal { .. } => {}
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn ok(command: &str, reply: &Reply) -> Result<()> {
    if reply.tagged.starts_with("OK") {
        return Ok(());
    }
    Err(Error::Refused { command: command.to_owned(), answer: reply.tagged.clone() })
}

/// Reads `n FETCH (...)`; nothing when it holds no body.
fn parse_fetch(parts: &[Part]) -> Result<Option<Message>> {
    let Some(body) = parts.iter().find_map(|part| match part {
        Part::Literal { size, digest, bytes } => Some((*size, *digest, bytes.clone())),
        Part::Text(_) => None,
    }) else {
        // Cyrus and Courier send an empty body as a quoted string.
        return parse_fetch_text(&text_of(parts), true, (0, Sha256::digest(b"").into(), Some(Vec::new())));
    };
    let text: Vec<u8> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some([text.as_slice(), b" "].concat()),
            Part::Literal { .. } => None,
        })
        .flatten()
        .collect();
    parse_fetch_text(&String::from_utf8_lossy(&text), false, body)
}

fn parse_fetch_text(text: &str, quoted: bool, body: (u64, Sha, Option<Vec<u8>>)) -> Result<Option<Message>> {
    if !text.contains("FETCH (") || (quoted && !text.contains("BODY[] \"\"")) {
        return Ok(None);
    }
    let between = |start: &str, end: char| {
        let (_, after) = text.split_once(start)?;
        Some(after.split_once(end).map_or(after, |(inside, _)| inside))
    };
    let unreadable = || Error::Unreadable(text.to_owned());
    let uid =
        between("UID ", ' ').and_then(|uid| uid.trim_end_matches(')').parse().ok()).ok_or_else(unreadable)?;
    let date = between("INTERNALDATE \"", '"').and_then(parse_date).ok_or_else(unreadable)?;
    let all = between("FLAGS (", ')').ok_or_else(unreadable)?;
    let all = all.split_ascii_whitespace().filter(|flag| !flag.eq_ignore_ascii_case("\\Recent"));
    let (flags, keywords) = all.map(str::to_owned).partition(|flag| flag.starts_with('\\'));
    let (size, digest, bytes) = body;
    Ok(Some(Message { uid, size, digest, bytes, flags, keywords, internal_date: date }))
}

/// A quoted string.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn unquote(text: &str) -> String {
    match text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 as an IMAP date-time (RFC 9051, `date-time`), in UTC.
#[must_use]
pub fn format_date(seconds: i64) -> String {
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a date by counting from 1 March of year 0, where leap days come last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let name = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"Jan");
    format!("{day:2}-{name}-{year:04} {:02}:{:02}:{:02} +0000", clock / 3600, clock / 60 % 60, clock % 60)
}

/// An IMAP date-time as seconds since 1970.
#[must_use]
pub fn parse_date(text: &str) -> Option<i64> {
    let mut fields = text.split_ascii_whitespace();
    let (date, clock, zone) = (fields.next()?, fields.next()?, fields.next()?);
    let mut date = date.split('-');
    let day: i64 = date.next()?.parse().ok()?;
    let name = date.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))? as i64 + 1;
    let year: i64 = date.next()?.parse().ok()?;
    let mut clock = clock.split(':').map(|field| field.parse::<i64>().ok());
    let seconds = clock.next()?? * 3600 + clock.next()?? * 60 + clock.next()??;
    let digits: i64 = zone.get(1..)?.parse().ok()?;
    let offset = (digits / 100 * 3600 + digits % 100 * 60) * if zone.starts_with('-') { -1 } else { 1 };
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * m + 2) / 5 + day - 1;
    Some((era * 146_097 + doe - 719_468) * 86_400 + seconds - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_instants_whatever_their_zone() {
        assert_eq!(parse_date("17-Jul-1996 02:44:25 -0700"), Some(837_596_665));
        assert_eq!(parse_date(" 1-Jan-1970 01:00:00 +0100"), Some(0));
        for seconds in [0, 951_782_400, 951_868_799, 4_294_967_295, 1_700_000_000] {
            assert_eq!(parse_date(&format_date(seconds)), Some(seconds));
        }
    }
}
