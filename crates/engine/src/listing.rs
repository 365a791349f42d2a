//! The listing of one folder: every UID with what must be known before its body is fetched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use imap::{
    DateItem, FetchEvent, FetchItem, ModSeq, Outcome, SearchQuery, Uid, UidSet, UidValidity, WireName,
};

use crate::copy::object_id;
use crate::destination::flag_names;
use crate::error::Error;
use crate::flag_index::FlagIndex;
use crate::line::{Line, Session};

/// What was asked for about a listed message beside its flags.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) size: Option<u64>,
    /// INTERNALDATE, unix seconds.
    pub(crate) date: Option<i64>,
    pub(crate) object_id: Option<Box<str>>,
}

impl Listed {
    fn is_empty(&self) -> bool {
        self.size.is_none() && self.date.is_none() && self.object_id.is_none()
    }

    fn update(&mut self, newer: Listed) {
        self.size = newer.size.or(self.size);
        self.date = newer.date.or(self.date);
        self.object_id = newer.object_id.or_else(|| self.object_id.take());
    }
}

/// A folder as the server lists it.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid_next: Option<Uid>,
    pub(crate) highest_mod_seq: Option<ModSeq>,
    pub(crate) uids: UidSet,
    pub(crate) flags: FlagIndex,
    /// Only of messages of which something was asked and told.
    pub(crate) details: HashMap<Uid, Listed>,
    /// UIDs that no message can have, as the server wrote them (0).
    pub(crate) ignored: u64,
    /// Messages that the server says there are and does not list.
    pub(crate) unlisted: u64,
}

impl Listing {
    /// Average octets of a message, where the listing tells sizes.
    pub(crate) fn average(&self) -> Option<u64> {
        let sizes = || self.details.values().filter_map(|listed| listed.size);
        sizes().fold(0_u64, u64::saturating_add).checked_div(sizes().count() as u64)
    }

    fn told(&self) -> u64 {
        self.uids.len() + self.ignored
    }
}

/// What a listing must tell beside UIDs and flags.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Detail {
    /// How many messages the survey found.
    pub(crate) surveyed: Option<u32>,
    pub(crate) sizes: bool,
    pub(crate) dates: bool,
    pub(crate) object_ids: Option<FetchItemKind>,
}

/// Which object id the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchItemKind {
    Gmail,
    EmailId,
}

impl FetchItemKind {
    pub(crate) fn item(self) -> FetchItem {
        match self {
            FetchItemKind::Gmail => FetchItem::GmailMessageId,
            FetchItemKind::EmailId => FetchItem::EmailId,
        }
    }
}

/// Opens the folder and lists it. A response that cannot be trusted still lists its UID, if it has one.
pub(crate) async fn list(
    line: &Line,
    session: &mut Session,
    name: &WireName,
    detail: Detail,
) -> Result<Listing, Error> {
    let examined = line.unless_cancelled(session.examine_anew(name)).await??;
    let mut listing = Listing {
        uid_validity: examined.uid_validity.unwrap_or(UidValidity(0)),
        uid_next: examined.uid_next.and_then(Uid::new),
        highest_mod_seq: examined.highest_mod_seq,
        uids: UidSet::new(),
        flags: FlagIndex::default(),
        details: HashMap::new(),
        ignored: 0,
        unlisted: 0,
    };
    if examined.exists == 0 {
        // Emptied since the survey, or one of the two numbers is false.
        if detail.surveyed.is_some_and(|messages| messages > 0) {
            complete(line, session, name, &mut listing).await?;
        }
        return Ok(listing);
    }
    let mut items = vec![FetchItem::Uid, FetchItem::Flags];
    items.extend(detail.sizes.then_some(FetchItem::Rfc822Size));
    items.extend(detail.dates.then_some(FetchItem::InternalDate));
    items.extend(detail.object_ids.map(FetchItemKind::item));
    let mut told = 0;
    // Some arrive meanwhile, and some are told again.
    let most = u64::from(examined.exists).saturating_mul(2).saturating_add(line.unasked());
    let mut pipeline = session.connection.fetch();
    pipeline.send_all(&items, None).await?;
    while let Some(event) = line.unless_cancelled(pipeline.next()).await?? {
        match event {
            FetchEvent::Message(message) => {
                told += 1;
                if told > most {
                    return Err(exceeded("messages in a listing", most));
                }
                let Some(uid) = message.uid else {
                    listing.ignored += 1;
                    continue;
                };
                listing.flags.insert(uid, flag_names(message.flags.as_deref().unwrap_or_default()))?;
                let listed = Listed {
                    size: message.size,
                    date: match &message.internal_date {
                        DateItem::Valid(date) => Some(date.timestamp),
                        DateItem::Absent | DateItem::Invalid(_) => None,
                    },
                    object_id: object_id(&message).map(Into::into),
                };
                listing.uids.insert(uid);
                // Told again, perhaps for its flags only: what was told before stays.
                match listing.details.entry(uid) {
                    Entry::Vacant(_) if listed.is_empty() => {}
                    Entry::Vacant(vacant) => {
                        vacant.insert(listed);
                    }
                    Entry::Occupied(mut known) => known.get_mut().update(listed),
                }
            }
            FetchEvent::Completed { outcome, .. } => refuse(&outcome)?,
            FetchEvent::BodyStart { .. } | FetchEvent::BodyData(_) | FetchEvent::Vanished(_) => {}
        }
    }
    if listing.told() < u64::from(examined.exists) {
        complete(line, session, name, &mut listing).await?;
    }
    Ok(listing)
}

