//! From what a server lists to folders of a Maildir: whatever the names, attributes and delimiters, each destination is
//! one that Dovecot takes, below the mailbox's root and nobody else's, and planning again gives the same.

use std::collections::HashSet;

use bytes::BytesMut;
use engine::folder::{FolderPath, SourceFolder};
use engine::plan::{NameRules, Plan, Selection, plan};
use imap::protocol::{Decoder, Frame, Response};
use imap::{Limits, ListEntry, NameEncoding, Namespaces, utf7};
use maildir::FolderName;

/// Folders beyond these only take time.
const MOST: usize = 100;

/// The first octet chooses how names are encoded and whether namespaces are told; the others are what a server answers to
/// LIST and NAMESPACE.
pub(crate) fn check(octets: &[u8]) {
    let Some((&choice, wire)) = octets.split_first() else { return };
    let (entries, namespaces) = listed(wire);
    let encoding = if choice & 1 == 0 { NameEncoding::ModifiedUtf7 } else { NameEncoding::Utf8 };
    let namespaces = namespaces.filter(|_| choice & 2 == 0);
    let subscribed: Vec<bool> = entries.iter().map(|_| choice & 4 == 0).collect();
    let folders = engine::source_folders(&entries, &subscribed, namespaces.as_ref(), encoding);
    assert_eq!(folders.len(), entries.len());

    let first = planned(&folders, &[]);
    each_has_a_place(&folders, &first);
    let reversed: Vec<SourceFolder> = folders.iter().rev().cloned().collect();
    assert_eq!(planned(&reversed, &[]), first, "the order of the list changes the plan");
    let made: Vec<FolderPath> = first.folders.iter().map(|folder| folder.destination.clone()).collect();
    assert_eq!(planned(&folders, &made), first, "the second run goes elsewhere than the first");
}

fn planned(folders: &[SourceFolder], existing: &[FolderPath]) -> Plan {
    plan(folders, existing, &NameRules::maildir(), &Selection::default())
}

fn listed(wire: &[u8]) -> (Vec<ListEntry>, Option<Namespaces>) {
    let (mut entries, mut namespaces) = (Vec::new(), None);
    let mut decoder = Decoder::new(Limits::default());
    let mut waiting = BytesMut::from(wire);
    while let Ok(Some(frame)) = decoder.decode(&mut waiting) {
        let Frame::Response(response) = frame else { continue };
        match *response {
            Response::List(entry) if entries.len() < MOST => entries.push(entry),
            Response::Namespace(told) => namespaces = Some(told),
            _ => {}
        }
    }
    (entries, namespaces)
}

fn each_has_a_place(folders: &[SourceFolder], plan: &Plan) {
    let names: HashSet<_> = folders.iter().map(|folder| &folder.name).collect();
    assert_eq!(plan.folders.len() + plan.left_out.len(), names.len(), "a folder is lost or doubled");
    let mut taken = HashSet::new();
    for folder in &plan.folders {
        let levels = &folder.destination.0;
        let encoded = levels.iter().map(|level| utf7::encode(level)).collect();
        let name = FolderName::new(encoded).expect("a name that a Maildir takes");
        let directory = name.directory();
        assert!(taken.insert(directory.clone()), "two folders become {directory:?}");
        assert!(directory.len() <= 240 && levels.len() <= 30, "{directory:?} is too long or too deep");
        assert!(!directory.contains('/') && !directory.contains('\0'), "{directory:?} leaves the mailbox");
        assert!(!directory.split('.').skip(1).any(str::is_empty), "{directory:?} has an empty level");
        assert!(!directory.starts_with(".~"), "Dovecot refuses {directory:?}");
        assert!(!levels.iter().any(|level| level.chars().any(char::is_control)), "{levels:?}");
    }
    let told: HashSet<_> = plan.renamed.iter().map(|renamed| renamed.destination.as_str()).collect();
    for folder in &plan.folders {
        let same = folder.source.components == folder.destination.0;
        let inbox = folder.source.components.first().is_some_and(|first| first.eq_ignore_ascii_case("INBOX"));
        assert!(
            same || inbox || told.contains(folder.destination.to_string().as_str()),
            "renamed and not told"
        );
    }
    assert!(plan.renamed.iter().all(|renamed| renamed.why.ends_with('.')), "no reason: {:?}", plan.renamed);
}
