//! What lies in a folder of the new server: listed, read, found again, its flags changed.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use imap::{
    Body, DateItem, Examined, FetchEvent, FetchItem, Fetched, Flag, StoreAction, Uid, UidSet, UidValidity,
};

use super::lane::Lane;
use super::{ImapFolder, identity, storable, uid_in};
use crate::canonical::Canonical;
use crate::destination::{Failure, FlagChange, Mark, Present, Stored, flag_names};
use crate::ledger::Digest;

/// Messages asked for in one command.
const CHUNK: usize = 100;
/// Commands on the wire.
const WINDOW: usize = 3;
/// How often what did not come is asked for again.
const ROUNDS: usize = 3;
/// How often a folder is looked at again while messages go on arriving in it.
const LOOKS: usize = 10;

/// Every message with its flags.
pub(super) async fn present(folder: &ImapFolder) -> Result<Vec<Present>, Failure> {
    let (mut lane, mut examined, _) = folder.select().await?;
    loop {
        match list(&mut lane, examined.exists, examined.uid_validity).await? {
            Ok(present) => return Ok(present),
            Err(error) => {
                lane.recover(error).await?;
                examined = lane.select(&folder.name).await?;
            }
        }
    }
}

async fn list(
    lane: &mut Lane,
    exists: u32,
    uid_validity: Option<UidValidity>,
) -> Result<Result<Vec<Present>, imap::Error>, Failure> {
    if exists == 0 {
        return Ok(Ok(Vec::new()));
    }
    let uid_validity = uid_validity.unwrap_or(UidValidity(0));
    let mut pipeline = lane.connection().await?.fetch();
    if let Err(error) = pipeline.send_all(&[FetchItem::Flags], None).await {
        return Ok(Err(error));
    }
    let mut present = BTreeMap::new();
    loop {
        match pipeline.next().await {
            Ok(Some(FetchEvent::Message(message))) => {
                if let (Some(uid), Some(flags)) = (message.uid, &message.flags) {
                    present.insert(uid, told(uid_validity, uid, flags));
                }
            }
            Ok(Some(FetchEvent::Completed { outcome, .. })) => {
                if let Some(refused) = crate::line::refusal(&outcome) {
                    return Ok(Err(refused));
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Ok(present.into_values().collect())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn told(uid_validity: UidValidity, uid: Uid, flags: &[Flag]) -> Present {
    Present { uid: None, identity: identity(uid_validity, uid), size: None, flags: flag_names(flags) }
}

/// Reads the messages that `wanted` chooses.
pub(super) async fn read(
    folder: &ImapFolder,
    wanted: impl Fn(&Present) -> bool + Send,
) -> Result<Vec<Stored>, Failure> {
    let listed = present(folder).await?;
    let (mut lane, examined, _) = folder.select().await?;
    let uid_validity = examined.uid_validity.unwrap_or(UidValidity(0));
    let chosen: UidSet = listed
        .iter()
        .filter(|present| wanted(present))
        .filter_map(|p| uid_in(&p.identity, uid_validity))
        .collect();
    Ok(bodies(folder, &mut lane, uid_validity, &chosen).await?.into_values().collect())
}

/// Reads these messages of the folder that the lane has open. What does not come, asked for again, is missing.
async fn bodies(
    folder: &ImapFolder,
    lane: &mut Lane,
    uid_validity: UidValidity,
    uids: &UidSet,
) -> Result<BTreeMap<Uid, Stored>, Failure> {
    let mut stored = BTreeMap::new();
    for _ in 0..ROUNDS {
        let missing: UidSet = uids.iter().filter(|uid| !stored.contains_key(uid)).collect();
        if missing.is_empty() {
            break;
        }
        if let Err(error) = fetch(lane, uid_validity, &missing, &mut stored).await? {
            lane.recover(error).await?;
            let examined = lane.select(&folder.name).await?;
            if examined.uid_validity.unwrap_or(UidValidity(0)) != uid_validity {
                break;
            }
        }
    }
    Ok(stored)
}

async fn fetch(
    lane: &mut Lane,
    uid_validity: UidValidity,
    uids: &UidSet,
    stored: &mut BTreeMap<Uid, Stored>,
) -> Result<Result<(), imap::Error>, Failure> {
    let items = [FetchItem::Uid, FetchItem::Flags, FetchItem::InternalDate, FetchItem::Body];
    let mut chunks: VecDeque<UidSet> = uids.chunks(CHUNK).collect();
    let mut pipeline = lane.connection().await?.fetch();
    let (mut hasher, mut canonical, mut size) = (blake3::Hasher::new(), Canonical::default(), 0_u64);
    loop {
        while pipeline.in_flight() < WINDOW {
            let Some(chunk) = chunks.pop_front() else { break };
            if let Err(error) = pipeline.send(&chunk, &items, None).await {
                return Ok(Err(error));
            }
        }
        match pipeline.next().await {
            Ok(Some(FetchEvent::BodyStart { .. })) => {
                (hasher, canonical, size) = (blake3::Hasher::new(), Canonical::default(), 0);
            }
            Ok(Some(FetchEvent::BodyData(octets))) => {
                hasher.update(&octets);
                canonical.update(&octets);
                size += octets.len() as u64;
            }
            Ok(Some(FetchEvent::Message(message))) => {
                let digest = *hasher.finalize().as_bytes();
                let canonical = std::mem::take(&mut canonical).finish();
                if let Some(uid) = message.uid.filter(|_| is_whole(&message)) {
                    stored.insert(uid, whole(uid_validity, uid, &message, (size, digest, canonical)));
                }
            }
            Ok(Some(FetchEvent::Completed { .. } | FetchEvent::Vanished(_))) => {}
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn is_whole(message: &Fetched) -> bool {
    message.suspicion.is_none() && matches!(message.body, Body::Received { .. })
}

fn whole(
    uid_validity: UidValidity,
    uid: Uid,
    message: &Fetched,
    (size, digest, canonical): (u64, Digest, Digest),
) -> Stored {
    let date = match &message.internal_date {
        DateItem::Valid(date) => Some(date.timestamp),
        DateItem::Absent | DateItem::Invalid(_) => None,
    };
    let present = told(uid_validity, uid, message.flags.as_deref().unwrap_or_default());
    Stored { present, date, size, digest, canonical: Some(canonical) }
}

/// What was found of a batch, and where the folder stood then.
pub(super) struct Found {
    /// The identity of each message that is there.
    pub(super) identities: Vec<Option<String>>,
    /// Messages that came since the mark and match nothing, in their order.
    pub(super) strangers: Vec<String>,
    uid_next: Option<u32>,
}

/// Looks for the messages of a batch, as often as the folder goes on changing: the server may still be working on what it
/// got before the connection broke.
pub(super) async fn find_settled(
    folder: &ImapFolder,
    lane: &mut Lane,
    mark: &Mark,
    owned: &HashSet<String>,
) -> Result<Found, Failure> {
    let mut found = find(folder, lane, mark, owned).await?;
    for _ in 0..LOOKS {
        if found.identities.iter().all(Option::is_some) {
            break;
        }
        lane.pause(folder.shared.place.settings.first_pause.saturating_mul(2)).await?;
        let again = find(folder, lane, mark, owned).await?;
        let settled = again.uid_next == found.uid_next;
        found = again;
        if settled {
            break;
        }
    }
    Ok(found)
}

/// Looks for the messages of a batch by their canonical form: among those at or above the mark, or, when the server has
/// numbered the folder anew since, among all. A multiset: each message of the folder stands for one of the batch.
pub(super) async fn find(
    folder: &ImapFolder,
    lane: &mut Lane,
    mark: &Mark,
    owned: &HashSet<String>,
) -> Result<Found, Failure> {
    let examined = lane.select(&folder.name).await?;
    folder.shared.remember(&folder.path, &examined);
    let uid_validity = examined.uid_validity.unwrap_or(UidValidity(0));
    let from = if uid_validity == mark.uid_validity { mark.uid_next.max(1) } else { 1 };
    let to = examined.uid_next.map_or(u32::MAX, |next| next.saturating_sub(1));
    let mut range = UidSet::new();
    if let (Some(from), Some(to)) = (Uid::new(from), Uid::new(to))
        && from <= to
        && examined.exists > 0
    {
        range.insert_range(from, to);
    }
    for uid in owned.iter().filter_map(|identity| uid_in(identity, uid_validity)) {
        range.remove(uid);
    }
    // Only what is really there is asked for: the range of a folder that is numbered anew may be wide.
    let there = match range.is_empty() {
        true => UidSet::new(),
        false => listed(folder, lane, &examined).await?.intersection(&range),
    };
    let stored = bodies(folder, lane, uid_validity, &there).await?;
    let unread: UidSet = there.iter().filter(|uid| !stored.contains_key(uid)).collect();
    if !unread.is_empty() {
        are_gone(folder, lane, &examined, &unread).await?;
    }
    let mut by_form: HashMap<Digest, VecDeque<Uid>> = HashMap::new();
    for (uid, message) in &stored {
        if let Some(canonical) = message.canonical {
            by_form.entry(canonical).or_default().push_back(*uid);
        }
    }
    let mut matched = |canonical| by_form.get_mut(canonical).and_then(VecDeque::pop_front);
    let uids: Vec<Option<Uid>> = mark.canonical.iter().map(&mut matched).collect();
    let taken: HashSet<Uid> = uids.iter().flatten().copied().collect();
    Ok(Found {
        identities: uids.iter().map(|uid| uid.map(|uid| identity(uid_validity, uid))).collect(),
        strangers: there
            .iter()
            .filter(|uid| !taken.contains(uid))
            .map(|uid| identity(uid_validity, uid))
            .collect(),
        uid_next: examined.uid_next,
    })
}

/// Messages that were listed and not read must be gone by now. One that is there and cannot be read may be one of those
/// that are looked for: taken for missing it would be sent again.
async fn are_gone(
    folder: &ImapFolder,
    lane: &mut Lane,
    examined: &Examined,
    unread: &UidSet,
) -> Result<(), Failure> {
    let now = lane.select(&folder.name).await?;
    if now.uid_validity == examined.uid_validity
        && listed(folder, lane, &now).await?.intersection(unread).is_empty()
    {
        return Ok(());
    }
    Err(cannot_tell(folder))
}

fn cannot_tell(folder: &ImapFolder) -> Failure {
    let message = format!(
        "The new server does not hand over what lies in folder {}, so nobody can tell which messages have arrived there. None \
         is sent again; the same command looks again.",
        folder.path
    );
    Failure { class: "destination", message }
}

/// The UIDs of the folder that the lane has open: of all its messages, or it is an error.
async fn listed(folder: &ImapFolder, lane: &mut Lane, examined: &Examined) -> Result<UidSet, Failure> {
    let uid_validity = examined.uid_validity;
    let mut exists = examined.exists;
    for _ in 0..ROUNDS {
        match list(lane, exists, uid_validity).await? {
            Ok(present) if present.len() as u64 >= u64::from(exists) => {
                let validity = uid_validity.unwrap_or(UidValidity(0));
                return Ok(present.iter().filter_map(|p| uid_in(&p.identity, validity)).collect());
            }
            // Removed meanwhile, or a line that made no sense.
            Ok(_) => {}
            Err(error) => lane.recover(error).await?,
        }
        let again = lane.select(&folder.name).await?;
        if again.uid_validity != uid_validity {
            break;
        }
        exists = again.exists;
    }
    Err(cannot_tell(folder))
}

/// Adds and removes flags; answers how many messages are different now.
pub(super) async fn change_flags(folder: &ImapFolder, changes: &[FlagChange]) -> Result<u64, Failure> {
    let (mut lane, examined, _) = folder.select().await?;
    let uid_validity = examined.uid_validity.unwrap_or(UidValidity(0));
    let mut orders: BTreeMap<(bool, Flag), UidSet> = BTreeMap::new();
    let mut changed = 0;
    for change in changes {
        let Some(uid) = uid_in(&change.identity, uid_validity) else { continue };
        let (add, _) = storable(&change.add, &examined.permanent_flags);
        let (remove, _) = storable(&change.remove, &examined.permanent_flags);
        changed += u64::from(!(add.is_empty() && remove.is_empty()));
        let order =
            add.into_iter().map(|flag| (true, flag)).chain(remove.into_iter().map(|flag| (false, flag)));
        for key in order {
            orders.entry(key).or_default().insert(uid);
        }
    }
    for ((add, flag), uids) in orders {
        let action = if add { StoreAction::Add } else { StoreAction::Remove };
        loop {
            match lane.connection().await?.store_flags(&uids, action, std::slice::from_ref(&flag)).await {
                Ok(()) => break,
                Err(error) => {
                    lane.recover(error).await?;
                    lane.select(&folder.name).await?;
                }
            }
        }
    }
    Ok(changed)
}
