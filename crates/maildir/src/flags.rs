//! Changing flags of messages that are in the folder, next to clients who do the same.
//!
//! A change is relative (add these, remove those) and made to the name the file has at that moment: what a client
//! changed meanwhile stays. A message in `new` moves to `cur` with its first flag.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::dir::rename_to_free;
use crate::error::Error;
use crate::folder::Folder;
use crate::keywords::{self, KeywordTable};
use crate::lock::UidlistLock;
use crate::message::{MessageName, SystemFlags};
use crate::scan::Entry;

/// How often a message that clients rename under our hands is looked for again.
const MAX_LOOKS: usize = 5;
/// As for deliveries.
const LOCK_PERIOD: Duration = Duration::from_millis(400);
const BETWEEN: Duration = Duration::from_millis(25);

/// What to change about one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagChange {
    /// The message's base name.
    pub base: String,
    /// Flags to set.
    pub add: SystemFlags,
    /// Flags to clear; one that is in `add` too is set.
    pub remove: SystemFlags,
    /// Keywords to set, by name.
    pub add_keywords: BTreeSet<String>,
    /// Keywords to clear, by name; one that is in `add_keywords` too is set.
    pub remove_keywords: BTreeSet<String>,
}

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagResult {
    /// Its flags are different now.
    Changed,
    /// It had these flags already.
    Unchanged,
    /// There is no message with this base.
    Gone,
}

/// The answer to one [`FlagChange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagOutcome {
    /// The message's base name.
    pub base: String,
    /// What became of it.
    pub result: FlagResult,
    /// Keywords that could not be set: the folder has 26 others already, or they are no IMAP keywords.
    pub dropped_keywords: Vec<String>,
}

impl Folder {
    /// Changes flags and keywords. The answers come in the order of the changes. Changes that were made are durable
    /// when this returns; after an error some may have been made, and making all of them again does no harm.
    pub fn set_flags(&self, changes: &[FlagChange]) -> Result<Vec<FlagOutcome>, Error> {
        let wanted: HashSet<&str> = changes.iter().map(|change| change.base.as_str()).collect();
        let entries = self.find_all(&wanted)?;
        let mut outcomes = Vec::with_capacity(changes.len());
        let mut rest = changes.iter().peekable();
        while rest.peek().is_some() {
            if !outcomes.is_empty() {
                std::thread::sleep(BETWEEN);
            }
            let lock = UidlistLock::take(&self.inner)?;
            let present = changes.iter().filter(|change| entries.contains_key(&change.base));
            let names: BTreeSet<&str> = present.flat_map(|c| &c.add_keywords).map(String::as_str).collect();
            let table = keywords::merge(&self.inner, &lock, &names)?;
            let started = Instant::now();
            while started.elapsed() < LOCK_PERIOD
                && let Some(change) = rest.next()
            {
                let entry = entries.get(&change.base).cloned();
                outcomes.push(self.set_flags_of(change, entry, &table)?);
            }
        }
        if outcomes.iter().any(|outcome| outcome.result == FlagResult::Changed) {
            self.inner.cur.sync()?;
        }
        Ok(outcomes)
    }

    fn set_flags_of(
        &self,
        change: &FlagChange,
        mut entry: Option<Entry>,
        table: &KeywordTable,
    ) -> Result<FlagOutcome, Error> {
        let outcome = |result, dropped_keywords| {
            Ok(FlagOutcome { base: change.base.clone(), result, dropped_keywords })
        };
        for look in 0..MAX_LOOKS {
            if look > 0 {
                entry = self.find(&change.base)?;
            }
            let Some(found) = entry.take() else { return outcome(FlagResult::Gone, Vec::new()) };
            let Some(old) = found.file_name().to_str() else { return outcome(FlagResult::Gone, Vec::new()) };
            let (name, dropped) = changed(change, MessageName::parse(old), table);
            if (name.flags, name.keyword_letters) == (found.flags, found.keyword_letters) {
                return outcome(FlagResult::Unchanged, dropped);
            }
            let place = self.inner.place(found.place);
            match rename_to_free(place, OsStr::new(old), &self.inner.cur, &name.file_name()) {
                Ok(()) => return outcome(FlagResult::Changed, dropped),
                // Renamed or removed by somebody meanwhile, or renamed to just this: look again.
                Err(Errno::NOENT | Errno::EXIST) => {}
                Err(e) => return Err(Error::from_errno("rename", &place.path_of(old), e)),
            }
        }
        let path = self.inner.cur.path_of(&change.base);
        Err(Error::Io { action: "set flags of", path, source: std::io::ErrorKind::ResourceBusy.into() })
    }
}

/// The name with the change made.
fn changed(change: &FlagChange, mut name: MessageName, table: &KeywordTable) -> (MessageName, Vec<String>) {
    name.flags = name.flags.without(change.remove).with(change.add);
    let (remove, _) = table.letters(&change.remove_keywords);
    let (add, dropped) = table.letters(&change.add_keywords);
    remove.iter().for_each(|letter| name.keyword_letters.remove(letter));
    add.iter().for_each(|letter| name.keyword_letters.insert(letter));
    (name, dropped)
}
