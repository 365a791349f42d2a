//! Survey: what the source has, before anything is copied. All folders first, so that totals are known.
//!
//! Each extended form of a command is sent only while its capability is offered.

use std::collections::HashSet;

use imap::{
    Attribute, Capabilities, Connection, ListCommand, ListEntry, ListRequest, ListReturn, NameEncoding,
    Namespaces, Status, StatusItem, WireName,
};

use crate::folder::{Ownership, Role, SourceFolder};
use crate::line::Session;

/// What the source has.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What the server calls itself.
    pub server: Option<String>,
    /// Its capabilities after login.
    pub capabilities: Vec<String>,
    /// Its folders, as listed.
    pub folders: Vec<SourceFolder>,
    /// Lines of the list that made no sense: each may have been a folder.
    pub unintelligible: u64,
    /// Folders that the list left out because of the length of their names.
    pub overlong: u64,
}

impl Survey {
    /// Messages and, if the server told it for every folder, octets.
    pub fn totals(&self) -> (u64, Option<u64>) {
        let own = || {
            self.folders.iter().filter(|folder| folder.selectable && folder.ownership == Ownership::Personal)
        };
        let messages = own().map(|folder| u64::from(folder.status.messages.unwrap_or(0))).sum();
        let octets = own().map(|folder| folder.status.size).sum::<Option<u64>>();
        (messages, octets)
    }
}

/// Surveys the source over a connection that is logged in.
pub(crate) async fn survey(session: &mut Session) -> Result<Survey, imap::Error> {
    let server = server_name(session.server.as_deref());
    let connection = &mut session.connection;
    let namespaces =
        if connection.capabilities().has("NAMESPACE") { Some(connection.namespace().await?) } else { None };
    let (skipped, overlong) = (connection.skipped_names(), connection.overlong_names());
    let mut entries = list(connection).await?;
    let unintelligible = connection.skipped_names() - skipped;
    let overlong = connection.overlong_names() - overlong;
    if !entries.iter().any(|entry| entry.name.is_inbox()) {
        let separator = entries.iter().find_map(|entry| entry.separator);
        entries.insert(
            0,
            ListEntry { attributes: Vec::new(), separator, name: WireName::inbox(), status: None },
        );
    }
    let subscribed = subscriptions(connection, &entries).await?;
    fill_status(connection, &mut entries).await?;
    let folders = source_folders(&entries, &subscribed, namespaces.as_ref(), connection.name_encoding());
    let capabilities = connection.capabilities().iter().map(str::to_owned).collect();
    Ok(Survey { server, capabilities, folders, unintelligible, overlong })
}

/// What a server listed, as folders of the account: names decoded, levels apart, the personal prefix gone. The second list
/// says which of the entries are subscribed to.
pub fn source_folders(
    entries: &[ListEntry],
    subscribed: &[bool],
    namespaces: Option<&Namespaces>,
    encoding: NameEncoding,
) -> Vec<SourceFolder> {
    let strip = prefix(entries, namespaces);
    let folder = |(entry, subscribed): (&ListEntry, &bool)| {
        let decoded = entry.name.decode(encoding);
        SourceFolder {
            components: components(entry, &decoded.text, strip.as_deref()),
            text: decoded.text,
            valid: decoded.valid,
            name: entry.name.clone(),
            role: role(entry),
            ownership: ownership(&entry.name, namespaces),
            selectable: !has(entry, &[Attribute::NoSelect, Attribute::NonExistent]),
            subscribed: *subscribed,
            status: entry.status.clone().unwrap_or_default(),
        }
    };
    entries.iter().zip(subscribed).map(folder).collect()
}

