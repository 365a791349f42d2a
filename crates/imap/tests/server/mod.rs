//! A private Dovecot for one test: own directory, own free ports on loopback, stopped on drop.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use imap::{Connection, Endpoint, Options, Security, Tls, TlsTrust};
use mailimport_imap as imap;

const MAIL: u32 = 12_345;

pub(crate) struct Dovecot {
    child: Child,
    directory: tempfile::TempDir,
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    pub(crate) authority: String,
    /// The server's certificate (DER).
    pub(crate) certificate: Vec<u8>,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // The master's children leave by themselves when it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn certificates(directory: &Path) -> (String, Vec<u8>) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Test authority");
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "Test server");
    let key = KeyPair::generate().unwrap();
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    (root.pem(), certificate.der().to_vec())
}

impl Dovecot {
    /// Alice (password `pw`), Bob, and the master user root (`mpw`).
    pub(crate) fn start() -> Dovecot {
        let directory = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
        let path = directory.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(path.join("mail")).unwrap();
        chown(path.join("mail"), Some(MAIL), Some(MAIL)).unwrap();
        let (authority, certificate) = certificates(path);
        let (plain, tls) = (free_port(), free_port());
        let t = path.display();
        let configuration = format!(
            "base_dir={t}/run\nstate_dir={t}/run/state\nlog_path={t}/log\nprotocols=imap\nlisten=127.0.0.1\n\
             mail_home={t}/mail/%u\nmail_location=maildir:~/Maildir\nmail_uid={MAIL}\nmail_gid={MAIL}\n\
             disable_plaintext_auth=no\nauth_mechanisms=plain login scram-sha-256\n\
             auth_failure_delay=0\n\
             ssl=yes\nssl_cert=<{t}/cert.pem\nssl_key=<{t}/key.pem\n\
             passdb {{\n driver=passwd-file\n master=yes\n args={t}/masters\n result_success=continue\n}}\n\
             passdb {{\n driver=passwd-file\n args=username_format=%u {t}/users\n}}\n\
             userdb {{\n driver=passwd-file\n args=username_format=%u {t}/users\n default_fields=uid={MAIL} gid={MAIL}\n}}\n\
             mail_plugins=quota\nprotocol imap {{\n mail_plugins=quota imap_quota imap_zlib\n}}\n\
             plugin {{\n quota=count:User quota\n quota_vsizes=yes\n quota_rule=*:storage=1G\n}}\n\
             service imap-login {{\n inet_listener imap {{\n  port={plain}\n }}\n inet_listener imaps {{\n  port={tls}\n  ssl=yes\n }}\n}}\n"
        );
        fs::write(path.join("dovecot.conf"), configuration).unwrap();
        let users: String = ["alice", "bob"]
            .iter()
            .map(|user| format!("{user}:{{PLAIN}}pw::::{t}/mail/{user}::\n"))
            .collect();
        fs::write(path.join("users"), users).unwrap();
        fs::write(path.join("masters"), "root:{PLAIN}mpw\n").unwrap();
        let child = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(path.join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Dovecot { child, directory, plain, tls, authority, certificate };
        server.wait();
        server
    }

    fn wait(&self) {
        let limit = Instant::now() + Duration::from_secs(20);
        loop {
            let mut greeting = [0; 4];
            let ready = TcpStream::connect(("127.0.0.1", self.plain))
                .and_then(|mut stream| stream.read_exact(&mut greeting));
            if ready.is_ok() && &greeting == b"* OK" {
                return;
            }
            assert!(Instant::now() < limit, "Dovecot did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn maildir(&self, user: &str, folder: &str) -> PathBuf {
        let home = self.directory.path().join("mail").join(user);
        let mut path = home.join("Maildir");
        let mut made = vec![home, path.clone()];
        if folder != "INBOX" {
            path = path.join(format!(".{folder}"));
            made.push(path.clone());
        }
        made.extend(["cur", "new", "tmp"].map(|part| path.join(part)));
        for directory in made {
            fs::create_dir_all(&directory).unwrap();
            chown(&directory, Some(MAIL), Some(MAIL)).unwrap();
        }
        path
    }

    /// Puts a message into a folder's files; `pieces` are its content.
    pub(crate) fn deliver(&self, user: &str, folder: &str, number: u32, flags: &str, pieces: &[&[u8]]) {
        let name = format!("{}.M{number:06}.test:2,{flags}", 1_700_000_000 + number);
        let path = self.maildir(user, folder).join("cur").join(name);
        let mut file = fs::File::create(&path).unwrap();
        for piece in pieces {
            file.write_all(piece).unwrap();
        }
        chown(&path, Some(MAIL), Some(MAIL)).unwrap();
    }

    pub(crate) fn endpoint(&self, host: &str, security: Security) -> Endpoint {
        let port = if security == Security::ImplicitTls { self.tls } else { self.plain };
        Endpoint { host: host.to_owned(), port, security }
    }

    pub(crate) fn trust(&self) -> Tls {
        let additional_roots = TlsTrust::parse_pem(self.authority.as_bytes()).unwrap();
        Tls::new(TlsTrust { additional_roots, pin: None }).unwrap()
    }

    pub(crate) async fn open(&self, security: Security) -> Connection {
        let endpoint = self.endpoint("localhost", security);
        Connection::open(&endpoint, &self.trust(), &Options::default()).await.unwrap()
    }
}
