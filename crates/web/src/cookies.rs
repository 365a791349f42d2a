//! Our cookies: how they are called and guarded, in one place.
//!
//! Over an encrypted way they are `__Host-` cookies, which no other host and no plain connection can set (RFC 6265bis,
//! 4.1.3.2). On plain HTTP, which is for one's own machine, browsers refuse that name, so there is another.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use crate::security::client::{Client, Transport};

/// Octets of a value at most: browsers keep 4096 for name, value and attributes.
pub(crate) const LONGEST: usize = 3500;

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Who is signed in.
    Session,
    /// What forms before the sign-in bring back.
    Visitor,
    /// What the last action did.
    Flash,
    /// Language of who is not signed in.
    Language,
    /// Look of who is not signed in.
    Theme,
    /// Time zone; written by a script, and so not only ours.
    Zone,
}

impl Name {
    fn plain(self) -> &'static str {
        match self {
            Name::Session => "mailimport",
            Name::Visitor => "mailimport-visitor",
            Name::Flash => "mailimport-flash",
            Name::Language => "mailimport-language",
            Name::Theme => "mailimport-theme",
            Name::Zone => "mailimport-zone",
        }
    }

    fn on(self, transport: Transport) -> String {
        match (self, transport) {
            (Name::Zone, _) | (_, Transport::Plain) => self.plain().to_owned(),
            (_, Transport::Tls) => format!("__Host-{}", self.plain()),
        }
    }
}

/// The value of a cookie that came with a request.
pub(crate) fn get(parts: &Parts, name: Name) -> Option<String> {
    let wanted = name.on(Client::of(parts).transport);
    let lines = parts.headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = cookies.find(|(name, _)| *name == wanted)?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until it is closed.
    Session,
    /// A minute: for the next page.
    Minute,
    /// A year.
    Year,
}

/// Lets an answer set a cookie. A value that no browser would keep is left out.
pub(crate) fn set(headers: &mut HeaderMap, client: Client, name: Name, value: &str, keep: Keep) {
    let max_age = match keep {
        Keep::Session => "",
        Keep::Minute => "; Max-Age=60",
        Keep::Year => "; Max-Age=31536000",
    };
    if value.len() <= LONGEST && value.bytes().all(is_cookie_octet) {
        append(headers, client, name, value, max_age);
    }
}

/// Lets an answer remove a cookie.
pub(crate) fn remove(headers: &mut HeaderMap, client: Client, name: Name) {
    append(headers, client, name, "", "; Max-Age=0");
}

fn append(headers: &mut HeaderMap, client: Client, name: Name, value: &str, max_age: &str) {
    let secure = match client.transport {
        Transport::Tls => "; Secure",
        Transport::Plain => "",
    };
    let name = name.on(client.transport);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{max_age}");
    if let Ok(line) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, line);
    }
}

/// What may stand in a value (RFC 6265, 4.1.1).
fn is_cookie_octet(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(transport: Transport, cookie: &str) -> Parts {
        let request = axum::http::Request::get("/").header(COOKIE, cookie);
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Client { address: None, transport });
        parts
    }

    #[test]
    fn an_encrypted_way_takes_only_the_guarded_name() {
        let plain = request(Transport::Plain, "a=b; mailimport=one; __Host-mailimport=two");
        assert_eq!(get(&plain, Name::Session).as_deref(), Some("one"));
        let tls = request(Transport::Tls, "mailimport=one; __Host-mailimport=two");
        assert_eq!(get(&tls, Name::Session).as_deref(), Some("two"));
        assert_eq!(get(&request(Transport::Tls, "mailimport=one"), Name::Session), None);
    }

    #[test]
    fn attributes_are_those_that_the_way_allows() {
        let mut headers = HeaderMap::new();
        let client = |transport| Client { address: None, transport };
        set(&mut headers, client(Transport::Tls), Name::Session, "abc", Keep::Session);
        set(&mut headers, client(Transport::Plain), Name::Flash, "abc", Keep::Minute);
        set(&mut headers, client(Transport::Plain), Name::Flash, "a;b", Keep::Minute);
        remove(&mut headers, client(Transport::Tls), Name::Session);
        let lines: Vec<_> = headers.get_all(SET_COOKIE).into_iter().collect();
        assert_eq!(
            lines,
            [
                "__Host-mailimport=abc; Path=/; HttpOnly; SameSite=Lax; Secure",
                "mailimport-flash=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60",
                "__Host-mailimport=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
            ]
        );
    }
}
