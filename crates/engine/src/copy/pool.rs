//! Messages that the destination holds, or held, under another identity: rows of an older epoch of the folder, and
//! with adoption by digest the mail that others put there. A multiset: two identical messages match two.

use std::collections::{HashMap, HashSet};

use crate::ledger::Digest;

/// A message that may be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The destination's identity of it.
    pub(crate) identity: String,
    /// Its octets.
    pub(crate) size: Option<u64>,
    /// Their digest.
    pub(crate) digest: Option<Digest>,
    /// Flags as last applied; `None` when we never applied any.
    pub(crate) flags: Option<Vec<String>>,
}

/// What may be matched; each entry once.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    by_digest: HashMap<Digest, Vec<Known>>,
    by_object: HashMap<String, Known>,
    taken: HashSet<String>,
}

impl Pool {
    /// Adds a message.
    pub(crate) fn add(&mut self, known: Known, object_id: Option<&str>) {
        if let Some(object) = object_id {
            self.by_object.insert(object.to_owned(), known.clone());
        }
        if let Some(digest) = known.digest {
            self.by_digest.entry(digest).or_default().push(known);
        }
    }

    /// A message with these octets.
    pub(crate) fn take_digest(&mut self, digest: &Digest) -> Option<Known> {
        let candidates = self.by_digest.get_mut(digest)?;
        while let Some(known) = candidates.pop() {
            if self.taken.insert(known.identity.clone()) {
                return Some(known);
            }
        }
        None
    }

    /// The message with this object id.
    pub(crate) fn take_object(&mut self, object_id: &str) -> Option<Known> {
        let known = self.by_object.remove(object_id)?;
        self.taken.insert(known.identity.clone()).then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(identity: &str, digest: u8) -> Known {
        Known { identity: identity.into(), size: None, digest: Some([digest; 32]), flags: None }
    }

    #[test]
    fn two_identical_messages_match_two_and_no_more() {
        let mut pool = Pool::default();
        pool.add(known("a", 1), None);
        pool.add(known("b", 1), None);
        assert!(pool.take_digest(&[1; 32]).is_some());
        assert!(pool.take_digest(&[1; 32]).is_some());
        assert!(pool.take_digest(&[1; 32]).is_none());
    }

    #[test]
    fn a_message_matched_one_way_is_not_matched_the_other_way_again() {
        let mut pool = Pool::default();
        pool.add(known("a", 1), Some("o1"));
        pool.add(known("b", 2), Some("o2"));
        assert_eq!(pool.take_object("o1"), Some(known("a", 1)));
        assert_eq!(pool.take_digest(&[1; 32]), None);
        assert_eq!(pool.take_digest(&[2; 32]), Some(known("b", 2)));
        assert_eq!(pool.take_object("o2"), None);
    }
}
