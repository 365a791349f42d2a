//! The little HTTP that the tests need: one request, one connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Asks on a new connection. HTTP/1.0, so that the body ends with the connection.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
    exchange(to, &request(method, path, token, body))
}

/// `GET` with further lines in the head.
pub(crate) fn ask_with(to: SocketAddr, head: &str, path: &str) -> Answer {
    exchange(to, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n{head}\r\n"))
}

/// `POST` of something that is not JSON.
pub(crate) fn send(to: SocketAddr, path: &str, token: &str, kind: &str, body: &str) -> Answer {
    let length = body.len();
    let head =
        format!("Authorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n");
    exchange(to, &format!("POST {path} HTTP/1.0\r\nHost: localhost\r\n{head}\r\n{body}"))
}

/// Sends a whole request and reads to the end.
pub(crate) fn exchange(to: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).unwrap();
    answer(&String::from_utf8(octets).unwrap())
}

/// What is sent.
pub(crate) fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    let token = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\n{token}{kind}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// What came back.
pub(crate) fn answer(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
