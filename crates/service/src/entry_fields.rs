//! The rules for the fields of one entry, the same for the form, CSV, API and command line.
//!
//! Pure: whether server and mailbox are really as they should be is found out by the check. Passwords are taken exactly
//! as they are, and no problem repeats one.

use mailhost::{Address, AddressError, DomainName};
use secrecy::{ExposeSecret, SecretString};

use crate::model::{NewEntry, Problem};
use crate::{password_policy, server_field};

/// Longest server field, in characters: a name of 253 (RFC 1035), scheme and port.
const MAX_SERVER: usize = 300;
/// Longest user name, in characters.
const MAX_USERNAME: usize = 320;
/// Longest password, in characters.
const MAX_PASSWORD: usize = 1_000;

/// What a password that was not given means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Nothing was kept before: the IMAP password is missing.
    Missing,
    /// The one that is kept stays as it is.
    Unchanged,
}

/// An entry in its one spelling, and what cannot be used of it.
#[derive(Debug)]
pub struct Examined {
    /// Spaces at the edges gone (never of passwords), empty passwords `None`, the mailbox without its domain.
    pub entry: NewEntry,
    /// What cannot be used as it is, field by field.
    pub problems: Vec<Problem>,
}

/// Judges the fields of an entry of `domain`.
pub fn examine(entry: NewEntry, domain: &str, absent: Absent) -> Examined {
    let mut problems = Vec::new();
    let server = entry.server.trim().to_owned();
    let username = entry.username.trim().to_owned();
    problems.extend(server_problem(&server, &username));
    problems.extend(username_problem(&username));
    let password = entry.password.filter(|password| !password.expose_secret().is_empty());
    problems.extend(password_problem(password.as_ref(), absent));
    let mailbox = match mailbox(&entry.mailbox, domain) {
        Ok(mailbox) => mailbox,
        Err(problem) => {
            problems.push(problem);
            entry.mailbox.trim().to_owned()
        }
    };
    let mailbox_password = entry.mailbox_password.filter(|password| !password.expose_secret().is_empty());
    if let Some(password) = &mailbox_password {
        problems.extend(unsendable("mailbox_password", password.expose_secret()));
        problems.extend(password_policy::problems(password.expose_secret()));
    }
    Examined { entry: NewEntry { server, username, password, mailbox, mailbox_password }, problems }
}

/// The domain of a user name that is an e-mail address, in its one spelling: where servers may be looked for.
pub fn email_domain(username: &str) -> Option<String> {
    let (local, domain) = username.trim().rsplit_once('@')?;
    let named = !local.is_empty() && !local.contains(char::is_whitespace);
    let domain = server_field::host(domain).filter(|_| named)?;
    // Judged in its one spelling: `0x7f.0.0.0xa` is an address too, and would be connected to without being resolved.
    let is_address = domain.parse::<std::net::IpAddr>().is_ok();
    (domain.contains('.') && !is_address).then_some(domain)
}

/// The part before the @ of a mailbox of `domain`, lower case; a full address of that domain is understood.
pub fn mailbox(text: &str, domain: &str) -> Result<String, Problem> {
    let problem = |code, message: &str| Problem::new("mailbox", code, message);
    let other_domain = || {
        let message = format!("The mailbox belongs to another domain than {domain}.");
        Problem::new("mailbox", "mailbox_other_domain", message).with("domain", domain)
    };
    let domain_name: DomainName = domain.parse().map_err(|_| other_domain())?;
    let (local, other) = match text.trim().rsplit_once('@') {
        Some((local, other)) => (local, Some(other)),
        None => (text.trim(), None),
    };
    if other.is_some_and(|other| server_field::host(other).as_deref() != Some(domain_name.as_str())) {
        return Err(other_domain());
    }
    match Address::new(local, domain_name) {
        Ok(address) => Ok(address.local().to_owned()),
        Err(AddressError::LocalEmpty) => {
            Err(problem("mailbox_missing", "Please enter the mailbox: the part before the @."))
        }
        Err(AddressError::LocalTooLong) => {
            Err(problem("mailbox_long", "The part before the @ has at most 64 characters."))
        }
        Err(_) => Err(problem(
            "mailbox_characters",
            "The part before the @ consists of letters a-z, digits and . _ + - only; no dot stands at an edge or beside another.",
        )),
    }
}

fn server_problem(server: &str, username: &str) -> Option<Problem> {
    if server.is_empty() {
        return email_domain(username).is_none().then(|| {
            Problem::new(
                "server",
                "server_missing",
                "Please enter the server of the old provider; it is found by itself only where the user name is an e-mail address.",
            )
        });
    }
    if server.chars().count() > MAX_SERVER {
        return Some(Problem::new("server", "server_host", "This is too long for the name of a server."));
    }
    server_field::parse(server).err()
}

fn username_problem(username: &str) -> Option<Problem> {
    let problem = |code, message: &str| Some(Problem::new("username", code, message));
    if username.is_empty() {
        return problem("username_missing", "Please enter the user name at the old provider.");
    }
    if username.chars().any(char::is_control) {
        return problem("username_characters", "The user name contains a character that cannot be sent.");
    }
    if username.chars().count() > MAX_USERNAME {
        return problem("username_long", "The user name is too long.");
    }
    None
}

fn password_problem(password: Option<&SecretString>, absent: Absent) -> Option<Problem> {
    match (password, absent) {
        (Some(password), _) => unsendable("password", password.expose_secret()),
        (None, Absent::Missing) => Some(Problem::new(
            "password",
            "password_missing",
            "Please enter the password at the old provider.",
        )),
        (None, Absent::Unchanged) => None,
    }
}

