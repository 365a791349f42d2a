//! Where each source folder goes: a pure function of both sides' folder lists and the operator's wishes.
//!
//! The plan never sends two source folders to one destination, never produces a name that the destination refuses, and
//! does not depend on the order in which a server lists its folders. Planning again over what the first plan created gives
//! the same plan, and leaving folders out moves no other. Whatever is renamed or left out is said, with the reason.

mod place;
mod role_names;
mod roles;
mod rules;
mod selection;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::folder::{FolderPath, Ownership, Role, SourceFolder};
use crate::report::RenamedFolder;

use self::place::{Placement, placements};
pub use self::rules::{Case, NameRules};
pub use self::selection::{Pattern, Selection, SelectionError};

/// What will be copied where.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Plan {
    /// The folders in the order in which they are copied: INBOX, those with a role, the others by name, a view of everything last.
    pub folders: Vec<PlannedFolder>,
    /// The folders that are not copied, by name.
    pub left_out: Vec<LeftOut>,
    /// Those of `folders` that get another name, in the same order.
    pub renamed: Vec<RenamedFolder>,
    /// Options that named no folder of the source, as written: mostly a typing error.
    pub unused: Vec<String>,
}

/// A source folder and its place at the destination.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFolder {
    /// The folder at the source.
    pub source: SourceFolder,
    /// Its place; no other planned folder has the same.
    pub destination: FolderPath,
    /// What it is for; at most one folder for each role except INBOX's views.
    pub role: Option<Role>,
}

/// A folder that is not copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Decoded source name, as [`source_name`] gives it.
    pub source: String,
    /// Why, in one plain sentence.
    pub why: String,
}

impl Serialize for PlannedFolder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("PlannedFolder", 3)?;
        fields.serialize_field("source", &source_name(&self.source))?;
        fields.serialize_field("destination", &self.destination.to_string())?;
        fields.serialize_field("role", &self.role)?;
        fields.end()
    }
}

/// A source folder's name for people and for `--include`, `--exclude` and `--map`: decoded, levels joined by `/`, without
/// the personal namespace's prefix. Folders of others keep their whole name.
pub fn source_name(folder: &SourceFolder) -> String {
    match folder.ownership {
        Ownership::Personal => folder.components.join("/"),
        Ownership::OtherUser | Ownership::Shared => folder.text.clone(),
    }
}

/// Plans an import of `folders` into a destination that holds the folders `existing`.
pub fn plan(
    folders: &[SourceFolder],
    existing: &[FolderPath],
    rules: &NameRules,
    selection: &Selection,
) -> Plan {
    let folders = distinct(folders);
    let (personal, foreign): (Vec<_>, Vec<_>) =
        folders.into_iter().partition(|folder| folder.ownership == Ownership::Personal);
    let mut plan = Plan { unused: unused(&personal, selection), ..Plan::default() };
    for folder in foreign {
        let why = match folder.ownership {
            Ownership::OtherUser => "It belongs to another user.",
            Ownership::Shared | Ownership::Personal => "It is shared by several users.",
        };
        plan.leave_out(folder, why.to_owned());
    }
    let placements = placements(&personal, existing, rules, selection);
    let stores = roles::exchange_stores(personal.iter().filter_map(|f| match f.components.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    }));
    let mut planned = Vec::new();
    for (folder, placement) in personal.into_iter().zip(placements) {
        match refusal(folder, &placement, &stores, selection) {
            Some(why) => plan.leave_out(folder, why),
            None => planned.push((folder, placement)),
        }
    }
    planned.sort_by_cached_key(|(folder, placement)| copying_order(folder, placement));
    for (folder, placement) in planned {
        plan.add(folder, placement);
    }
    plan.left_out.sort_by(|a, b| (&a.source, &a.why).cmp(&(&b.source, &b.why)));
    plan
}

impl Plan {
    fn leave_out(&mut self, folder: &SourceFolder, why: String) {
        self.left_out.push(LeftOut { source: source_name(folder), why });
    }

