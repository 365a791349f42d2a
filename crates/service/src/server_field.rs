//! The *IMAP server* field: what a person writes there, and which servers are meant, in the order to try.
//!
//! The same for pages, API, CSV and command line. Pure: no name is looked up, and no address is judged; that is
//! `address_policy`'s part, because `127.1` and `0x7f000001` are only spellings. What is refused is never repeated:
//! somebody may have pasted a password.

use imap::{Endpoint, Security};
use url::Host;

use crate::model::Problem;

/// Port of IMAP inside TLS (RFC 8314, section 3.2).
pub const IMAPS: u16 = 993;
/// Port of IMAP (RFC 9051, section 2.1).
pub const IMAP: u16 = 143;

/// Reads the field. Candidates are to be tried in order, the next one only where nothing answers at the one before.
///
/// `host` means implicit TLS on 993, and STARTTLS on 143 where that does not answer; `host:143` means STARTTLS; `host:port`
/// means implicit TLS; `imaps://` and `imap://` say it outright.
pub fn parse(text: &str) -> Result<Vec<Endpoint>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(problem("server_missing", "Please enter the server of your old provider."));
    }
    let (scheme, place) = scheme(text)?;
    let (host, port) = host_and_port(place)?;
    let endpoint = |port, security| Endpoint { host: host.clone(), port, security };
    Ok(match (scheme, port) {
        (None, None) => vec![endpoint(IMAPS, Security::ImplicitTls), endpoint(IMAP, Security::StartTls)],
        (None, Some(IMAP)) => vec![endpoint(IMAP, Security::StartTls)],
        (None, Some(port)) => vec![endpoint(port, Security::ImplicitTls)],
        (Some(Security::StartTls), port) => vec![endpoint(port.unwrap_or(IMAP), Security::StartTls)],
        (Some(security), port) => vec![endpoint(port.unwrap_or(IMAPS), security)],
    })
}

/// An endpoint as `imaps://host:993` or `imap://host:143`; [`parse`] reads it back.
pub fn url(endpoint: &Endpoint) -> String {
    let scheme = match endpoint.security {
        Security::ImplicitTls => "imaps",
        Security::StartTls | Security::Plaintext => "imap",
    };
    let bracketed = endpoint.host.contains(':');
    let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
    format!("{scheme}://{open}{}{close}:{}", endpoint.host, endpoint.port)
}

/// A host name or address in its one spelling: lower case, international names in their ASCII form, IPv6 without
/// brackets. `None` where it is neither.
pub fn host(text: &str) -> Option<String> {
    // Host::parse would decode percent signs, and takes empty labels for granted.
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() || text.contains('%') {
        return None;
    }
    match Host::parse(name).ok()? {
        Host::Domain(domain) => {
            // RFC 1035, section 2.3.4.
            let lengths = domain.len() <= 253 && domain.split('.').all(|l| (1..=63).contains(&l.len()));
            let edges = domain.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-'));
            let letters = domain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
            (lengths && edges && letters).then_some(domain)
        }
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}

fn problem(code: &str, message: &str) -> Problem {
    Problem::new("server", code, message)
}

fn scheme(text: &str) -> Result<(Option<Security>, &str), Problem> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok((None, text)) };
    match scheme.to_ascii_lowercase().as_str() {
        "imaps" => Ok((Some(Security::ImplicitTls), rest)),
        "imap" => Ok((Some(Security::StartTls), rest)),
        _ => Err(problem(
            "server_scheme",
            "This is not the address of a mail server; it looks like imap.example.org, without https:// or the like.",
        )),
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), Problem> {
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains('@') {
        return Err(problem(
            "server_userinfo",
            "Only the server belongs here; user name and password have their own fields.",
        ));
    }
    if place.contains(['/', '?', '#', '\\']) {
        return Err(problem("server_path", "Please enter the server only, without anything behind a slash."));
    }
    if place.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(problem("server_space", "The name of a server contains no spaces."));
    }
    let (name, port) = split_port(place)?;
    let wrong =
        || problem("server_host", "This is not the name of a server; it looks like imap.example.org.");
    Ok((host(name).ok_or_else(wrong)?, port))
}