/// NUL and line ends stand in no password that a mail program could send.
fn unsendable(field: &str, password: &str) -> Option<Problem> {
    if password.contains(['\0', '\r', '\n']) {
        let code = format!("{field}_characters");
        return Some(Problem::new(field, &code, "The password contains a line break or a NUL character."));
    }
    let long = password.chars().nth(MAX_PASSWORD).is_some();
    long.then(|| {
        Problem::new(field, &format!("{field}_long"), "The password has more than 1,000 characters.")
            .with("limit", MAX_PASSWORD)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> NewEntry {
        NewEntry {
            server: " imap.example.org ".into(),
            username: " alice@example.org ".into(),
            password: Some(" spaces stay ".into()),
            mailbox: " Alice@Example.com ".into(),
            mailbox_password: Some(" Abcdefghijk1 ".into()),
        }
    }

    fn codes(entry: NewEntry) -> Vec<String> {
        examine(entry, "example.com", Absent::Missing).problems.into_iter().map(|p| p.code).collect()
    }

    #[test]
    fn edges_are_trimmed_but_never_those_of_passwords() {
        let Examined { entry, problems } = examine(entry(), "example.com", Absent::Missing);
        assert_eq!(problems, []);
        assert_eq!(
            (&*entry.server, &*entry.username, &*entry.mailbox),
            ("imap.example.org", "alice@example.org", "alice")
        );
        assert_eq!(entry.password.unwrap().expose_secret(), " spaces stay ");
        assert_eq!(entry.mailbox_password.unwrap().expose_secret(), " Abcdefghijk1 ");
    }

    #[test]
    fn each_field_that_cannot_be_used_has_its_own_problem() {
        assert_eq!(
            codes(NewEntry::default()),
            ["server_missing", "username_missing", "password_missing", "mailbox_missing"]
        );
        for (broken, code) in [
            (NewEntry { server: "https://x".into(), ..entry() }, "server_scheme"),
            (NewEntry { server: "a".repeat(301), ..entry() }, "server_host"),
            (NewEntry { server: String::new(), username: "alice".into(), ..entry() }, "server_missing"),
            (NewEntry { username: "al\0ice".into(), ..entry() }, "username_characters"),
            (NewEntry { username: "a".repeat(321), ..entry() }, "username_long"),
            (NewEntry { password: Some("".into()), ..entry() }, "password_missing"),
            (NewEntry { password: Some("a\nb".into()), ..entry() }, "password_characters"),
            (NewEntry { password: Some("a".repeat(1_001).into()), ..entry() }, "password_long"),
            (NewEntry { mailbox: "a@example.net".into(), ..entry() }, "mailbox_other_domain"),
            (NewEntry { mailbox_password: Some("Abcdefghij1".into()), ..entry() }, "mailbox_password_short"),
        ] {
            assert_eq!(codes(broken), [code]);
        }
    }

    #[test]
    fn a_server_need_not_be_given_with_an_address_nor_a_mailbox_password_at_all() {
        let bare = NewEntry { server: String::new(), mailbox_password: None, ..entry() };
        assert_eq!(codes(bare), [""; 0]);
    }

    #[test]
    fn an_edited_entry_keeps_the_password_that_is_not_given() {
        let edited = NewEntry { password: Some("".into()), mailbox_password: None, ..entry() };
        let Examined { entry, problems } = examine(edited, "example.com", Absent::Unchanged);
        assert_eq!(problems, []);
        assert!(entry.password.is_none() && entry.mailbox_password.is_none());
    }

    #[test]
    fn mailboxes_are_local_parts_or_addresses_of_the_domain() {
        for (text, expected) in [
            ("info", Ok("info")),
            ("Info.Desk_2-x", Ok("info.desk_2-x")),
            ("info@bücher.example", Ok("info")),
            ("info@XN--bcher-kva.example.", Ok("info")),
            ("info@sub.bücher.example", Err("mailbox_other_domain")),
            ("info@", Err("mailbox_other_domain")),
            ("@bücher.example", Err("mailbox_missing")),
            ("", Err("mailbox_missing")),
            ("a b", Err("mailbox_characters")),
            ("müller", Err("mailbox_characters")),
            ("a/b", Err("mailbox_characters")),
            ("a:b", Err("mailbox_characters")),
            ("a+b", Ok("a+b")),
            (".a", Err("mailbox_characters")),
            ("a.", Err("mailbox_characters")),
            ("..", Err("mailbox_characters")),
            ("a..b", Err("mailbox_characters")),
            ("a@b@bücher.example", Err("mailbox_characters")),
            ("a\0b", Err("mailbox_characters")),
        ] {
            let found = mailbox(text, "xn--bcher-kva.example").map_err(|problem| problem.code);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text:?}");
        }
        assert_eq!(mailbox(&"a".repeat(65), "example.org").unwrap_err().code, "mailbox_long");
    }

    #[test]
    fn the_domain_of_an_address_is_told_and_of_nothing_else() {
        for (username, expected) in [
            ("alice@Example.org", Some("example.org")),
            ("a@b@bücher.example", Some("xn--bcher-kva.example")),
            ("alice", None),
            ("@example.org", None),
            ("alice@", None),
            ("alice@localhost", None),
            ("al ice@example.org", None),
            ("alice@127.0.0.1", None),
            ("alice@[::1]", None),
            ("alice@2130706433", None),
            ("alice@0x7f.1", None),
            ("alice@example..org", None),
        ] {
            assert_eq!(email_domain(username).as_deref(), expected, "{username}");
        }
    }
}
