//! A browser without eyes: keeps cookies, sends the token of the page that it saw last.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::http::{self, Answer};

/// Somebody who looks at pages and sends forms.
pub(crate) struct Visitor {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

impl Visitor {
    pub(crate) fn new(address: SocketAddr) -> Visitor {
        Visitor { address, cookies: BTreeMap::new(), csrf: String::new() }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        let answer = self.send("GET", path, "");
        let field = answer.body.split_once("name=\"csrf\" value=\"");
        if let Some((token, _)) = field.and_then(|(_, rest)| rest.split_once('"')) {
            token.clone_into(&mut self.csrf);
        }
        answer
    }

    /// Sends a form whose fields are encoded already.
    pub(crate) fn post(&mut self, path: &str, fields: &str) -> Answer {
        self.send("POST", path, &format!("csrf={}&{fields}", self.csrf))
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (address, cookies, length) = (self.address, cookies.join("; "), body.len());
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nCookie: {cookies}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = http::exchange(address, &request);
        for line in answer.head.lines() {
            let set = line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
            let pair = set.and_then(|(_, cookie)| cookie.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
