//! Folder names of the destination: what its server lists, and how a new name is written for it.
//!
//! A folder that is there is addressed by the octets with which the server lists it; only new names are encoded here.

use std::collections::{HashMap, HashSet};

use imap::{Attribute, Connection, WireName};

use crate::folder::{FolderPath, Ownership, Role, SourceFolder};
use crate::plan::{Case, NameRules};
use crate::survey;

/// The server's folders and its way of naming.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// What the account's own names begin with (RFC 2342).
    prefix: String,
    separator: Option<char>,
    folders: HashMap<FolderPath, Listed>,
    subscribed: HashSet<FolderPath>,
}

#[derive(Debug, Clone)]
struct Listed {
    name: WireName,
    selectable: bool,
}

impl Names {
    /// Asks the server.
    pub(super) async fn learn(connection: &mut Connection) -> Result<Names, imap::Error> {
        let namespaces = match connection.capabilities().has("NAMESPACE") {
            true => Some(connection.namespace().await?),
            false => None,
        };
        let entries = survey::list(connection).await?;
        let subscriptions = survey::subscriptions(connection, &entries).await?;
        let encoding = connection.name_encoding();
        let folders = survey::source_folders(&entries, &subscriptions, namespaces.as_ref(), encoding);
        let personal = namespaces.as_ref().and_then(|namespaces| namespaces.personal.first());
        let mut names = Names {
            prefix: survey::prefix(&entries, namespaces.as_ref()).unwrap_or_default(),
            separator: personal
                .and_then(|personal| personal.separator)
                .or_else(|| entries.iter().find_map(|entry| entry.separator)),
            ..Names::default()
        };
        for folder in folders.into_iter().filter(|folder| folder.ownership == Ownership::Personal) {
            names.add(folder);
        }
        Ok(names)
    }

    fn add(&mut self, folder: SourceFolder) {
        let path = match folder.components.as_slice() {
            [only] if only.eq_ignore_ascii_case("INBOX") => FolderPath::inbox(),
            _ => FolderPath(folder.components),
        };
        if folder.subscribed {
            self.subscribed.insert(path.clone());
        }
        self.folders.insert(path, Listed { name: folder.name, selectable: folder.selectable });
    }

    pub(super) fn existing(&self) -> Vec<FolderPath> {
        self.folders.keys().cloned().collect()
    }

    pub(super) fn subscribed(&self) -> Vec<FolderPath> {
        self.subscribed.iter().cloned().collect()
    }

    pub(super) fn is_subscribed(&self, path: &FolderPath) -> bool {
        self.subscribed.contains(path)
    }

    pub(super) fn now_subscribed(&mut self, path: &FolderPath) {
        self.subscribed.insert(path.clone());
    }

    /// The name of a folder that can be opened.
    pub(super) fn open(&self, path: &FolderPath) -> Option<WireName> {
        match self.folders.get(path) {
            Some(listed) => listed.selectable.then(|| listed.name.clone()),
            // INBOX is always there (RFC 9051, section 5.1).
            None => path.is_inbox().then(WireName::inbox),
        }
    }

    /// The name of a folder, whether it is there or not.
    pub(super) fn name(&self, path: &FolderPath) -> WireName {
        if path.is_inbox() {
            return WireName::inbox();
        }
        if let Some(listed) = self.folders.get(path) {
            return listed.name.clone();
        }
        let levels: Vec<String> = path.0.iter().map(|level| imap::utf7::encode(level)).collect();
        let separator = self.separator.map(String::from).unwrap_or_default();
        WireName::new(format!("{}{}", self.prefix, levels.join(&separator)))
    }

    /// The folder was made.
    pub(super) fn now_exists(&mut self, path: &FolderPath) {
        let name = self.name(path);
        self.folders.insert(path.clone(), Listed { name, selectable: true });
    }

    /// The folder is not there any more.
    pub(super) fn now_gone(&mut self, path: &FolderPath) {
        self.folders.remove(path);
    }

    /// What names this server takes, as far as can be known: `*` and `%` mean patterns (RFC 9051, section 6.3.9), and
    /// servers that keep folders in directories refuse `/` and `.` inside a level whatever their separator is.
    pub(super) fn rules(&self, levels: usize) -> NameRules {
        NameRules {
            separator: self.separator.unwrap_or('/'),
            forbidden: &['/', '.', '*', '%', '\\'],
            forbidden_first: &['~', '#', '&'],
            max_component_octets: 200,
            max_total_octets: 240,
            max_depth: if self.separator.is_some() { levels.clamp(2, 30) } else { 2 },
            case: Case::Sensitive,
        }
    }
}

/// What the server is told of a new folder (RFC 6154).
pub(super) fn purpose(role: Role) -> Option<Attribute> {
    Some(match role {
        Role::Sent => Attribute::Sent,
        Role::Drafts => Attribute::Drafts,
        Role::Trash => Attribute::Trash,
        Role::Junk => Attribute::Junk,
        Role::Archive => Attribute::Archive,
        Role::Inbox | Role::All | Role::Flagged | Role::Important => return None,
    })
}
