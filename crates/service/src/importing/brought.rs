//! What earlier attempts of the same run brought: a pause, a restart or a `kill -9` makes nobody's number smaller.
//!
//! The ledger knows what is imported; how much of it this run brought is what is there now less what was there when
//! the run began with the account.

use std::collections::BTreeMap;

use engine::ledger::AccountKey;
use engine::report::Report;
use imap::NameEncoding;
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
use store::tables::import;

use super::current;
use crate::error::{Error, Result};
use crate::queue::Duty;
use crate::service::Service;

/// A folder's name without what differs between the wire and the report: separators and the personal prefix.
fn plain(name: &str) -> String {
    let name = name.replace(['.', '\\'], "/");
    match name.split_at_checked(6) {
        Some((head, rest)) if head.eq_ignore_ascii_case("INBOX/") && !rest.is_empty() => rest.to_owned(),
        _ => name,
    }
}

/// Messages by folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Brought(BTreeMap<String, u64>);

impl Service {
    /// What this run brought until now. At its first attempt it is noted what was there before.
    pub(crate) async fn brought(
        &self,
        duty: &Duty,
        row: &import::Model,
        key: &AccountKey,
    ) -> Result<Brought> {
        let there = self.inner.store.imported_by_folder(key).await?;
        let there: BTreeMap<String, u64> = there
            .into_iter()
            .map(|(name, count)| (plain(&name.decode(NameEncoding::ModifiedUtf7).text), count))
            .collect();
        let before: Option<BTreeMap<String, u64>> =
            row.brought_before.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some(before) = before else {
            self.note_before(duty, &there).await?;
            return Ok(Brought::default());
        };
        Ok(Brought::since(&before, there))
    }

    async fn note_before(&self, duty: &Duty, there: &BTreeMap<String, u64>) -> Result<()> {
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(()) };
        let mut changed: import::ActiveModel = row.into();
        changed.brought_before = Set(Some(serde_json::to_string(there).map_err(Error::internal)?));
        changed.update(writing.connection()).await?;
        writing.commit().await.map_err(Error::from)
    }
}

impl Brought {
    fn since(before: &BTreeMap<String, u64>, mut there: BTreeMap<String, u64>) -> Brought {
        for (folder, count) in &mut there {
            *count = count.saturating_sub(before.get(folder).copied().unwrap_or(0));
        }
        Brought(there)
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Counts it as imported in the report of the last attempt, which found it there already. The identity holds as before.
    pub(crate) fn count_in(&self, report: &mut Report) {
        for folder in &mut report.folders {
            let earlier =
                self.0.get(&plain(&folder.source)).copied().unwrap_or(0).min(folder.counts.already_there);
            for counts in [&mut folder.counts, &mut report.totals] {
                counts.already_there -= earlier;
                counts.imported += earlier;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_name_on_the_wire_and_in_the_report() {
        for (wire, report) in
            [("INBOX.Sent.2023", "Sent/2023"), ("INBOX", "INBOX"), ("a\\b", "a/b"), ("inbox/x", "x")]
        {
            assert_eq!(plain(wire), plain(report));
        }
    }

    #[test]
    fn only_what_came_since_counts_and_a_folder_that_shrank_counts_nothing() {
        let map = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        let brought =
            Brought::since(&map(&[("INBOX", 3), ("Old", 9)]), map(&[("INBOX", 10), ("Old", 2), ("New", 4)]));
        assert_eq!(brought, Brought(map(&[("INBOX", 7), ("Old", 0), ("New", 4)])));
        assert_eq!(brought.total(), 11);
    }
}
