//! What a customer is told when something fails: whose fault, the plain sentence, the detail, whether it is tried again.
//!
//! The one place where causes become the product's classes. Blocked, refused, silent and "not an IMAP server" give one
//! and the same answer without detail, or a stranger could look around in our network through it.

use std::time::Duration;

use engine::report::{Side as EngineSide, Stop};

use crate::model::{Failure, Side};

/// Classes that all mean: no IMAP server answers at this address.
const UNREACHABLE: [&str; 4] = ["blocked_address", "connect", "timeout", "not_imap"];

/// All classes that a [`Failure`] can have, with their sentence in English.
pub const CLASSES: [(&str, &str); 23] = [
    (
        "auth",
        "The old provider did not accept this user name or password. Many providers need an app password.",
    ),
    (
        "imap_disabled",
        "Mail-program access is switched off at your old provider. Switch it on there, then check again.",
    ),
    ("oauth_expired", "The permission has expired. Please sign in again."),
    ("dns", "We cannot find that mail server. Please check the spelling."),
    ("connect", "The old server is not answering. Please check its name, or try again later."),
    ("tls", "We could not make a trusted, encrypted connection to this server."),
    ("throttled", "Your old provider limits the speed. We continue automatically."),
    (
        "daily_limit",
        "Today's download allowance at your old provider is used up. We continue automatically tomorrow.",
    ),
    ("unavailable", "The old server refuses for the moment. We keep trying."),
    (
        "limit",
        "The old server has more folders, or sends longer answers, than this service accepts. Whoever runs it can raise the limit.",
    ),
    ("protocol", "The old server answered in a way that cannot be used."),
    ("unreadable", "The old server refuses to hand over too many messages."),
    ("uidvalidity_unstable", "The old server keeps numbering its messages anew."),
    (
        "server_not_found",
        "We could not find the mail server of this address. Please enter its name; your old provider's help pages tell it.",
    ),
    ("mailbox_password_needed", "This mailbox does not exist yet. Please enter a password for it."),
    ("quota", "The new mailbox is full."),
    ("disk_full", "We paused the import because our disk is full. Nothing is lost."),
    (
        "disk_low",
        "We paused the import because our disk is nearly full. Nothing is lost; we continue when there is room.",
    ),
    (
        "import_size",
        "This import has brought as much as one may bring at a time. Start it again to go on, or ask whoever runs this service to raise the limit.",
    ),
    ("not_writable", "The new mailbox cannot be written to. Your provider has to mend this."),
    ("busy", "Another import is working on this mailbox. We go on after it."),
    ("destination", "The new mailbox cannot be used. Your provider has to mend this."),
    ("internal", "An internal fault stopped this. It can be resumed; nothing is lost."),
];

/// The English sentence of a class; an unknown one is an internal fault.
fn sentence(class: &str) -> (&'static str, &'static str) {
    let found = CLASSES.iter().find(|(known, _)| *known == class);
    found.copied().unwrap_or_else(|| sentence("internal"))
}

/// A failure of a class.
pub(crate) fn of_class(side: Side, class: &str, detail: Option<String>) -> Failure {
    let class = if UNREACHABLE.contains(&class) { "connect" } else { class };
    let (class, message) = sentence(class);
    // Where nothing answers nothing is said about why.
    let detail = detail.filter(|_| class != "connect").map(|text| plain(&text));
    Failure { side, class: class.to_owned(), message: message.to_owned(), detail, retried: false }
}

/// Why the engine stopped.
pub(crate) fn of_stop(stop: &Stop) -> Failure {
    let side = match stop.side {
        EngineSide::Source => Side::Source,
        EngineSide::Destination => Side::Destination,
        EngineSide::Internal => Side::Internal,
    };
    let class = if stop.class == "ledger" { "internal" } else { &stop.class };
    of_class(side, class, Some(stop.message.clone()))
}

/// Whether a failure says that no server answers there.
pub(crate) fn is_unreachable(failure: &Failure) -> bool {
    failure.class == "connect"
}

/// When an import that failed with this is tried again, if at all: `failing` since the first such failure.
///
/// Pauses grow with the time that it has been failing, from 15 seconds to 5 minutes; what is full or down here is waited
/// for without end, what is down there for `give_up_after`. A provider that limits the speed is there, and is given a
/// week; of a day's allowance a part may be free again after some hours.
pub(crate) fn retry(failure: &Failure, failing: Duration, give_up_after: Duration) -> Option<Duration> {
    const SHORTEST: Duration = Duration::from_secs(15);
    const LONGEST: Duration = Duration::from_secs(300);
    const WINDOW: Duration = Duration::from_secs(6 * 3600);
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
    let growing = (failing / 2).clamp(SHORTEST, LONGEST);
    match failure.class.as_str() {
        "disk_full" | "disk_low" | "busy" => Some(growing),
        // Three times, five minutes apart.
        "dns" => (failing < LONGEST * 3).then_some(LONGEST),
        "throttled" => (failing < WEEK).then_some(growing),
        "daily_limit" => (failing < WEEK).then_some(WINDOW),
        "connect" | "unavailable" | "protocol" => (failing < give_up_after).then_some(growing),
        _ => None,
    }
}

/// A server's words for people: no control characters, 512 characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(512).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_why_nothing_answers_gives_one_and_the_same_answer() {
        let answers =
            UNREACHABLE.map(|class| of_class(Side::Source, class, Some(format!("because {class}"))));
        assert!(answers.iter().all(|answer| *answer == answers[0] && answer.detail.is_none()), "{answers:?}");
        assert_ne!(of_class(Side::Source, "auth", None).message, answers[0].message);
    }

    #[test]
    fn refused_credentials_are_never_tried_again_and_silence_is_for_half_an_hour() {
        let half_an_hour = Duration::from_secs(1800);
        let again = |class, failing| {
            let failure = of_class(Side::Source, class, None);
            retry(&failure, Duration::from_secs(failing), half_an_hour).map(|pause| pause.as_secs())
        };
        for class in
            ["auth", "imap_disabled", "tls", "quota", "internal", "not_writable", "import_size", "limit"]
        {
            assert_eq!(again(class, 0), None, "{class}");
        }
        assert_eq!(
            [again("connect", 0), again("connect", 100), again("timeout", 1700)],
            [Some(15), Some(50), Some(300)]
        );
        assert_eq!(
            [again("connect", 1800), again("disk_full", 90_000), again("disk_low", 90_000)],
            [None, Some(300), Some(300)]
        );
        assert_eq!([again("throttled", 90_000), again("daily_limit", 90_000)], [Some(300), Some(21_600)]);
        assert_eq!([again("throttled", 700_000), again("daily_limit", 700_000)], [None, None]);
        assert_eq!([again("dns", 0), again("dns", 899), again("dns", 900)], [Some(300), Some(300), None]);
    }

    #[test]
    fn a_servers_words_are_cut_and_made_plain() {
        let failure = of_class(Side::Source, "auth", Some(format!("a\r\nb{}", "x".repeat(600))));
        let detail = failure.detail.unwrap();
        assert!(detail.starts_with("a  bx") && detail.chars().count() == 512);
    }
}
