//! Starting, being asked for health, stopping.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::certificate::{self, Kind};
use testkit::server::Postgres;

use crate::http;
use crate::process::{Place, Server};

#[test]
fn it_needs_no_settings_and_keeps_what_it_makes_private() {
    let place = Place::new();
    let mut server = place.serve();
    assert!(server.link().is_some_and(|secret| secret.len() >= 32), "{}", server.said);
    let mode = |path: &str| place.data().join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("sealing.key"), mode("mailimport.db")), (0o700, 0o400, 0o600));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.ask("GET", path, None, "").status, 200, "{path}");
    }
    assert_eq!(server.ask("GET", "/metrics", None, "").status, 404);
    assert_eq!(server.ask("GET", "/api/v1/domains", None, "").status, 401);
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.log());
    // Nothing of SQLite's log is left beside the file.
    assert!(!place.data().join("mailimport.db-wal").exists());
}

#[test]
fn the_one_time_link_is_printed_until_it_was_used() {
    let place = Place::new();
    let first = place.serve().link().unwrap();
    let second = place.serve().link().unwrap();
    assert_ne!(first, second);
}

#[test]
fn a_second_one_on_the_same_data_and_a_taken_address_are_refused() {
    let place = Place::new();
    let server = place.serve();
    let second = place.command(&["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is running on"), "{second:?}");
    let other = Place::new();
    let address = server.address.to_string();
    let third = other.command(&["serve", "--listen", &address]).output().unwrap();
    assert_eq!(third.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&third.stderr).contains("cannot be listened on"), "{third:?}");
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_stops() {
    let place = Place::new();
    let path = place.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let told = || {
        let mut octets = [0; 1024];
        let length = socket.recv(&mut octets).unwrap();
        String::from_utf8_lossy(&octets[..length]).into_owned()
    };
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut server = Server::start(command.env("NOTIFY_SOCKET", &path), place.directory.path());
    assert!(told().contains("READY=1"));
    server.signal("INT");
    assert!(told().contains("STOPPING=1"));
    assert!(server.wait().success());
}

