//! The configuration with which Dovecot serves a [`MaildirTree`](crate::MaildirTree): complete, for a machine that serves
//! nothing else. The two versions say the same in two languages.

use std::path::{Path, PathBuf};

use maildir::Owner;

/// Which Dovecot reads the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DovecotVersion {
    /// 2.3, as in Debian 12.
    V2_3,
    /// 2.4, as in Debian 13; it does not read the configuration of 2.3.
    V2_4,
}

/// What Dovecot is to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The tree's root.
    pub root: PathBuf,
    /// Whose its files are; Dovecot works as this user.
    pub owner: Owner,
    /// The name of the owner's group, as whose member Dovecot reads the passwd-file. Without a name (Dovecot takes no
    /// number here) it has to read it as root.
    pub group: Option<String>,
    /// The server's certificate and what leads to its issuer (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

/// Why no configuration can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServedError {
    /// A path that would mean something else in the configuration.
    #[error(
        "{} cannot stand in a Dovecot configuration; it must begin with / and hold letters, digits and / . _ + @ - only",
        .0.display()
    )]
    Path(PathBuf),
    /// A group whose name would mean something else in the configuration.
    #[error("the group {0:?} cannot stand in a Dovecot configuration")]
    Group(String),
    /// Dovecot reads no mail as root.
    #[error(
        "the mailboxes belong to root, as whom Dovecot reads no mail; give their directory to a user of its own"
    )]
    Root,
}

/// The whole `dovecot.conf`.
///
/// # Errors
///
/// When Dovecot could not serve it.
pub fn dovecot_config(version: DovecotVersion, served: &Served) -> Result<String, ServedError> {
    if served.owner.uid == 0 {
        return Err(ServedError::Root);
    }
    let (root, certificate, key) = (plain(&served.root)?, plain(&served.certificate)?, plain(&served.key)?);
    let Owner { uid, gid } = served.owner;
    let (name, head, mail, databases) = match version {
        DovecotVersion::V2_3 => (
            "2.3",
            format!("protocols = imap\nssl = required\nssl_cert = <{certificate}\nssl_key = <{key}\n"),
            format!("mail_home = {root}/%d/%n\nmail_location = maildir:~/Maildir\n"),
            database_2_3("passdb", root) + &database_2_3("userdb", root),
        ),
        DovecotVersion::V2_4 => (
            "2.4",
            format!(
                "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n\n\
                 protocols {{\n  imap = yes\n}}\nssl = required\n\
                 ssl_server_cert_file = {certificate}\nssl_server_key_file = {key}\n"
            ),
            format!(
                "mail_home = {root}/%{{user | domain}}/%{{user | username}}\nmail_driver = maildir\n\
                 mail_path = ~/Maildir\n"
            ),
            database_2_4("passdb", root) + &database_2_4("userdb", root),
        ),
    };
    let reader = match &served.group {
        Some(group) => format!("extra_groups = {}", word(group)?),
        None => "user = root".to_owned(),
    };
    let folders: String = FOLDERS
        .iter()
        .map(|name| format!("  mailbox {name} {{\n    special_use = \\{name}\n  }}\n"))
        .collect();
    Ok(format!(
        "# Dovecot {name}: serves the mailboxes below {root}.\n{head}\
         ssl_min_protocol = TLSv1.2\nauth_mechanisms = plain login\n\
         # As it is, with a plus sign.\n\
         auth_username_chars = abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@+\n\n\
         # The mailboxes belong to this user, and to no other.\n\
         mail_uid = {uid}\nmail_gid = {gid}\nfirst_valid_uid = {uid}\nlast_valid_uid = {uid}\n\
         first_valid_gid = {gid}\n{mail}\n\
         namespace inbox {{\n  inbox = yes\n{folders}}}\n\n\
         # A new mailbox can be used at once: the file is read again when it has changed.\n{databases}\n\
         # Who reads the passwd-file.\nservice auth {{\n  {reader}\n}}\n"
    ))
}

