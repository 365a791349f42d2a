//! The engine's reasons for renaming a folder or leaving it out, in German.
//!
//! The engine gives them as one or more whole English sentences. Here stands each of them once; what is not known stays
//! as it is.

/// English and German; `{}` stands for a name or character.
const SENTENCES: &[(&str, &str)] = &[
    ("It is the inbox.", "Das ist der Posteingang."),
    ("It is the folder for sent mail.", "Das ist der Ordner für gesendete Nachrichten."),
    ("It is the folder for drafts.", "Das ist der Ordner für Entwürfe."),
    ("It is the folder for deleted mail.", "Das ist der Ordner für gelöschte Nachrichten."),
    ("It is the folder for junk mail.", "Das ist der Ordner für Spam."),
    ("It is the archive.", "Das ist das Archiv."),
    (
        "It holds the mail that is in no other folder.",
        "Er enthält die Nachrichten, die in keinem anderen Ordner liegen.",
    ),
    ("It shows flagged mail of all folders.", "Er zeigt markierte Nachrichten aus allen Ordnern."),
    ("It shows important mail of all folders.", "Er zeigt wichtige Nachrichten aus allen Ordnern."),
    (
        "The new mailbox does not allow “{}” in a folder name.",
        "Im neuen Postfach darf „{}“ nicht in einem Ordnernamen stehen.",
    ),
    (
        "The new mailbox does not allow “{}” at the start of a folder name.",
        "Im neuen Postfach darf „{}“ nicht am Anfang eines Ordnernamens stehen.",
    ),
    ("The name holds a control character.", "Der Name enthält ein Steuerzeichen."),
    ("A part of the name is empty.", "Ein Teil des Namens ist leer."),
    ("Only the inbox itself can be called INBOX.", "Nur der Posteingang selbst kann INBOX heißen."),
    ("The name is too long for the new mailbox.", "Der Name ist zu lang für das neue Postfach."),
    (
        "The folder is nested too deeply for the new mailbox.",
        "Der Ordner ist für das neue Postfach zu tief verschachtelt.",
    ),
    (
        "Another folder has this name in the new mailbox.",
        "Ein anderer Ordner hat im neuen Postfach schon diesen Namen.",
    ),
    ("Its parent folder is saved as {}.", "Der übergeordnete Ordner heißt im neuen Postfach {}."),
    ("It belongs to another user.", "Er gehört jemand anderem."),
    ("It is shared by several users.", "Er wird von mehreren gemeinsam benutzt."),
    (
        "It is another spelling of INBOX, which is copied once.",
        "Das ist eine andere Schreibweise von INBOX; der Posteingang wird einmal übernommen.",
    ),
    (
        "It holds folders only; the old server does not open it.",
        "Er enthält nur Ordner; der alte Server öffnet ihn nicht.",
    ),
    ("It was excluded ({}).", "Er wurde ausgeschlossen ({})."),
    ("It is not among the folders that were asked for.", "Er gehört nicht zu den gewünschten Ordnern."),
    ("It was asked for (--map).", "So wurde es gewünscht (--map)."),
    ("It holds chats, which are no mail.", "Er enthält Chats, keine E-Mails."),
    (
        "It holds appointments, contacts or tasks, which are no mail.",
        "Er enthält Termine, Kontakte oder Aufgaben, keine E-Mails.",
    ),
];

/// The reason in German, or as it is where a part of it is not known.
pub(super) fn in_german(why: &str) -> String {
    let mut german: Vec<String> = Vec::new();
    let mut rest = why.trim();
    while !rest.is_empty() {
        let found = SENTENCES.iter().find_map(|(english, german)| begins(rest, english, german));
        let Some((sentence, behind)) = found else { return why.to_owned() };
        german.push(sentence);
        rest = behind.trim_start();
    }
    german.join(" ")
}

/// The German of a sentence that `text` begins with, and what follows it.
fn begins<'a>(text: &'a str, english: &str, german: &str) -> Option<(String, &'a str)> {
    let Some((before, after)) = english.split_once("{}") else {
        return text.strip_prefix(english).map(|rest| (german.to_owned(), rest));
    };
    let rest = text.strip_prefix(before)?;
    // A name may hold what ends the sentence: the end that is followed by a space or nothing is the right one.
    let ends = |at: &usize| rest[at + after.len()..].chars().next().is_none_or(char::is_whitespace);
    let at = rest.match_indices(after).map(|(at, _)| at).find(ends)?;
    Some((german.replace("{}", &rest[..at]), &rest[at + after.len()..]))
}
