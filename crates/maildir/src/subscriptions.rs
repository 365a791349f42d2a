//! `subscriptions`: the folders that clients show.
//!
//! Dovecot has written two versions: the older has one Maildir++ name a line, the newer starts with a `V` line, and
//! separates levels by tabs. The version that is there is kept, and every line that is there too.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::lock::{DotLock, LOCK_WAIT, SUBSCRIPTIONS_LOCK};
use crate::name::FolderName;
use crate::root::{Maildir, replace_control_file};

const FILE: &str = "subscriptions";
const LIMIT: u64 = 16 << 20;
/// What a new file starts with: Dovecot 2.3's version line and the empty line behind it.
const HEADER_V2: &str = "V\t2\n\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// One Maildir++ name a line, as older Dovecots wrote it.
    One,
    /// Dovecot 2.3, as seen with 2.3.19: `V<tab>2`, an empty line, then names.
    Two,
}

impl Version {
    fn of(text: &str) -> Result<Version, &'static str> {
        let Some(rest) = text.strip_prefix("V\t") else { return Ok(Version::One) };
        if rest.split(['\n', '\t']).next() == Some("2") {
            Ok(Version::Two)
        } else {
            Err("an unknown version")
        }
    }

    fn lines(self, text: &str) -> impl Iterator<Item = &str> {
        let header = usize::from(self == Version::Two);
        text.lines().skip(header).filter(|line| !line.is_empty())
    }

    fn parse(self, line: &str) -> Option<FolderName> {
        if line.eq_ignore_ascii_case("INBOX") {
            return Some(FolderName::inbox());
        }
        match self {
            Version::One => FolderName::from_dotted(line),
            Version::Two => FolderName::new(line.split('\t').map(str::to_owned).collect()).ok(),
        }
    }

    fn line(self, name: &FolderName) -> String {
        if name.is_inbox() {
            return "INBOX".to_owned();
        }
        match self {
            Version::One => name.components().join("."),
            Version::Two => name.components().join("\t"),
        }
    }
}

impl Maildir {
    /// Subscribes folders, next to those that are subscribed. Says how many were not yet. A new file gets the version
    /// that Dovecot 2.3 writes; a file that is there keeps its own.
    ///
    /// Takes `subscriptions.lock`, as Dovecot does. One that an import left which died is removed by
    /// [`Folder::remove_stale`](crate::Folder::remove_stale) of the INBOX.
    pub fn subscribe(&self, names: &[FolderName]) -> Result<usize, Error> {
        let root = self.root();
        let tmp = root.dir.need_dir("tmp")?;
        let _lock = DotLock::take(&root.dir, &tmp, SUBSCRIPTIONS_LOCK, root.owner, LOCK_WAIT)?;
        let (mut text, version) = self.read_subscriptions()?;
        let mut there: BTreeSet<FolderName> = version.lines(&text).filter_map(|l| version.parse(l)).collect();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let mut added = 0;
        for name in names {
            if there.insert(name.clone()) {
                text.push_str(&version.line(name));
                text.push('\n');
                added += 1;
            }
        }
        if added > 0 {
            replace_control_file((&tmp, &root.dir), FILE, text.as_bytes(), None, root.owner)?;
        }
        Ok(added)
    }

    /// The subscribed folders, sorted. Lines that are no Maildir++ folder (other namespaces) are passed over.
    pub fn subscriptions(&self) -> Result<Vec<FolderName>, Error> {
        let (text, version) = self.read_subscriptions()?;
        let names: BTreeSet<FolderName> = version.lines(&text).filter_map(|l| version.parse(l)).collect();
        Ok(names.into_iter().collect())
    }

    fn read_subscriptions(&self) -> Result<(String, Version), Error> {
        let dir = &self.root().dir;
        let malformed = |reason| Error::Malformed { path: dir.path_of(FILE), reason };
        match dir.read_small(FILE, LIMIT)? {
            Some((octets, _)) if !octets.is_empty() => {
                let text = String::from_utf8(octets).map_err(|_| malformed("not text"))?;
                let version = Version::of(&text).map_err(malformed)?;
                Ok((text, version))
            }
            _ => Ok((HEADER_V2.to_owned(), Version::Two)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(dotted: &str) -> FolderName {
        FolderName::from_dotted(dotted).unwrap()
    }

    #[test]
    fn the_version_that_is_there_is_kept_and_so_is_every_line() {
        for (before, after, added) in [
            ("", "V\t2\n\nA\tB\nINBOX\n", 2),
            ("V\t2\n\nold\nA\tB\n", "V\t2\n\nold\nA\tB\nINBOX\n", 1),
            ("old\nINBOX", "old\nINBOX\nA.B\n", 1),
            ("other/thing\nA.B\nINBOX\n", "other/thing\nA.B\nINBOX\n", 0),
        ] {
            let root = tempfile::tempdir().unwrap();
            let mailbox = Maildir::create(root.path(), None).unwrap();
            let file = root.path().join(FILE);
            std::fs::write(&file, before).unwrap();
            assert_eq!(mailbox.subscribe(&[name("A.B"), FolderName::inbox(), name("A.B")]).unwrap(), added);
            assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
            assert!(mailbox.subscriptions().unwrap().contains(&name("A.B")));
            assert!(!root.path().join(SUBSCRIPTIONS_LOCK).exists());
        }
    }

    #[test]
    fn a_version_that_is_not_known_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let mailbox = Maildir::create(root.path(), None).unwrap();
        std::fs::write(root.path().join(FILE), "V\t3\n\n").unwrap();
        assert!(matches!(mailbox.subscribe(&[name("A")]), Err(Error::Malformed { .. })));
        assert_eq!(std::fs::read_to_string(root.path().join(FILE)).unwrap(), "V\t3\n\n");
    }
}
