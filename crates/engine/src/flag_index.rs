//! Which message has which flags, for folders of any size: few combinations, many messages.

use std::collections::HashMap;

use imap::Uid;

use crate::destination::FlagNames;
use crate::error::Error;

/// Octets of all combinations of flags in a folder, each with what it costs to keep one. What goes beyond is no mail but
/// an attack on our memory.
const FLAG_OCTETS: usize = 8 << 20;
const FLAG_SET: usize = 200;

/// Flags by UID; about 20 octets a message.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlagIndex {
    of: HashMap<Uid, u32>,
    sets: Vec<FlagNames>,
    known: HashMap<FlagNames, u32>,
    octets: usize,
}

impl FlagIndex {
    /// A message's flags, or its newer ones.
    ///
    /// # Errors
    /// The folder has more different combinations than mail has.
    pub(crate) fn insert(&mut self, uid: Uid, flags: FlagNames) -> Result<(), Error> {
        let at = match self.known.get(&flags) {
            Some(at) => *at,
            None => self.add(flags)?,
        };
        self.of.insert(uid, at);
        Ok(())
    }

    fn add(&mut self, flags: FlagNames) -> Result<u32, Error> {
        self.octets += FLAG_SET + flags.iter().map(String::len).sum::<usize>();
        if self.octets > FLAG_OCTETS {
            let (what, limit) = ("the flags of a folder", FLAG_OCTETS as u64);
            return Err(imap::Error::LimitExceeded { what, limit }.into());
        }
        let at = self.sets.len() as u32;
        self.sets.push(flags.clone());
        self.known.insert(flags, at);
        Ok(at)
    }

    pub(crate) fn get(&self, uid: Uid) -> Option<&FlagNames> {
        self.sets.get(*self.of.get(&uid)? as usize)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> FlagNames {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_newest_flags_of_a_message_count() {
        let (one, two) = (Uid::new(1).unwrap(), Uid::new(2).unwrap());
        let mut index = FlagIndex::default();
        index.insert(one, flags("a")).unwrap();
        index.insert(two, flags("a")).unwrap();
        index.insert(one, flags("a b")).unwrap();
        assert_eq!((index.get(one), index.get(two)), (Some(&flags("a b")), Some(&flags("a"))));
        assert_eq!(index.sets.len(), 2);
        assert_eq!(index.get(Uid::new(3).unwrap()), None);
    }

    #[test]
    fn ever_other_flags_come_to_an_end() {
        let mut index = FlagIndex::default();
        let ended = (1..1_000_000).find_map(|n| index.insert(Uid::new(n)?, flags(&format!("k{n}"))).err());
        assert!(matches!(ended, Some(Error::Source(imap::Error::LimitExceeded { .. }))));
    }
}
