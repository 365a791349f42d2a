//! What a folder is for: told by the server, else by the name that mail programs give it.
//!
//! A name counts only where mail programs create such folders: outermost, directly below INBOX, or in Gmail's container. A
//! folder called `Sent` anywhere else is the customer's own.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::role_names::{EXCHANGE_STORES, LANGUAGES};
use super::rules::nfc;
use crate::folder::Role;

/// The roles that a folder of ours can take, in the order in which they are copied.
pub(super) const ASSIGNED: [Role; 5] = [Role::Sent, Role::Drafts, Role::Trash, Role::Junk, Role::Archive];

/// How well a name fits its role: the destination's own name, then English, then other languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    Exact,
    English,
    Other,
}

/// The destination's name of a role's folder.
pub(super) fn canonical_name(role: Role) -> &'static str {
    match role {
        Role::Inbox => "INBOX",
        Role::Sent => "Sent",
        Role::Drafts => "Drafts",
        Role::Trash => "Trash",
        Role::Junk => "Junk",
        Role::Archive => "Archive",
        Role::All => "All Mail",
        Role::Flagged => "Starred",
        Role::Important => "Important",
    }
}

/// What a folder of this role is, for people.
pub(super) fn description(role: Role) -> &'static str {
    match role {
        Role::Inbox => "It is the inbox.",
        Role::Sent => "It is the folder for sent mail.",
        Role::Drafts => "It is the folder for drafts.",
        Role::Trash => "It is the folder for deleted mail.",
        Role::Junk => "It is the folder for junk mail.",
        Role::Archive => "It is the archive.",
        Role::All => "It holds the mail that is in no other folder.",
        Role::Flagged => "It shows flagged mail of all folders.",
        Role::Important => "It shows important mail of all folders.",
    }
}

/// The role of a name by the tables.
pub(super) fn by_name(name: &str) -> Option<(Role, Fit)> {
    static TABLE: LazyLock<HashMap<String, (Role, Fit)>> = LazyLock::new(|| {
        let mut table = HashMap::new();
        for (index, language) in LANGUAGES.iter().enumerate() {
            let fit = if index == 0 { Fit::English } else { Fit::Other };
            for (role, name) in language.names() {
                table.entry(key(name)).or_insert((role, fit));
            }
        }
        table
    });
    let (role, fit) = *TABLE.get(&key(name))?;
    Some((role, if name == canonical_name(role) { Fit::Exact } else { fit }))
}

/// The role of a source folder by where it lies and what it is called.
pub(super) fn by_place(levels: &[String]) -> Option<(Role, Fit)> {
    match levels {
        [name] => by_name(name),
        [container, name] if container.eq_ignore_ascii_case("INBOX") => by_name(name),
        [container, name] if is_gmail_container(container) => by_name(name).or_else(|| gmail_view(name)),
        _ => None,
    }
}

/// Whether this is the folder in which Gmail keeps its own ones.
pub(super) fn is_gmail_container(name: &str) -> bool {
    name.eq_ignore_ascii_case("[Gmail]") || name.eq_ignore_ascii_case("[Google Mail]")
}

/// Whether a folder in Gmail's container holds chats, which are no mail. Google has no attribute for it.
pub(super) fn is_gmail_chats(levels: &[String]) -> bool {
    let [container, name, ..] = levels else { return false };
    is_gmail_container(container) && ["chats", "chat", "tchats", "tchat"].contains(&key(name).as_str())
}

/// Gmail's own views where the attribute is missing.
fn gmail_view(name: &str) -> Option<(Role, Fit)> {
    let role = match key(name).as_str() {
        "all mail" | "alle nachrichten" => Role::All,
        "starred" | "markiert" => Role::Flagged,
        "important" | "wichtig" => Role::Important,
        _ => return None,
    };
    Some((role, Fit::English))
}

/// The outermost names that hold appointments, contacts and tasks on this server. Only Exchange shows all three beside
/// each other under the names of one language; elsewhere a folder of such a name holds mail and is copied.
pub(super) fn exchange_stores<'a>(outermost: impl Iterator<Item = &'a str>) -> Vec<String> {
    let present: std::collections::HashSet<String> = outermost.map(key).collect();
    let stores: Option<Vec<String>> = EXCHANGE_STORES
        .iter()
        .map(|row| row.iter().map(|name| key(name)).collect::<Vec<_>>())
        .find(|row| row.iter().take(3).all(|name| present.contains(name)));
    stores.unwrap_or_default()
}