fn exceeded(what: &'static str, limit: u64) -> Error {
    imap::Error::LimitExceeded { what, limit }.into()
}

/// Fewer messages were listed than there are: a line that made no sense, a limit, or mail deleted meanwhile. SEARCH
/// tells the rest; what it does not tell either must not be lost in silence.
async fn complete(
    line: &Line,
    session: &mut Session,
    name: &WireName,
    listing: &mut Listing,
) -> Result<(), Error> {
    match line.unless_cancelled(session.connection.search(&SearchQuery::All)).await? {
        Ok(found) => listing.uids.extend(found.iter()),
        Err(error @ imap::Error::Refused { .. }) => tracing::info!(%error, "no search"),
        Err(error) => return Err(error.into()),
    }
    let examined = line.unless_cancelled(session.examine_anew(name)).await??;
    if examined.uid_validity.unwrap_or(UidValidity(0)) != listing.uid_validity {
        return Err(Error::EpochChanged);
    }
    listing.unlisted = u64::from(examined.exists).saturating_sub(listing.told());
    Ok(())
}

/// Flags as they are now of what was listed: of everything, or of what changed since then (RFC 7162, 3.1.4.1).
pub(crate) async fn flags_now(
    line: &Line,
    session: &mut Session,
    name: &WireName,
    listing: &Listing,
) -> Result<FlagIndex, Error> {
    if line.unless_cancelled(session.examine(name)).await?? != listing.uid_validity {
        return Err(Error::EpochChanged);
    }
    let since = listing.highest_mod_seq.filter(|mod_seq| mod_seq.0 > 0);
    let most = listing.uids.len().saturating_mul(2).saturating_add(line.unasked());
    let mut told = 0;
    let mut flags = FlagIndex::default();
    let capabilities = session.connection.capabilities();
    let since = since.filter(|_| capabilities.has("CONDSTORE") || capabilities.has("QRESYNC"));
    let mut pipeline = session.connection.fetch();
    let modifier = since.map(imap::FetchModifier::ChangedSince);
    pipeline.send_all(&[FetchItem::Uid, FetchItem::Flags], modifier).await?;
    while let Some(event) = line.unless_cancelled(pipeline.next()).await?? {
        match event {
            FetchEvent::Message(message) => {
                told += 1;
                if told > most {
                    return Err(exceeded("messages in a listing", most));
                }
                if let (Some(uid), Some(now), None) = (message.uid, &message.flags, &message.suspicion)
                    && listing.uids.contains(uid)
                {
                    flags.insert(uid, flag_names(now))?;
                }
            }
            FetchEvent::Completed { outcome, .. } => refuse(&outcome)?,
            FetchEvent::BodyStart { .. } | FetchEvent::BodyData(_) | FetchEvent::Vanished(_) => {}
        }
    }
    Ok(flags)
}

/// `NO` and `BAD` are never "done".
fn refuse(outcome: &Outcome) -> Result<(), Error> {
    crate::line::refusal(outcome).map_or(Ok(()), |error| Err(error.into()))
}
