//! Settle: flags that changed at the source since they were last applied, where the customer has not changed them.
//!
//! A three-way comparison for each flag: what we last applied (ledger), what the source says now, what the message
//! carries now. The customer's change always wins; a decision is made once and then remembered.

use imap::{Uid, UidSet};

use crate::account::Account;
use crate::destination::{Destination, DestinationFolder, FlagChange, FlagNames, Naming};
use crate::error::Error;
use crate::flag_index::FlagIndex;
use crate::held::{Identities, find_all};
use crate::ledger::{EpochId, Ledger, MessageRecord, State};
use crate::listing::Listing;
use crate::pass::PAGE;

/// Flags as the source has them now, as far as it tells: of messages that were there before, what the listing says; of all,
/// what was told after the copy.
pub(crate) struct Fresh<'a> {
    listing: &'a Listing,
    /// Copied in this pass: the listing is older than the flags they came with.
    new: &'a UidSet,
    pub(crate) now: FlagIndex,
}

impl<'a> Fresh<'a> {
    pub(crate) fn of(listing: &'a Listing, new: &'a UidSet) -> Fresh<'a> {
        Fresh { listing, new, now: FlagIndex::default() }
    }

    fn get(&self, uid: Uid) -> Option<&FlagNames> {
        let listed = || self.listing.flags.get(uid).filter(|_| !self.new.contains(uid));
        self.now.get(uid).or_else(listed)
    }

    fn is_empty(&self) -> bool {
        self.now.is_empty() && self.listing.uids.iter().all(|uid| self.new.contains(uid))
    }
}

/// Applies changed flags; answers how many messages are different now.
pub(crate) async fn flags<L: Ledger, D: Destination>(
    account: &Account<'_, L, D>,
    epoch: EpochId,
    folder: &D::Folder,
    naming: &Naming,
    fresh: &Fresh<'_>,
) -> Result<u64, Error> {
    let (mut updated, mut after) = (0, None);
    let mut changed: Vec<(MessageRecord, &FlagNames)> = Vec::new();
    if fresh.is_empty() {
        return Ok(0);
    }
    loop {
        let rows = account.ledger.messages(epoch, after, PAGE).await?;
        let last = rows.last().map(|row| row.uid);
        changed.extend(rows.into_iter().filter(|row| row.state == State::Imported).filter_map(|row| {
            let now = fresh.get(row.uid)?;
            (!now.iter().eq(row.flags.iter())).then_some((row, now))
        }));
        // The folder is looked through once for so many.
        if !changed.is_empty() && (changed.len() >= PAGE || last.is_none()) {
            updated += apply(account, epoch, (folder, naming), std::mem::take(&mut changed)).await?;
        }
        let Some(last) = last else { return Ok(updated) };
        after = Some(last);
    }
}

/// Applies changes and remembers them as applied.
async fn apply<L: Ledger, D: Destination>(
    account: &Account<'_, L, D>,
    epoch: EpochId,
    (folder, naming): (&D::Folder, &Naming),
    changed: Vec<(MessageRecord, &FlagNames)>,
) -> Result<u64, Error> {
    let mut wanted = Identities::default();
    changed
        .iter()
        .filter_map(|(row, _)| row.identity.as_deref())
        .for_each(|identity| wanted.insert(identity));
    let held = find_all(folder, naming, wanted).await?;
    let (mut changes, mut remembered) = (Vec::new(), Vec::new());
    for (row, now) in changed {
        let applied: FlagNames = row.flags.iter().cloned().collect();
        if let Some(present) = row.identity.as_ref().and_then(|identity| held.get(identity)) {
            let (add, remove) = merge(&applied, now, &present.flags);
            if !(add.is_empty() && remove.is_empty()) {
                changes.push(FlagChange { identity: present.identity.clone(), add, remove });
            }
        }
        remembered.push(MessageRecord { flags: now.iter().cloned().collect(), ..row });
    }
    let mut updated = 0;
    if !changes.is_empty() {
        account.ledger.still_ours().await?;
        updated = folder.change_flags(changes).await?;
    }
    account.ledger.record(epoch, &remembered).await?;
    Ok(updated)
}

/// What to add and to remove: what the source changed since `applied`, unless the message differs from `applied` there.
fn merge(applied: &FlagNames, source: &FlagNames, present: &FlagNames) -> (FlagNames, FlagNames) {
    let untouched = |flag: &&String| applied.contains(*flag) == present.contains(*flag);
    let add = source.difference(applied).filter(untouched).cloned().collect();
    let remove = applied.difference(source).filter(untouched).cloned().collect();
    (add, remove)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(flags: &str) -> FlagNames {
        flags.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_customers_change_wins_flag_by_flag() {
        // applied, source now, present now => add, remove
        let cases = [
            ("", "a", "", "a", ""),
            ("a", "", "a", "", "a"),
            ("a", "a", "", "", ""),    // the customer removed it, the source did nothing
            ("a", "", "", "", ""),     // both removed it
            ("", "a", "a", "", ""),    // both added it
            ("", "a b", "b", "a", ""), // one of the two was added by the customer already
            ("a", "b", "a c", "b", "a"), // the customer's own flag stays
        ];
        for (applied, source, present, add, remove) in cases {
            assert_eq!(
                merge(&set(applied), &set(source), &set(present)),
                (set(add), set(remove)),
                "{applied}|{source}|{present}"
            );
        }
    }
}