/// A name for comparison: NFC, lower case.
pub(super) fn key(name: &str) -> String {
    nfc(&nfc(name).to_lowercase()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(path: &[&str]) -> Vec<String> {
        path.iter().map(|level| (*level).to_owned()).collect()
    }

    #[test]
    fn every_name_of_every_language_has_its_one_role() {
        for language in LANGUAGES {
            for (role, name) in language.names() {
                assert_eq!(by_name(name).map(|(role, _)| role), Some(role), "{} {name}", language.name);
            }
        }
    }

    #[test]
    fn every_language_names_every_role() {
        for language in LANGUAGES {
            for role in ASSIGNED {
                assert!(language.names().any(|(r, _)| r == role), "{} {role:?}", language.name);
            }
        }
    }

    #[test]
    fn names_of_well_known_programs_are_known() {
        for (name, role) in [
            ("Sent Items", Role::Sent),
            ("Sent Messages", Role::Sent),
            ("Gesendete Elemente", Role::Sent),
            ("Gesendete Objekte", Role::Sent),
            ("Éléments envoyés", Role::Sent),
            ("Elementos enviados", Role::Sent),
            ("Posta inviata", Role::Sent),
            ("Verzonden items", Role::Sent),
            ("Itens enviados", Role::Sent),
            ("Elementy wysłane", Role::Sent),
            ("Odeslaná pošta", Role::Sent),
            ("Skickade objekt", Role::Sent),
            ("Sendt post", Role::Sent),
            ("Sendte elementer", Role::Sent),
            ("Lähetetyt", Role::Sent),
            ("Отправленные", Role::Sent),
            ("送信済みアイテム", Role::Sent),
            ("已发送邮件", Role::Sent),
            ("寄件備份", Role::Sent),
            ("Deleted Items", Role::Trash),
            ("Papierkorb", Role::Trash),
            ("Corbeille", Role::Trash),
            ("Koš", Role::Trash),
            ("Kosz", Role::Trash),
            ("Lixo", Role::Trash),
            ("Junk Email", Role::Junk),
            ("Junk E-Mail", Role::Junk),
            ("Spamverdacht", Role::Junk),
            ("Lixo Eletrônico", Role::Junk),
            ("Courrier indésirable", Role::Junk),
            ("Bulk Mail", Role::Junk),
            ("Entwürfe", Role::Drafts),
            ("Wersje robocze", Role::Drafts),
            ("Archives", Role::Archive),
        ] {
            assert_eq!(by_name(name).map(|(role, _)| role), Some(role), "{name}");
        }
    }

    #[test]
    fn names_that_are_only_similar_are_the_customers_own() {
        for name in
            ["Sent by mistake", "Sen", "", "Posta", "Outbox", "Postausgang", "Inbox", "Work", "Archive 2023"]
        {
            assert_eq!(by_name(name), None, "{name}");
        }
    }

    #[test]
    fn case_and_normalisation_do_not_matter() {
        for name in ["ENTWÜRFE", "entwürfe", "Entwu\u{308}rfe"] {
            assert_eq!(by_name(name), Some((Role::Drafts, Fit::Other)), "{name}");
        }
        assert_eq!(by_name("Sent"), Some((Role::Sent, Fit::Exact)));
        assert_eq!(by_name("SENT"), Some((Role::Sent, Fit::English)));
        assert_eq!(by_name("İSTENMEYEN POSTA").map(|(role, _)| role), Some(Role::Junk));
    }

    #[test]
    fn only_outermost_folders_and_those_below_inbox_count() {
        for (path, role) in [
            (&["Sent"][..], Some(Role::Sent)),
            (&["INBOX", "Sent"], Some(Role::Sent)),
            (&["inbox", "Papierkorb"], Some(Role::Trash)),
            (&["[Gmail]", "Spam"], Some(Role::Junk)),
            (&["[Gmail]", "All Mail"], Some(Role::All)),
            (&["[Google Mail]", "Starred"], Some(Role::Flagged)),
            (&["Starred"], None),
            (&["All Mail"], None),
            (&["Work", "Sent"], None),
            (&["INBOX", "Work", "Sent"], None),
            (&[], None),
        ] {
            assert_eq!(by_place(&levels(path)).map(|(role, _)| role), role, "{path:?}");
        }
    }

    #[test]
    fn chats_are_gmails_only() {
        assert!(is_gmail_chats(&levels(&["[Gmail]", "Chats"])));
        assert!(!is_gmail_chats(&levels(&["Chats"])));
    }

    #[test]
    fn calendars_are_known_only_where_contacts_and_tasks_stand_beside_them() {
        let stores = |names: &[&str]| exchange_stores(names.iter().copied());
        assert_eq!(
            stores(&["Kalender", "Aufgaben", "Kontakte"]),
            ["kalender", "kontakte", "aufgaben", "journal"]
        );
        assert!(stores(&["Calendar", "Contacts"]).is_empty());
        assert!(stores(&["Calendar", "Kontakte", "Tasks"]).is_empty());
        assert!(stores(&["Notes", "Tasks"]).is_empty());
    }
}
