//! A private Dovecot on a free loopback port, and the little IMAP that the tests need.
//!
//! It runs in the tests' own PID namespace on purpose: Dovecot judges a lock by whether its process lives.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use maildir::{
    Base, Delivered, Delivery, Durability, Flags, Folder, FolderName, Maildir, Owner, SystemFlags,
};

pub(crate) const OWNER: Owner = Owner { uid: 12345, gid: 12345 };

pub(crate) struct Dovecot {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
}

impl Dovecot {
    /// Starts it; the tests run as root, because Dovecot changes users.
    pub(crate) fn start() -> Dovecot {
        for _ in 0..5 {
            let dir = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
            let path = dir.path();
            Command::new("chmod").arg("755").arg(path).status().unwrap();
            std::fs::create_dir(path.join("mail")).unwrap();
            std::os::unix::fs::chown(path.join("mail"), Some(OWNER.uid), Some(OWNER.gid)).unwrap();
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            std::fs::write(path.join("conf"), configuration(path, port)).unwrap();
            std::fs::write(path.join("users"), "bob:{PLAIN}pw::::\n").unwrap();
            // Ends when the pipe closes: also when this process is killed.
            let script = "dovecot -F -c \"$0\" & cat >/dev/null; kill $!; wait";
            let child = Command::new("sh")
                .args(["-c", script])
                .arg(path.join("conf"))
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let server = Dovecot { child, dir, port };
            let deadline = Instant::now() + Duration::from_secs(10);
            while Instant::now() < deadline {
                if greets(port) {
                    return server;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        panic!("Dovecot does not start");
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("mail/bob/Maildir")
    }

    pub(crate) fn mailbox(&self) -> Maildir {
        Maildir::create(&self.path(), Some(OWNER)).unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        let mut client = Client::connect(self.port).expect("Dovecot answers");
        client.ok("LOGIN bob pw");
        client
    }

    pub(crate) fn doveadm(&self, arguments: &[&str]) -> String {
        let conf = self.dir.path().join("conf");
        let output = Command::new("doveadm").arg("-c").arg(conf).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// UID and base name (Dovecot's GUID) of every message, by UID.
    pub(crate) fn uids(&self, mailbox: &str) -> Vec<(u32, String)> {
        let text = self.doveadm(&["-f", "tab", "fetch", "-u", "bob", "uid guid", "mailbox", mailbox, "all"]);
        let row = |line: &str| {
            let (uid, guid) = line.split_once('\t').unwrap();
            (uid.parse().unwrap(), guid.to_owned())
        };
        text.lines().skip(1).map(row).collect()
    }

    /// What Dovecot complained about.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
        log.lines()
            .filter(|l| ["Error", "Warning", "Panic", "Fatal"].iter().any(|w| l.contains(w)))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn configuration(dir: &Path, port: u16) -> String {
    let dir = dir.display();
    format!(
        "base_dir={dir}/run\nstate_dir={dir}/run/state\nlog_path={dir}/log\nprotocols=imap\nlisten=127.0.0.1\n\
         mail_home={dir}/mail/%u\nmail_location=maildir:~/Maildir\nmail_uid={0}\nmail_gid={1}\n\
         disable_plaintext_auth=no\nssl=no\nfirst_valid_uid=1\n\
         passdb {{\n driver=passwd-file\n args=username_format=%u {dir}/users\n}}\n\
         userdb {{\n driver=static\n args=uid={0} gid={1} home={dir}/mail/%u\n}}\n\
         service imap-login {{\n inet_listener imap {{\n port={port}\n }}\n}}\n",
        OWNER.uid, OWNER.gid
    )
}

fn greets(port: u16) -> bool {
    Client::connect(port).is_some()
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(port: u16) -> Option<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        let mut client = Client { stream: BufReader::new(stream) };
        client.response().starts_with(b"* OK").then_some(client)
    }

    /// One response with its literals.
    fn response(&mut self) -> Vec<u8> {
        let mut response = Vec::new();
        loop {
            let start = response.len();
            if self.stream.read_until(b'\n', &mut response).unwrap_or(0) == 0 {
                return response;
            }
            let line = String::from_utf8_lossy(&response[start..]).trim_end().to_owned();
            let Some((_, size)) = line.strip_suffix('}').and_then(|l| l.rsplit_once('{')) else {
                return response;
            };
            let mut literal = vec![0; size.parse().unwrap()];
            self.stream.read_exact(&mut literal).unwrap();
            response.extend(literal);
        }
    }

    /// The untagged responses and the status line.
    pub(crate) fn command(&mut self, command: &str) -> (Vec<Vec<u8>>, String) {
        self.stream.get_mut().write_all(format!("a {command}\r\n").as_bytes()).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> (Vec<Vec<u8>>, String) {
        let mut untagged = Vec::new();
        loop {
            let response = self.response();
            assert!(!response.is_empty(), "the connection was closed");
            if response.starts_with(b"a ") {
                return (untagged, String::from_utf8(response).unwrap());
            }
            untagged.push(response);
        }
    }

    pub(crate) fn ok(&mut self, command: &str) -> Vec<Vec<u8>> {
        let (untagged, status) = self.command(command);
        assert!(status.starts_with("a OK"), "{command}: {status}");
        untagged
    }

    pub(crate) fn text(&mut self, command: &str) -> String {
        self.ok(command).iter().map(|r| String::from_utf8_lossy(r).into_owned()).collect()
    }

    pub(crate) fn append(&mut self, mailbox: &str, message: &str) {
        let head = format!("a APPEND {mailbox} {{{}+}}\r\n{message}\r\n", message.len());
        self.stream.get_mut().write_all(head.as_bytes()).unwrap();
        let (_, status) = self.answer();
        assert!(status.starts_with("a OK"), "{status}");
    }

    /// A message's octets as `BODY.PEEK[]` brings them.
    pub(crate) fn body(&mut self, uid: u32) -> Vec<u8> {
        let responses = self.ok(&format!("UID FETCH {uid} BODY.PEEK[]"));
        let response = responses.into_iter().find(|r| r.windows(6).any(|w| w == b"BODY[]")).unwrap();
        let start = response.iter().position(|o| *o == b'\n').unwrap() + 1;
        if String::from_utf8_lossy(&response[..start]).contains("\"\"") {
            return Vec::new();
        }
        let head = String::from_utf8_lossy(&response[..start]).into_owned();
        let size: usize =
            head.trim_end().strip_suffix('}').unwrap().rsplit_once('{').unwrap().1.parse().unwrap();
        response[start..start + size].to_vec()
    }
}

pub(crate) fn base(n: usize) -> Base {
    Base::new(format!("1700000000.M{n}P0aF0b.mailimport")).unwrap()
}

pub(crate) fn name(dotted: &str) -> FolderName {
    FolderName::new(dotted.split('.').map(str::to_owned).collect()).unwrap()
}

pub(crate) fn flags(letters: &str, keywords: &[&str]) -> Flags {
    let keywords = keywords.iter().map(|k| (*k).to_owned()).collect();
    Flags { system: SystemFlags::from_letters(letters), keywords }
}

pub(crate) fn staged(folder: &Folder, n: usize, octets: &[u8], flags: Flags, received: i64) -> Delivery {
    let mut file = folder.stage(&base(n)).unwrap();
    file.write_all(octets).unwrap();
    Delivery { staged: file.finish(received).unwrap(), flags }
}

pub(crate) fn deliver(folder: &Folder, n: usize, flags: Flags) -> Delivered {
    let message = format!("Subject: {n}\r\n\r\nbody {n}\r\n");
    let batch = vec![staged(folder, n, message.as_bytes(), flags, 1_600_000_000)];
    folder.deliver(batch, Durability::Automatic).unwrap().remove(0)
}
