//! What earlier attempts of the same run brought: a pause, a restart or a `kill -9` makes nobody's number smaller.
//!
//! The ledger knows what is imported; how much of it this run brought is what is there now less what was there when
//! the run began with the account. That holds also for messages of which an attempt could not say any more that it
//! had brought them, because it was killed, or the database was, between the two.

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
type Messages = BTreeMap<String, u64>;

/// What this run brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    before: Messages,
    since: Messages,
}

impl Service {
    /// What this run brought until now. At its first attempt it is noted what was there before.
    pub(crate) async fn brought(
        &self,
        duty: &Duty,
        row: &import::Model,
        key: &AccountKey,
    ) -> Result<Brought> {
        let there = self.there(key).await?;
        let noted = row.brought_before.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let before = match noted {
            Some(before) => before,
            None => {
                self.note_before(duty, &there).await?;
                there.clone()
            }
        };
        Ok(Brought::since(before, there))
    }

    /// The same, once more.
    pub(crate) async fn brought_by_now(&self, brought: Brought, key: &AccountKey) -> Result<Brought> {
        Ok(Brought::since(brought.before, self.there(key).await?))
    }

    async fn there(&self, key: &AccountKey) -> Result<Messages> {
        let there = self.inner.store.imported_by_folder(key).await?;
        let text = |name: imap::WireName| plain(&name.decode(NameEncoding::ModifiedUtf7).text);
        Ok(there.into_iter().map(|(name, count)| (text(name), count)).collect())
    }

    async fn note_before(&self, duty: &Duty, there: &Messages) -> Result<()> {
        let writing = self.writing_for(duty).await?;
        let Some(row) = current(&writing, duty).await? else { return Ok(()) };
        let mut changed: import::ActiveModel = row.into();
        changed.brought_before = Set(Some(serde_json::to_string(there).map_err(Error::internal)?));
        changed.update(writing.connection()).await?;
        writing.commit().await.map_err(Error::from)
    }
}

impl Brought {
    fn since(before: Messages, there: Messages) -> Brought {
        let mut since = there;
        for (folder, count) in &mut since {
            *count = count.saturating_sub(before.get(folder).copied().unwrap_or(0));
        }
        Brought { before, since }
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.since.values().sum()
    }

    /// Counts as imported, in the report of the last attempt, what earlier ones brought and it found there already. The
    /// identity holds as before.
    pub(crate) fn count_in(&self, report: &mut Report) {
        for folder in &mut report.folders {
            let brought = self.since.get(&plain(&folder.source)).copied().unwrap_or(0);
            let earlier = brought.saturating_sub(folder.counts.imported).min(folder.counts.already_there);
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
            Brought::since(map(&[("INBOX", 3), ("Old", 9)]), map(&[("INBOX", 10), ("Old", 2), ("New", 4)]));
        assert_eq!(brought.since, map(&[("INBOX", 7), ("Old", 0), ("New", 4)]));
        assert_eq!(brought.total(), 11);
    }
}
