//! What an import that died was about to add to the destination: found out before anything is sent.
//!
//! A destination that gives messages identities of its own (IMAP) cannot be asked whether a certain message has arrived.
//! So a batch stands in the ledger before it is sent ([`Intent`]), and an intent without an end is settled by looking at
//! what has appeared in the folder since. Nothing here sends a message.

use std::collections::HashSet;

use crate::account::Account;
use crate::destination::{Destination, DestinationFolder, Mark};
use crate::error::Error;
use crate::ledger::{Intended, Intent, Ledger, MessageRecord, OpenIntent, State};
use crate::pass::PAGE;

/// What is noted of a batch: its mark, and the row of each message in the same order.
pub(crate) fn of_batch(mark: &Mark, records: &[MessageRecord]) -> Intent {
    let messages = records.iter().zip(&mark.canonical).map(|(record, canonical)| Intended {
        uid: record.uid,
        size: record.size,
        digest: record.digest,
        canonical: *canonical,
        flags: record.flags.clone(),
        object_id: record.object_id.clone(),
    });
    Intent {
        folder: mark.folder.clone(),
        uid_validity: mark.uid_validity,
        uid_next: mark.uid_next,
        messages: messages.collect(),
    }
}

/// What the ledger knows of an intent's folder.
struct Known {
    /// Identities that rows of the folder have, of all its epochs.
    owned: HashSet<String>,
    /// Messages of the intent's epoch that have arrived.
    arrived: HashSet<imap::Uid>,
}

impl<L: Ledger, D: Destination> Account<'_, L, D> {
    /// Settles the intents of all accounts that go to this destination: later batches of any of them would hide what
    /// belongs to an earlier one.
    pub(crate) async fn settle_intents(&self) -> Result<(), Error> {
        for open in self.ledger.open_intents(&self.destination.key()).await? {
            self.settle_intent(open).await?;
        }
        Ok(())
    }

    async fn settle_intent(&self, open: OpenIntent) -> Result<(), Error> {
        let known = self.known(&open).await?;
        let OpenIntent { id, epoch, intent, .. } = open;
        let Intent { folder, uid_validity, uid_next, messages } = intent;
        let messages: Vec<Intended> =
            messages.into_iter().filter(|message| !known.arrived.contains(&message.uid)).collect();
        let mut rows = Vec::new();
        if let Some(found) = self.destination.open(&folder).await? {
            let canonical = messages.iter().map(|message| message.canonical).collect();
            let mark = Mark { folder, uid_validity, uid_next, canonical };
            let identities = found.find(&mark, &known.owned).await?;
            rows.extend(
                messages
                    .into_iter()
                    .zip(identities)
                    .filter_map(|(message, found)| Some(message.arrived(found?))),
            );
        }
        tracing::info!(arrived = rows.len(), "a batch of an import that died is settled");
        Ok(self.ledger.end_batch(epoch, id, &rows).await?)
    }

    async fn known(&self, open: &OpenIntent) -> Result<Known, Error> {
        let mut known = Known { owned: HashSet::new(), arrived: HashSet::new() };
        let epochs = self.ledger.epochs(open.account).await?;
        let folder = epochs.iter().find(|epoch| epoch.id == open.epoch).map(|epoch| epoch.folder.clone());
        for epoch in epochs.iter().filter(|epoch| Some(&epoch.folder) == folder.as_ref()) {
            let mut after = None;
            loop {
                let rows = self.ledger.messages(epoch.id, after, PAGE).await?;
                let Some(last) = rows.last().map(|row| row.uid) else { break };
                for row in rows.into_iter().filter(|row| row.state == State::Imported) {
                    if epoch.id == open.epoch {
                        known.arrived.insert(row.uid);
                    }
                    known.owned.extend(row.identity);
                }
                after = Some(last);
            }
        }
        Ok(known)
    }
}