#[test]
fn a_worker_works_beside_a_server_on_one_postgresql_and_has_a_name_of_its_own() {
    let database = Postgres::start().unwrap();
    let mut place = Place::new();
    place.settings = format!("[database]\nurl = \"{}\"\n", database.url());
    let mut server = place.serve();
    let path = place.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let log = place.directory.path().join("worker.log");
    let mut worker = place.command(&["worker"]);
    worker.env("NOTIFY_SOCKET", &path).stderr(std::fs::File::create(&log).unwrap());
    let mut worker = worker.spawn().unwrap();
    let mut octets = [0; 1024];
    let length = socket.recv(&mut octets).unwrap();
    assert!(String::from_utf8_lossy(&octets[..length]).contains("READY=1"));
    let stopped = Command::new("kill").arg(worker.id().to_string()).status().unwrap();
    assert!(stopped.success() && worker.wait().unwrap().success());
    server.signal("TERM");
    assert!(server.wait().success());
    let owner = |log: &str| {
        let line = log.lines().find(|line| line.contains("worker starts")).unwrap().to_owned();
        line.split("owner=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_ne!(owner(&server.log()), owner(&std::fs::read_to_string(&log).unwrap()));
}

#[test]
fn logs_can_be_json_and_hold_no_secret() {
    let mut place = Place::new();
    place.settings = "[log]\nformat = \"json\"\nlevel = \"debug\"\n".to_owned();
    let mut server = place.serve();
    let secret = server.link().unwrap();
    server.ask("GET", &format!("/link/{secret}"), None, "");
    server.ask("GET", "/api/v1/domains", Some("mi_some-token"), "");
    server.signal("TERM");
    server.wait();
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
    assert!(!lines.is_empty(), "{log}");
    for line in lines {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(!log.contains(&secret) && !log.contains("some-token"), "{log}");
}

#[test]
fn measurements_have_their_own_listener_or_need_a_token() {
    let mut place = Place::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.settings = format!("[metrics]\nlisten = \"{free}\"\ntoken = \"scrape me\"\n");
    let server = place.serve();
    server.ask("GET", "/healthz", None, "");
    assert!(http::ask(free, "GET", "/metrics", None, "").body.contains("mailimport_"));
    assert_eq!(server.ask("GET", "/metrics", None, "").status, 401);
    let shown = server.ask("GET", "/metrics", Some("scrape me"), "");
    assert!(shown.status == 200 && !shown.body.contains("scrape me"), "{shown:?}");
}

#[test]
fn it_speaks_tls_with_the_certificate_that_is_set() {
    let mut place = Place::new();
    let files = certificate::write(Kind::Good, place.directory.path()).unwrap();
    let (chain, key) = (files.certificate.display(), files.key.display());
    place.settings = format!("[tls]\ncertificate = \"{chain}\"\nkey = \"{key}\"\n");
    let server = place.serve();
    assert!(server.said.starts_with("mailimport is at https://"), "{}", server.said);
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile"])
        .arg(&files.ca)
        .arg("-connect")
        .arg(server.address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Standard input stays open until the answer has ended the connection.
    let mut input = client.stdin.take().unwrap();
    write!(input, "{}", http::request("GET", "/healthz", None, "")).unwrap();
    let mut text = String::new();
    client.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    drop(input);
    client.wait().unwrap();
    let answer = http::answer(&text);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.to_lowercase().contains("strict-transport-security"), "{answer:?}");
}

#[test]
fn the_sealing_key_can_be_a_credential_of_systemd() {
    let place = Place::new();
    drop(place.serve());
    let handed_over = place.directory.path().join("credentials");
    std::fs::create_dir(&handed_over).unwrap();
    let (file, credential) = (place.data().join("sealing.key"), handed_over.join("mailimport.sealing-key"));
    std::fs::rename(&file, &credential).unwrap();
    // As systemd leaves it where the service has a user of its own.
    std::fs::set_permissions(&credential, std::os::unix::fs::PermissionsExt::from_mode(0o440)).unwrap();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    drop(Server::start(command.env("CREDENTIALS_DIRECTORY", &handed_over), place.directory.path()));
    place.admin(&["users", "list"]);
    assert!(!file.exists(), "no key beside it");
    let mut rotate = place.command(&["admin", "rotate-key"]);
    let refused = rotate.env("CREDENTIALS_DIRECTORY", &handed_over).output().unwrap();
    assert!(!refused.status.success(), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("only systemd can change"), "{refused:?}");
    std::fs::write(&credential, "no key").unwrap();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = command.env("CREDENTIALS_DIRECTORY", &handed_over).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("holds no key"), "{refused:?}");
}

#[test]
fn a_client_that_says_nothing_or_half_of_it_is_not_waited_for_for_ever() {
    let server = Place::new().serve();
    let begun = [
        "",
        "GET /healthz HTTP/1.1\r\nHost: local",
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nname=",
    ];
    let streams = begun.map(|begun| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        // Longer than any of the server's own limits; without them this is what ends the test.
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        (begun, stream)
    });
    for (begun, mut stream) in streams {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(ended.is_ok(), "{begun:?}: {ended:?} {answer}");
        assert!(!answer.contains(" 200 "), "{begun:?}: {answer}");
    }
}

#[test]
fn mistakes_in_the_settings_are_wrong_use() {
    let mut place = Place::new();
    for (settings, said) in
        [("listne = 1\n", "unknown field"), ("[log]\nlevel = \"mailimport=loud\"\n", "log.level")]
    {
        settings.clone_into(&mut place.settings);
        let output = place.command(&["serve"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
    "[source]\nallow = [\"10.0.0.0/33\"]\n".clone_into(&mut place.settings);
    let output = place.command(&["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("source.allow"), "{output:?}");
    let output = place.command(&["worker"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