fn split_port(place: &str) -> Result<(&str, Option<u16>), Problem> {
    let (name, port) = match place.rfind(']') {
        Some(end) if place.starts_with('[') => place.split_at(end + 1),
        _ if place.matches(':').count() > 1 => {
            return Err(problem(
                "server_brackets",
                "An IPv6 address stands in brackets, as in [2001:db8::1] or [2001:db8::1]:993.",
            ));
        }
        _ => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    if port.is_empty() {
        return Ok((name, None));
    }
    let wrong = || problem("server_port", "The port behind the colon is a number from 1 to 65535.");
    // u16's own reading would take a sign.
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    match digits.ok_or_else(wrong)?.parse() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(port) => Ok((name, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        parse(text).map(|found| found.iter().map(url).collect()).map_err(|problem| problem.code)
    }

    #[test]
    fn every_form_of_the_field_means_what_is_documented() {
        for (text, expected) in [
            ("imap.example.org", &["imaps://imap.example.org:993", "imap://imap.example.org:143"][..]),
            ("imap.example.org:143", &["imap://imap.example.org:143"]),
            ("imap.example.org:993", &["imaps://imap.example.org:993"]),
            ("imap.example.org:1993", &["imaps://imap.example.org:1993"]),
            ("imaps://imap.example.org", &["imaps://imap.example.org:993"]),
            ("imaps://imap.example.org:143", &["imaps://imap.example.org:143"]),
            ("imap://imap.example.org", &["imap://imap.example.org:143"]),
            ("imap://imap.example.org:1143/", &["imap://imap.example.org:1143"]),
            ("IMAPS://Imap.Example.ORG/", &["imaps://imap.example.org:993"]),
            ("  imap.example.org\u{a0}", &["imaps://imap.example.org:993", "imap://imap.example.org:143"]),
            ("imap.example.org.", &["imaps://imap.example.org:993", "imap://imap.example.org:143"]),
            ("mail", &["imaps://mail:993", "imap://mail:143"]),
            ("my_server:993", &["imaps://my_server:993"]),
            ("post.bücher.example:993", &["imaps://post.xn--bcher-kva.example:993"]),
            ("imaps://XN--BCHER-KVA.example", &["imaps://xn--bcher-kva.example:993"]),
            ("192.0.2.7:993", &["imaps://192.0.2.7:993"]),
            ("[2001:DB8::7]", &["imaps://[2001:db8::7]:993", "imap://[2001:db8::7]:143"]),
            ("[2001:db8::7]:143", &["imap://[2001:db8::7]:143"]),
            ("imap://[::1]:1143", &["imap://[::1]:1143"]),
        ] {
            let expected = expected.iter().map(|&url| url.to_owned()).collect();
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn odd_spellings_of_an_address_are_the_address() {
        for (text, address) in [
            ("0", "0.0.0.0"),
            ("127.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
        ] {
            assert_eq!(host(text).as_deref(), Some(address), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (text, code) in [
            ("", "server_missing"),
            (" \t", "server_missing"),
            ("https://imap.example.org", "server_scheme"),
            ("pop3://imap.example.org", "server_scheme"),
            ("://imap.example.org", "server_scheme"),
            ("alice@imap.example.org", "server_userinfo"),
            ("imaps://alice:geheim@imap.example.org", "server_userinfo"),
            ("imap.example.org/INBOX", "server_path"),
            ("imap.example.org//", "server_path"),
            ("imap.example.org?x", "server_path"),
            ("imap.example.org\\x", "server_path"),
            ("imap.example.org 993", "server_space"),
            ("imap. example.org", "server_space"),
            ("imap\u{0}.example.org", "server_space"),
            ("imap..example.org", "server_host"),
            (".example.org", "server_host"),
            ("example.org..", "server_host"),
            ("imaps://", "server_host"),
            (".", "server_host"),
            (":993", "server_host"),
            ("-a.example.org", "server_host"),
            ("imap.ex%61mple.org", "server_host"),
            ("imap.example.org,993", "server_host"),
            ("imap.example.org;993", "server_host"),
            ("*.example.org", "server_host"),
            ("256.1.1.1", "server_host"),
            ("[zz]", "server_host"),
            ("[::1", "server_brackets"),
            ("[fe80::1%eth0]", "server_host"),
            ("::1", "server_brackets"),
            ("2001:db8::1:993", "server_brackets"),
            ("h:0", "server_port"),
            ("h:65536", "server_port"),
            ("h:+993", "server_port"),
            ("h:", "server_port"),
            ("h:imap", "server_port"),
            ("[::1]993", "server_port"),
        ] {
            assert_eq!(read(text), Err(code.to_owned()), "{text:?}");
        }
        let long = format!("{}.example.org", "a".repeat(64));
        assert_eq!(read(&long), Err("server_host".to_owned()));
        assert_eq!(read(&["abcdefg"; 33].join(".")), Err("server_host".to_owned()));
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        let problem = parse("imaps://alice:geheim@imap.example.org").unwrap_err();
        assert!(!format!("{problem:?}").contains("geheim"));
    }
}