    fn add(&mut self, folder: &SourceFolder, placement: Placement) {
        let destination = FolderPath(placement.path);
        if !same_name(folder, &destination) {
            self.renamed.push(RenamedFolder {
                source: source_name(folder),
                destination: destination.to_string(),
                why: placement.why,
            });
        }
        self.folders.push(PlannedFolder { source: folder.clone(), destination, role: placement.role });
    }
}

/// The folders without repetitions, in an order that does not depend on the server's.
fn distinct(folders: &[SourceFolder]) -> Vec<&SourceFolder> {
    let mut sorted: Vec<&SourceFolder> = folders.iter().collect();
    sorted.sort_by(|a, b| {
        let shape = |f: &SourceFolder| (f.role.is_none(), f.role, !f.selectable, !f.subscribed, !f.valid);
        (&a.components, &a.text, &a.name)
            .cmp(&(&b.components, &b.text, &b.name))
            .then_with(|| shape(a).cmp(&shape(b)))
    });
    let mut seen = HashSet::new();
    sorted.retain(|folder| seen.insert(&folder.name));
    sorted
}

/// Why a folder of the account's own is not copied.
fn refusal(
    folder: &SourceFolder,
    placement: &Placement,
    stores: &[String],
    selection: &Selection,
) -> Option<String> {
    if placement.repeats_inbox {
        return Some("It is another spelling of INBOX, which is copied once.".to_owned());
    }
    if !folder.selectable {
        return Some("It holds folders only; the old server does not open it.".to_owned());
    }
    let name = source_name(folder);
    if let Some(why) = selection.refuses(&name) {
        return Some(why);
    }
    if selection.mapped(&name).is_some() {
        return None;
    }
    if let Some(role @ (Role::Flagged | Role::Important)) = placement.role {
        return Some(roles::description(role).to_owned());
    }
    if roles::is_gmail_chats(&folder.components) {
        return Some("It holds chats, which are no mail.".to_owned());
    }
    let outermost = folder.components.first()?;
    if stores.contains(&roles::key(outermost)) {
        return Some("It holds appointments, contacts or tasks, which are no mail.".to_owned());
    }
    None
}

fn copying_order(folder: &SourceFolder, placement: &Placement) -> (u8, Option<Role>, Vec<String>, Vec<u8>) {
    let class = match placement.role {
        _ if placement.path.is_empty() => 0,
        Some(Role::All) => 3,
        Some(_) => 1,
        None => 2,
    };
    (class, placement.role, placement.path.clone(), folder.name.as_bytes().to_vec())
}

/// Whether the destination's name is the source's. INBOX is written in any case (RFC 9051, section 5.1).
fn same_name(folder: &SourceFolder, destination: &FolderPath) -> bool {
    let source = folder.components.as_slice();
    if let ([first, rest @ ..], [head, tail @ ..]) = (source, destination.0.as_slice()) {
        let both_inbox = first.eq_ignore_ascii_case("INBOX") && head == "INBOX";
        return rest == tail && (first == head || both_inbox);
    }
    destination.is_inbox() && matches!(source, [only] if only.eq_ignore_ascii_case("INBOX"))
}

/// The options that no folder answers to.
fn unused(folders: &[&SourceFolder], selection: &Selection) -> Vec<String> {
    let names: Vec<String> = folders.iter().map(|folder| source_name(folder)).collect();
    let patterns = [("--include", &selection.include), ("--exclude", &selection.exclude)];
    let unmatched = patterns.into_iter().flat_map(|(option, patterns)| {
        let nothing = |pattern: &&Pattern| !names.iter().any(|name| pattern.matches(name));
        patterns.iter().filter(nothing).map(move |pattern| format!("{option} {}", pattern.text()))
    });
    let used: HashSet<&str> = names.iter().filter_map(|name| selection.mapped(name)).collect();
    let unmapped = selection.map.iter().filter(|(_, new)| !used.contains(new.as_str()));
    unmatched.chain(unmapped.map(|(old, new)| format!("--map {old}={new}"))).collect()
}
