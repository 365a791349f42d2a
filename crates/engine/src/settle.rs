//! Settle: flags that changed at the source since they were last applied, where the customer has not changed them.
//!
//! A three-way comparison for each flag: what we last applied (ledger), what the source says now, what the message
//! carries now. The customer's change always wins; a decision is made once and then remembered.

use std::collections::HashMap;

use imap::Uid;

use crate::account::Account;
use crate::destination::{Destination, DestinationFolder, FlagChange, FlagNames, Naming};
use crate::error::Error;
use crate::ledger::{EpochId, Ledger, MessageRecord, State};
use crate::pass::{Held, PAGE, look};

/// Applies changed flags; answers how many messages are different now.
pub(crate) async fn flags<L: Ledger, D: Destination>(
    account: &Account<'_, L, D>,
    epoch: EpochId,
    folder: &D::Folder,
    naming: &Naming,
    fresh: &HashMap<Uid, FlagNames>,
) -> Result<u64, Error> {
    let mut held: Option<Held> = None;
    let (mut updated, mut after) = (0, None);
    loop {
        let rows = account.ledger.messages(epoch, after, PAGE).await?;
        let Some(last) = rows.last().map(|row| row.uid) else { return Ok(updated) };
        after = Some(last);
        let changed: Vec<(MessageRecord, &FlagNames)> = rows
            .into_iter()
            .filter(|row| row.state == State::Imported)
            .filter_map(|row| {
                let now = fresh.get(&row.uid)?;
                (!now.iter().eq(row.flags.iter())).then_some((row, now))
            })
            .collect();
        if changed.is_empty() {
            continue;
        }
        if held.is_none() {
            held = Some(look(&Some(folder.clone()), naming).await?);
        }
        let (mut changes, mut remembered) = (Vec::new(), Vec::new());
        for (row, now) in changed {
            let applied: FlagNames = row.flags.iter().cloned().collect();
            if let Some(present) = held.as_ref().and_then(|held| held.find(&row)) {
                let (add, remove) = merge(&applied, now, &present.flags);
                if !(add.is_empty() && remove.is_empty()) {
                    changes.push(FlagChange { identity: present.identity.clone(), add, remove });
                }
            }
            remembered.push(MessageRecord { flags: now.iter().cloned().collect(), ..row });
        }
        if !changes.is_empty() {
            account.ledger.still_ours().await?;
            updated += folder.change_flags(changes).await?;
        }
        account.ledger.record(epoch, &remembered).await?;
    }
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
