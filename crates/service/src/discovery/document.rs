//! The autoconfig document (`config-v1.1.xml`): which IMAP servers a provider names, and the user name for them.
//!
//! Pure. Entities beyond XML's own five are not resolved, and servers without encryption are left out.

use imap::{Endpoint, Security};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::server_field;

/// Tags and texts at most, which bounds how deep they lie within each other too.
const MAX_EVENTS: usize = 20_000;
/// Characters of a value at most.
const MAX_VALUE: usize = 300;

/// A server that a document names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedServer {
    pub(super) endpoint: Endpoint,
    /// What to log in with, where it is not the whole address.
    pub(super) username: Option<String>,
    /// The provider's name.
    pub(super) provider: Option<String>,
}

/// The values of one `incomingServer`.
#[derive(Debug, Default)]
struct Incoming {
    hostname: String,
    port: String,
    socket_type: String,
    username: String,
}

/// Reads a document for an address, as far as it can be understood.
pub(super) fn read(xml: &str, address: &str) -> Vec<NamedServer> {
    let mut reader = Reader::from_str(xml);
    let (mut path, mut text) = (Vec::<String>::new(), String::new());
    let (mut incoming, mut provider) = (None::<Incoming>, None::<String>);
    let mut found = Vec::new();
    for _ in 0..MAX_EVENTS {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = name_of(&start);
                if name == "incomingServer" && is_imap(&start) {
                    incoming = Some(Incoming::default());
                }
                path.push(name);
                text.clear();
            }
            Ok(Event::Text(part)) => push(&mut text, &part.xml10_content()),
            Ok(Event::CData(part)) => push(&mut text, &part.xml10_content()),
            Ok(Event::GeneralRef(entity)) => match entity.resolve_char_ref() {
                Ok(Some(c)) => push(&mut text, c.encode_utf8(&mut [0; 4])),
                _ => push(&mut text, resolved(&entity.xml10_content())),
            },
            Ok(Event::End(_)) => {
                let value = text.trim().to_owned();
                text.clear();
                match (path.pop().as_deref(), &mut incoming) {
                    (Some("incomingServer"), done) => {
                        found.extend(
                            done.take().and_then(|incoming| named(incoming, address, provider.as_deref())),
                        );
                    }
                    (Some("hostname"), Some(incoming)) => incoming.hostname = value,
                    (Some("port"), Some(incoming)) => incoming.port = value,
                    (Some("socketType"), Some(incoming)) => incoming.socket_type = value,
                    (Some("username"), Some(incoming)) => incoming.username = value,
                    (Some("displayName"), None) if !value.is_empty() => {
                        provider.get_or_insert(filled(&value, address));
                    }
                    _ => {}
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    // Implicit TLS first (RFC 8314, section 3).
    found.sort_by_key(|server| server.endpoint.security != Security::ImplicitTls);
    found
}

fn name_of(start: &BytesStart<'_>) -> String {
    let name = start.local_name();
    let name: &str = name.as_ref();
    name.to_owned()
}

fn is_imap(start: &BytesStart<'_>) -> bool {
    let kind = start.try_get_attribute("type").ok().flatten();
    kind.is_some_and(|kind| kind.value.eq_ignore_ascii_case("imap"))
}

fn push(text: &mut String, part: &str) {
    let room = MAX_VALUE.saturating_sub(text.len());
    text.extend(part.chars().filter(|c| !c.is_control() || c.is_whitespace()).take(room));
}

fn resolved(entity: &str) -> &'static str {
    match entity {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}

fn named(incoming: Incoming, address: &str, provider: Option<&str>) -> Option<NamedServer> {
    let security = match incoming.socket_type.to_ascii_uppercase().as_str() {
        "SSL" | "TLS" => Security::ImplicitTls,
        "STARTTLS" => Security::StartTls,
        _ => return None,
    };
    let host = server_field::host(&filled(&incoming.hostname, address))?;
    let port = incoming.port.parse().ok().filter(|port| *port != 0)?;
    let username = filled(&incoming.username, address);
    let username = (!username.is_empty() && username != address).then_some(username);
    Some(NamedServer {
        endpoint: Endpoint { host, port, security },
        username,
        provider: provider.map(str::to_owned),
    })
}

/// Puts the parts of the address where the document has places for them.
fn filled(template: &str, address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    template
        .replace("%EMAILADDRESS%", address)
        .replace("%EMAILLOCALPART%", local)
        .replace("%EMAILDOMAIN%", domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(xml: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let servers = read(xml, "anna.b@firma.example").into_iter();
        servers
            .map(|server| (server_field::url(&server.endpoint), server.username, server.provider))
            .collect()
    }

    fn server(kind: &str, host: &str, port: &str, socket: &str, username: &str) -> String {
        format!(
            "<incomingServer type=\"{kind}\"><hostname>{host}</hostname><port>{port}</port>\
             <socketType>{socket}</socketType><authentication>password-cleartext</authentication>\
             <username>{username}</username></incomingServer>"
        )
    }

    fn document(servers: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><clientConfig version=\"1.1\"><emailProvider id=\"x\">\
             <domain>firma.example</domain><displayName>M&#252;ller &amp; S&ouml;hne</displayName>{servers}\
             <outgoingServer type=\"smtp\"><hostname>smtp.firma.example</hostname></outgoingServer>\
             </emailProvider></clientConfig>"
        )
    }

    #[test]
    fn imap_servers_with_encryption_are_read_implicit_tls_first() {
        let xml = document(
            &[
                server("pop3", "pop.firma.example", "995", "SSL", "%EMAILADDRESS%"),
                server("imap", "imap.firma.example", "143", "STARTTLS", "%EMAILLOCALPART%"),
                server("imap", "plain.firma.example", "143", "plain", "%EMAILADDRESS%"),
                server("imap", "mail.%EMAILDOMAIN%", "993", "SSL", "%EMAILADDRESS%"),
                server("imap", "\n imap2.firma.example \n", "1993", "SSL", "u-%EMAILLOCALPART%"),
            ]
            .concat(),
        );
        let name = Some("Müller & Shne".to_owned());
        assert_eq!(
            seen(&xml),
            [
                ("imaps://mail.firma.example:993".to_owned(), None, name.clone()),
                ("imaps://imap2.firma.example:1993".to_owned(), Some("u-anna.b".to_owned()), name.clone()),
                ("imap://imap.firma.example:143".to_owned(), Some("anna.b".to_owned()), name),
            ]
        );
    }

    #[test]
    fn what_cannot_be_understood_names_no_server() {
        for xml in [
            String::new(),
            "not xml at all".to_owned(),
            "<html><body>404</body></html>".to_owned(),
            document(&server("imap", "", "993", "SSL", "")),
            document(&server("imap", "a b", "993", "SSL", "")),
            document(&server("imap", "imap.firma.example", "x", "SSL", "")),
            document(&server("imap", "imap.firma.example", "0", "SSL", "")),
            document(&server("imap", "imap.firma.example", "993", "", "")),
            "<a>".repeat(100_000),
            format!("<!DOCTYPE x [<!ENTITY a \"{}\">]><x>&a;</x>", "a".repeat(1_000)),
        ] {
            assert_eq!(seen(&xml), []);
        }
    }

    #[test]
    fn a_document_that_breaks_off_gives_what_came_before() {
        let xml = document(&server("imap", "imap.firma.example", "993", "SSL", "%EMAILADDRESS%"));
        let cut = xml.find("<outgoingServer").unwrap();
        assert_eq!(seen(&xml[..cut + 5]).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_not(xml in "(<incomingServer type='imap'>|</incomingServer>|<hostname>|</hostname>|h|&amp;|&#0;|<!\\[CDATA\\[|\\]\\]>|<|>|\\PC){0,60}") {
            let _ = seen(&xml);
        }
    }
}
