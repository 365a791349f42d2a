//! Listing a folder while others rename files in it.
//!
//! A file whose flags change, or that moves from `new` to `cur`, while a directory is read may be passed over by the
//! kernel (readdir(3) promises nothing for it). So `new` and `cur` are read again until neither changed meanwhile, and
//! each message is reported once. It must never take a message for gone because somebody marked it as read.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::dir::Dir;
use crate::error::Error;
use crate::folder::Folder;
use crate::message::{KeywordLetters, MessageName, SystemFlags};

/// How often a folder is read at most. A message that is renamed without a pause is passed over by at most every fourth
/// reading (it must stand behind the cursor at both of its places), so by all of them once in 10^12.
const MAX_PASSES: usize = 20;

/// Directory times advance with the kernel's tick (10 ms at the coarsest, CONFIG_HZ=100): a change within it may leave
/// the time as it was.
const CLOCK_TICK_NS: i128 = 20_000_000;

/// Where a message's file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// `new`: no client has seen it.
    New,
    /// `cur`.
    Cur,
}

/// A message file as a scan found it. It may have been renamed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What stays the same when flags change; octets that are not UTF-8 are replaced.
    pub base: String,
    /// Where it lies.
    pub place: Place,
    /// `S=` of the name: octets.
    pub size: Option<u64>,
    /// `W=` of the name: octets with every line end counted as CRLF.
    pub vsize: Option<u64>,
    /// Maildir's flags.
    pub flags: SystemFlags,
    /// Keywords, to be named by [`Folder::keywords`].
    pub keyword_letters: KeywordLetters,
    file_name: OsString,
}

impl Entry {
    fn of(place: Place, file_name: &OsStr) -> Entry {
        let name = MessageName::parse(&file_name.to_string_lossy());
        Entry {
            place,
            size: name.size,
            vsize: name.vsize,
            flags: name.flags,
            keyword_letters: name.keyword_letters,
            base: name.base,
            file_name: file_name.to_owned(),
        }
    }

    /// The file's name, exactly.
    pub fn file_name(&self) -> &OsStr {
        &self.file_name
    }
}

/// A base name in 128 bits: two keyed hashes, so that no one can make two names meet.
pub(crate) type Fingerprint = (u64, u64);

/// The keys of [`Fingerprint`]s; one pair for the life of the process.
pub(crate) fn fingerprint(base: &[u8]) -> Fingerprint {
    static KEYS: std::sync::LazyLock<(RandomState, RandomState)> = std::sync::LazyLock::new(Default::default);
    (KEYS.0.hash_one(base), KEYS.1.hash_one(base))
}

impl Folder {
    /// Calls `each` once for every message in `cur` and `new`, in no order. A message that is renamed meanwhile is
    /// reported as it was found first; one that is added or removed meanwhile may or may not be reported. Files
    /// whose name starts with a dot are not messages.
    pub fn scan(&self, each: &mut dyn FnMut(Entry)) -> Result<(), Error> {
        let (cur, new) = (&self.inner.cur, &self.inner.new);
        let mut seen = HashSet::new();
        for _ in 0..MAX_PASSES {
            let before = (changed_at(cur)?, changed_at(new)?, now_ns());
            for (place, dir) in [(Place::New, new), (Place::Cur, cur)] {
                dir.each_name(&mut |name| {
                    let base = base_of(name.as_encoded_bytes());
                    if !base.starts_with(b".") && !base.is_empty() && seen.insert(fingerprint(base)) {
                        each(Entry::of(place, name));
                    }
                    Ok(())
                })?;
            }
            let quiet = before.2 - before.0.max(before.1) > CLOCK_TICK_NS;
            if quiet && (before.0, before.1) == (changed_at(cur)?, changed_at(new)?) {
                return Ok(());
            }
            // Anything that changes from here on gives the directory a time that the next pass can tell apart.
            let newest = changed_at(cur)?.max(changed_at(new)?);
            let wait = (newest + CLOCK_TICK_NS + 1_000_000 - now_ns()).clamp(0, 2 * CLOCK_TICK_NS);
            std::thread::sleep(std::time::Duration::from_nanos(wait as u64));
        }
        Ok(())
    }

    /// Looks for messages by their bases.
    pub(crate) fn find_all(&self, wanted: &HashSet<&str>) -> Result<HashMap<String, Entry>, Error> {
        let mut found = HashMap::new();
        self.scan(&mut |entry| {
            if wanted.contains(entry.base.as_str()) {
                found.insert(entry.base.clone(), entry);
            }
        })?;
        Ok(found)
    }

    /// Looks for one message.
    pub(crate) fn find(&self, base: &str) -> Result<Option<Entry>, Error> {
        Ok(self.find_all(&HashSet::from([base]))?.remove(base))
    }
}

fn base_of(name: &[u8]) -> &[u8] {
    name.split(|octet| matches!(octet, b',' | b':')).next().unwrap_or_default()
}

fn changed_at(dir: &Dir) -> Result<i128, Error> {
    let stat = dir.stat()?;
    Ok(i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec))
}

fn now_ns() -> i128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128)
}
