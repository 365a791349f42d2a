//! Messages that the destination holds, or held, under another identity: rows of an older epoch of the folder, and
//! with adoption by digest the mail that others put there. A multiset: two identical messages match two.

use std::collections::HashMap;

use crate::ledger::Digest;

/// What may be matched; each entry once.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    by_digest: HashMap<Digest, Vec<String>>,
    by_object: HashMap<String, (String, Option<Digest>)>,
}

impl Pool {
    /// Adds a message. Later ones are matched first.
    pub(crate) fn add(&mut self, identity: &str, digest: Option<Digest>, object_id: Option<&str>) {
        if let Some(object) = object_id {
            self.by_object.insert(object.to_owned(), (identity.to_owned(), digest));
        }
        if let Some(digest) = digest {
            self.by_digest.entry(digest).or_default().push(identity.to_owned());
        }
    }

    /// Whether there is anything to match.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_digest.is_empty() && self.by_object.is_empty()
    }

    /// A message with these octets.
    pub(crate) fn take_digest(&mut self, digest: &Digest) -> Option<String> {
        let identities = self.by_digest.get_mut(digest)?;
        let identity = identities.pop();
        if identities.is_empty() {
            self.by_digest.remove(digest);
        }
        let taken = identity.as_ref()?;
        self.by_object.retain(|_, (other, _)| other != taken);
        identity
    }

    /// The message with this object id: its identity and digest.
    pub(crate) fn take_object(&mut self, object_id: &str) -> Option<(String, Option<Digest>)> {
        let (identity, digest) = self.by_object.remove(object_id)?;
        if let Some(identities) = digest.and_then(|digest| self.by_digest.get_mut(&digest)) {
            identities.retain(|other| *other != identity);
        }
        Some((identity, digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_identical_messages_match_two_and_no_more() {
        let mut pool = Pool::default();
        pool.add("a", Some([1; 32]), None);
        pool.add("b", Some([1; 32]), None);
        assert!(pool.take_digest(&[1; 32]).is_some());
        assert!(pool.take_digest(&[1; 32]).is_some());
        assert!(pool.take_digest(&[1; 32]).is_none());
        assert!(pool.is_empty());
    }

    #[test]
    fn a_message_matched_by_object_id_is_not_matched_by_digest_again() {
        let mut pool = Pool::default();
        pool.add("a", Some([1; 32]), Some("o1"));
        assert_eq!(pool.take_object("o1"), Some(("a".into(), Some([1; 32]))));
        assert_eq!(pool.take_digest(&[1; 32]), None);
        pool.add("b", Some([2; 32]), Some("o2"));
        assert_eq!(pool.take_digest(&[2; 32]), Some("b".into()));
        assert_eq!(pool.take_object("o2"), None);
    }
}