fn server_name(id: Option<&[(String, String)]>) -> Option<String> {
    let id = id?;
    let field = |name: &str| {
        id.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    match (field("name")?, field("version")) {
        (name, Some(version)) => Some(format!("{name} {version}")),
        (name, None) => Some(name),
    }
}

/// STATUS items that this server understands.
pub(crate) fn status_items(capabilities: &Capabilities) -> Vec<StatusItem> {
    let mut items = vec![StatusItem::Messages, StatusItem::UidNext, StatusItem::UidValidity];
    if capabilities.has("STATUS=SIZE") || capabilities.has("IMAP4REV2") {
        items.push(StatusItem::Size);
    }
    if capabilities.has("CONDSTORE") || capabilities.has("QRESYNC") {
        items.push(StatusItem::HighestModSeq);
    }
    items
}

pub(crate) async fn list(connection: &mut Connection) -> Result<Vec<ListEntry>, imap::Error> {
    let capabilities = connection.capabilities();
    let extended = capabilities.has("LIST-EXTENDED") || capabilities.has("IMAP4REV2");
    let mut options = Vec::new();
    if capabilities.has("SPECIAL-USE") && extended {
        options.push(ListReturn::SpecialUse);
    }
    if extended {
        options.push(ListReturn::Subscribed);
    }
    if capabilities.has("LIST-STATUS") || capabilities.has("IMAP4REV2") {
        options.push(ListReturn::Status(status_items(capabilities)));
    }
    let command = if capabilities.has("XLIST") && !capabilities.has("SPECIAL-USE") {
        ListCommand::Xlist
    } else {
        ListCommand::List
    };
    let options = if command == ListCommand::List { options } else { Vec::new() };
    connection.list(&ListRequest { command, returns: options, ..ListRequest::default() }).await
}

/// Which entries are subscribed to, in their order.
pub(crate) async fn subscriptions(
    connection: &mut Connection,
    entries: &[ListEntry],
) -> Result<Vec<bool>, imap::Error> {
    let capabilities = connection.capabilities();
    let told = (capabilities.has("LIST-EXTENDED") || capabilities.has("IMAP4REV2"))
        && (capabilities.has("SPECIAL-USE") || !capabilities.has("XLIST"));
    if told {
        return Ok(entries.iter().map(|entry| has(entry, &[Attribute::Subscribed])).collect());
    }
    let subscribed =
        connection.list(&ListRequest { command: ListCommand::Lsub, ..ListRequest::default() }).await?;
    // INBOX is written in any case.
    let key = |name: &WireName| if name.is_inbox() { WireName::inbox() } else { name.clone() };
    let subscribed: HashSet<WireName> = subscribed
        .iter()
        .filter(|entry| !has(entry, &[Attribute::NoSelect]))
        .map(|entry| key(&entry.name))
        .collect();
    Ok(entries.iter().map(|entry| subscribed.contains(&key(&entry.name))).collect())
}

/// STATUS for the folders that LIST did not tell about. A folder that refuses is found out when it is opened.
async fn fill_status(connection: &mut Connection, entries: &mut [ListEntry]) -> Result<(), imap::Error> {
    let missing: Vec<usize> = (0..entries.len())
        .filter(|at| {
            let entry = &entries[*at];
            entry.status.is_none() && !has(entry, &[Attribute::NoSelect, Attribute::NonExistent])
        })
        .collect();
    let names: Vec<WireName> = missing.iter().map(|at| entries[*at].name.clone()).collect();
    let items = status_items(connection.capabilities());
    let answers = connection.status_many(&names, &items).await?;
    for (at, answer) in missing.into_iter().zip(answers) {
        match answer {
            Ok(status) => entries[at].status = Some(status),
            Err(error) => {
                tracing::info!(%error, "a folder has no status");
                entries[at].status = Some(Status::default());
            }
        }
    }
    Ok(())
}

fn has(entry: &ListEntry, wanted: &[Attribute]) -> bool {
    entry.attributes.iter().any(|attribute| wanted.contains(attribute))
}

fn role(entry: &ListEntry) -> Option<Role> {
    if entry.name.is_inbox() {
        return Some(Role::Inbox);
    }
    entry.attributes.iter().find_map(|attribute| {
        Some(match attribute {
            Attribute::Sent => Role::Sent,
            Attribute::Drafts => Role::Drafts,
            Attribute::Trash => Role::Trash,
            Attribute::Junk => Role::Junk,
            Attribute::Archive => Role::Archive,
            Attribute::All => Role::All,
            Attribute::Flagged => Role::Flagged,
            Attribute::Important => Role::Important,
            _ => return None,
        })
    })
}

fn ownership(name: &WireName, namespaces: Option<&Namespaces>) -> Ownership {
    let Some(namespaces) = namespaces else { return Ownership::Personal };
    let inside = |prefix: &[u8]| !prefix.is_empty() && name.as_bytes().starts_with(prefix);
    let longest = |list: &[imap::Namespace]| {
        list.iter()
            .map(|namespace| namespace.prefix.as_bytes())
            .filter(|prefix| inside(prefix))
            .map(<[u8]>::len)
            .max()
    };
    let personal = longest(&namespaces.personal).unwrap_or(0);
    let (others, shared) =
        (longest(&namespaces.others).unwrap_or(0), longest(&namespaces.shared).unwrap_or(0));
    if others > personal && others >= shared {
        Ownership::OtherUser
    } else if shared > personal {
        Ownership::Shared
    } else {
        Ownership::Personal
    }
}

/// The personal prefix to strip (RFC 2342): told by NAMESPACE, else inferred when everything lies below INBOX.
pub(crate) fn prefix(entries: &[ListEntry], namespaces: Option<&Namespaces>) -> Option<String> {
    if let Some(personal) = namespaces.and_then(|namespaces| namespaces.personal.first()) {
        return Some(String::from_utf8_lossy(personal.prefix.as_bytes()).into_owned());
    }
    let separator = entries.iter().find_map(|entry| entry.separator)?;
    let candidate = format!("INBOX{separator}");
    let below = |entry: &ListEntry| {
        entry
            .name
            .as_bytes()
            .get(..candidate.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(candidate.as_bytes()))
    };
    let mut others = entries.iter().filter(|entry| !entry.name.is_inbox()).peekable();
    (others.peek().is_some() && others.all(below)).then_some(candidate)
}

fn components(entry: &ListEntry, text: &str, prefix: Option<&str>) -> Vec<String> {
    if entry.name.is_inbox() {
        return vec!["INBOX".to_owned()];
    }
    let prefix = prefix.unwrap_or_default();
    let rest = match text.get(..prefix.len()) {
        Some(head) if head.eq_ignore_ascii_case(prefix) && text.len() > prefix.len() => &text[prefix.len()..],
        _ => text,
    };
    match entry.separator {
        Some(separator) => rest.split(separator).map(str::to_owned).collect(),
        None => vec![rest.to_owned()],
    }
}