/// Where the engine puts what has a role.
const FOLDERS: [&str; 5] = ["Drafts", "Sent", "Trash", "Junk", "Archive"];

fn database_2_3(kind: &str, root: &str) -> String {
    format!("{kind} {{\n  driver = passwd-file\n  args = username_format=%u {root}/passwd\n}}\n")
}

fn database_2_4(kind: &str, root: &str) -> String {
    format!("{kind} passwd-file {{\n  passwd_file_path = {root}/passwd\n}}\n")
}

/// A path without `%`, `$`, `#`, quotes and blanks, all of which mean something in one of the two versions.
fn plain(path: &Path) -> Result<&str, ServedError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'+' | b'@' | b'-');
    path.to_str()
        .filter(|text| text.starts_with('/') && text.bytes().all(allowed))
        .map(|text| text.trim_end_matches('/'))
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ServedError::Path(path.to_path_buf()))
}

fn word(group: &str) -> Result<&str, ServedError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let usable = !group.is_empty() && group.bytes().all(allowed);
    if usable { Ok(group) } else { Err(ServedError::Group(group.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(root: &str) -> Served {
        Served {
            root: root.into(),
            owner: Owner { uid: 998, gid: 997 },
            group: Some("vmail".to_owned()),
            certificate: "/etc/ssl/certs/mail.pem".into(),
            key: "/etc/ssl/private/mail.pem".into(),
        }
    }

    #[test]
    fn each_version_has_its_own_language() {
        let old = dovecot_config(DovecotVersion::V2_3, &served("/srv/mail/")).unwrap();
        let new = dovecot_config(DovecotVersion::V2_4, &served("/srv/mail")).unwrap();
        for (text, only_here, not_here) in [
            (&old, "mail_home = /srv/mail/%d/%n\n", "%{user"),
            (&old, "args = username_format=%u /srv/mail/passwd\n", "passwd_file_path"),
            (&new, "passwd_file_path = /srv/mail/passwd\n", "driver = passwd-file"),
            (&new, "mail_driver = maildir\n", "mail_location"),
            (&new, "ssl_server_cert_file = /etc/ssl/certs/mail.pem\n", "ssl_cert ="),
        ] {
            assert!(text.contains(only_here) && !text.contains(not_here), "{only_here}\n{text}");
        }
        // Dovecot 2.4 wants this before any other setting.
        let first = new.lines().find(|line| !line.starts_with('#')).unwrap();
        assert_eq!(first, "dovecot_config_version = 2.4.0");
    }

    #[test]
    fn paths_that_mean_something_else_are_refused() {
        for path in
            ["", "/", "mail", "/srv/my mail", "/srv/%u", "/srv/$x", "/srv/a#b", "/srv/\"", "/srv/a\nb"]
        {
            let refused = dovecot_config(DovecotVersion::V2_3, &served(path)).unwrap_err();
            assert_eq!(refused, ServedError::Path(path.into()));
        }
    }

    #[test]
    fn the_passwd_file_is_read_by_the_group_or_else_by_root() {
        for (group, expected) in [
            (Some("vmail"), Ok("  extra_groups = vmail\n")),
            (None, Ok("  user = root\n")),
            (Some("a b"), Err(ServedError::Group("a b".to_owned()))),
            (Some(""), Err(ServedError::Group(String::new()))),
        ] {
            let served = Served { group: group.map(str::to_owned), ..served("/srv/mail") };
            let text = dovecot_config(DovecotVersion::V2_4, &served);
            let found = text.as_ref().map(|text| expected.as_ref().is_ok_and(|line| text.contains(line)));
            assert_eq!(found, expected.as_ref().map(|_| true), "{text:?}");
        }
    }

    #[test]
    fn mail_of_root_is_not_served() {
        let of_root = Served { owner: Owner { uid: 0, gid: 0 }, ..served("/srv/mail") };
        assert_eq!(dovecot_config(DovecotVersion::V2_4, &of_root), Err(ServedError::Root));
    }
}
