//! What a destination folder holds, kept so small that folders of a million messages fit: sixteen octets a message and not its
//! name. Names are told apart by 64 bits of their BLAKE3.

use std::collections::{HashMap, HashSet};

use imap::UidSet;

use crate::destination::{DestinationFolder, Failure, Naming, Present};

/// A size that nobody knows without reading the message.
const UNKNOWN: u64 = u64::MAX;

/// Stands for an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Fingerprint(u64);

impl Fingerprint {
    fn of(identity: &str) -> Fingerprint {
        let digest = blake3::hash(identity.as_bytes());
        // The first eight of 32 octets.
        let first = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        Fingerprint(u64::from_le_bytes(first))
    }
}

/// A set of identities.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identities(HashSet<Fingerprint>);

impl Identities {
    pub(crate) fn insert(&mut self, identity: &str) {
        self.0.insert(Fingerprint::of(identity));
    }

    pub(crate) fn contains(&self, identity: &str) -> bool {
        self.0.contains(&Fingerprint::of(identity))
    }
}

/// Sizes by identity.
#[derive(Debug, Default)]
pub(crate) struct Held(HashMap<Fingerprint, u64>);

impl Held {
    /// Looks at a destination folder.
    pub(crate) async fn look<F: DestinationFolder>(
        folder: Option<&F>,
        naming: &Naming,
    ) -> Result<Held, Failure> {
        let Some(folder) = folder else { return Ok(Held::default()) };
        let keep = |held: &mut Held, present: Present| {
            held.0.insert(Fingerprint::of(&present.identity), present.size.unwrap_or(UNKNOWN));
        };
        folder.each(naming, Held::default(), keep).await
    }

    /// Whether the message is there; and its size, if that is known without reading it.
    pub(crate) fn find(&self, identity: &str) -> Option<Option<u64>> {
        self.0.get(&Fingerprint::of(identity)).map(|size| Some(*size).filter(|size| *size != UNKNOWN))
    }
}

/// The source UIDs of the messages that lie in the folder under names which tell them.
pub(crate) async fn own_uids<F: DestinationFolder>(
    folder: Option<&F>,
    naming: &Naming,
) -> Result<UidSet, Failure> {
    let Some(folder) = folder.filter(|_| F::TELLS_UIDS) else { return Ok(UidSet::new()) };
    let keep = |uids: &mut Vec<_>, present: Present| uids.extend(present.uid);
    let mut uids = folder.each(naming, Vec::new(), keep).await?;
    // In order they are ranges, and ranges take no room.
    uids.sort_unstable();
    let mut set = UidSet::new();
    set.extend(uids);
    Ok(set)
}

/// The messages with these identities, as they are now.
pub(crate) async fn find_all<F: DestinationFolder>(
    folder: &F,
    naming: &Naming,
    wanted: Identities,
) -> Result<HashMap<String, Present>, Failure> {
    let keep = move |found: &mut HashMap<String, Present>, present: Present| {
        if wanted.contains(&present.identity) {
            found.insert(present.identity.clone(), present);
        }
    };
    folder.each(naming, HashMap::new(), keep).await
}
