//! Counting a folder: ledger and destination are asked afresh, and the identity must hold.
//!
//! Also here: what is learnt from the destination alone, messages that lie there without a row of the ledger.

use std::collections::HashSet;

use imap::{UidSet, UidValidity};

use crate::copy::Copied;
use crate::copy::pool::{Known, Pool};
use crate::destination::{Destination, DestinationFolder, Failure, Naming, Present, Stored};
use crate::error::Error;
use crate::held::{Held, Identities, own_uids};
use crate::ledger::{Cause, Epoch, Ledger, MessageRecord, State};
use crate::listing::Listing;
use crate::pass::{FolderOutcome, PAGE, Passes};
use crate::plan::{PlannedFolder, source_name};
use crate::report::{Counts, Exception, FolderLine, Note, Verification};

impl<L: Ledger, D: Destination> Passes<'_, L, D> {
    /// Counts the listed messages of a folder by what the ledger and the destination say now.
    pub(crate) async fn tally(
        &self,
        planned: &PlannedFolder,
        epoch: &Epoch,
        listed: &UidSet,
        copied: &Copied,
    ) -> Result<FolderOutcome, Error> {
        let folder = self.account.destination.open(&planned.destination).await?;
        let held = Held::look(folder.as_ref(), &self.naming(planned, epoch.uid_validity)).await?;
        let mut outcome = empty(planned, epoch.uid_validity);
        outcome.line.counts.listed = listed.len();
        let mut phantoms = UidSet::new();
        let mut replaced = copied.earlier.clone();
        let mut after = None;
        loop {
            let rows = self.account.ledger.messages(epoch.id, after, PAGE).await?;
            let Some(last) = rows.last().map(|row| row.uid) else { break };
            for row in rows.iter().filter(|row| listed.contains(row.uid)) {
                count(&mut outcome, row, &held, copied);
                if let Some(identity) = &row.identity {
                    replaced.remove(identity);
                }
                if row.state == State::Phantom {
                    phantoms.insert(row.uid);
                }
                outcome.exceptions.extend(exception(planned, row));
            }
            after = Some(last);
        }
        count_replaced(&mut outcome, &replaced, &held);
        let phantom = "The old server listed these messages but does not have them.";
        outcome.notes.extend(note(planned, "phantom", &phantoms, phantom));
        let date =
            "The date was missing or out of range at the old server, and was taken from the message itself.";
        outcome.notes.extend(note(planned, "date_adjusted", &copied.date_adjusted, date));
        let keyword = "These messages have labels that the new mailbox cannot hold.";
        outcome.notes.extend(note(planned, "keyword_dropped", &copied.keyword_dropped, keyword));
        Ok(outcome)
    }

    /// Counts a folder whose listed messages all lie in the destination under the names that this import gives them. Such a
    /// name tells the message's UID, so the ledger need not be asked about each.
    pub(crate) async fn all_there(
        &self,
        planned: &PlannedFolder,
        epoch: &Epoch,
        listed: &UidSet,
    ) -> Result<Option<FolderOutcome>, Error> {
        let folder = self.account.destination.open(&planned.destination).await?;
        let there = own_uids(folder.as_ref(), &self.naming(planned, epoch.uid_validity)).await?;
        if !listed.iter().all(|uid| there.contains(uid)) {
            return Ok(None);
        }
        let mut outcome = empty(planned, epoch.uid_validity);
        outcome.line.counts.listed = listed.len();
        outcome.line.counts.already_there = listed.len();
        outcome.verification.compared = listed.len();
        Ok(Some(outcome))
    }
}

/// Adds one row to the numbers.
fn count(outcome: &mut FolderOutcome, row: &MessageRecord, held: &Held, copied: &Copied) {
    let found = row.identity.as_deref().and_then(|identity| held.find(identity));
    let counts = &mut outcome.line.counts;
    match row.state {
        State::Imported if copied.is_new(row) => {
            counts.imported += 1;
            counts.bytes += row.size.unwrap_or(0);
            outcome.verification.compared += 1;
            let same = found.is_some_and(|size| size.is_none() || size == row.size);
            outcome.verification.different += u64::from(!same);
        }
        State::Imported => match found {
            Some(_) => {
                counts.already_there += 1;
                outcome.verification.compared += 1;
            }
            None => counts.removed_by_user += 1,
        },
        State::Skipped => counts.skipped += 1,
        State::Failed => counts.failed += 1,
        State::Unreadable => counts.unreadable += 1,
        State::Phantom => counts.phantom += 1,
    }
}

/// What this run brought from a folder that was made anew meanwhile, with other messages in it: they were listed, and they
/// have arrived.
fn count_replaced(outcome: &mut FolderOutcome, replaced: &HashSet<String>, held: &Held) {
    let counts = &mut outcome.line.counts;
    for found in replaced.iter().map(|identity| held.find(identity)) {
        counts.listed += 1;
        counts.imported += 1;
        counts.bytes += found.flatten().unwrap_or(0);
        outcome.verification.compared += 1;
        outcome.verification.different += u64::from(found.is_none());
    }
}

fn exception(planned: &PlannedFolder, row: &MessageRecord) -> Option<Exception> {
    if !matches!(row.state, State::Failed | State::Unreadable) {
        return None;
    }
    let cause = row.cause.clone().unwrap_or_else(|| Cause {
        class: "internal".into(),
        message: "The message could not be imported.".into(),
        date: None,
        from: None,
        subject: None,
    });
    Some(Exception {
        folder: source_name(&planned.source),
        uid: Some(row.uid.get()),
        class: cause.class,
        message: cause.message,
        size: row.size,
        date: cause.date,
        from: cause.from,
        subject: cause.subject,
        retryable: row.state == State::Failed,
    })
}

fn note(planned: &PlannedFolder, class: &str, uids: &UidSet, message: &str) -> Option<Note> {
    (!uids.is_empty()).then(|| Note {
        folder: source_name(&planned.source),
        class: class.into(),
        uids: uids.to_string(),
        message: message.into(),
    })
}

pub(crate) fn empty(planned: &PlannedFolder, uid_validity: UidValidity) -> FolderOutcome {
    FolderOutcome {
        line: FolderLine {
            source: source_name(&planned.source),
            destination: planned.destination.to_string(),
            role: planned.role,
            uidvalidity: uid_validity.0,
            counts: Counts::default(),
        },
        exceptions: Vec::new(),
        notes: Vec::new(),
        verification: Verification::default(),
    }
}

fn folder_exception(planned: &PlannedFolder, class: &str, message: String, retryable: bool) -> FolderOutcome {
    let status = &planned.source.status;
    let mut outcome = empty(planned, status.uid_validity.unwrap_or(UidValidity(0)));
    outcome.exceptions.push(of_folder(&outcome.line.source, class, message, retryable));
    outcome
}

/// An exception that is about no single message.
pub(crate) fn of_folder(folder: &str, class: &str, message: String, retryable: bool) -> Exception {
    Exception {
        folder: folder.to_owned(),
        uid: None,
        class: class.into(),
        message,
        size: None,
        date: None,
        from: None,
        subject: None,
        retryable,
    }
}

/// The server does not open the folder.
pub(crate) fn denied(planned: &PlannedFolder, error: &imap::Error) -> FolderOutcome {
    let message =
        format!("The old server does not let us open folder {}. ({error})", source_name(&planned.source));
    folder_exception(planned, "folder_denied", message, false)
}

/// The destination does not take a folder of this name.
pub(crate) fn not_taken(planned: &PlannedFolder, failure: Failure) -> FolderOutcome {
    folder_exception(planned, "folder_refused", failure.message, false)
}

/// The server opened the folder, and then it did not any more.
pub(crate) fn withdrawn(planned: &PlannedFolder, error: &imap::Error) -> Exception {
    let folder = source_name(&planned.source);
    let message = format!("The old server does not let us open folder {folder} any more. ({error})");
    of_folder(&folder, "folder_denied", message, true)
}

/// The same, before it could be listed anew: what was brought under its earlier UIDVALIDITY is there all the same.
pub(crate) fn withdrawn_after(planned: &PlannedFolder, error: &imap::Error, brought: u64) -> FolderOutcome {
    let mut outcome = empty(planned, planned.source.status.uid_validity.unwrap_or(UidValidity(0)));
    (outcome.line.counts.listed, outcome.line.counts.imported) = (brought, brought);
    outcome.exceptions.push(withdrawn(planned, error));
    outcome
}

/// The server ends the connection whenever the folder is opened or listed.
pub(crate) fn hung_up(planned: &PlannedFolder, error: &imap::Error) -> FolderOutcome {
    let message = format!(
        "The old server ends the connection whenever folder {} is opened. ({error})",
        source_name(&planned.source)
    );
    folder_exception(planned, "folder_unavailable", message, true)
}

/// The server numbers the folder anew again and again.
pub(crate) fn unstable(planned: &PlannedFolder, imported: u64) -> FolderOutcome {
    let message = format!(
        "The old server numbers the messages of folder {} anew again and again.",
        source_name(&planned.source)
    );
    let mut outcome = folder_exception(planned, "uidvalidity_unstable", message, true);
    // What was brought before the numbers changed is there all the same.
    (outcome.line.counts.listed, outcome.line.counts.imported) = (imported, imported);
    outcome
}

/// At this host Yahoo shows the newest 10,000 messages of a folder, at the other one all of them.
pub(crate) fn shown_in_part(planned: &PlannedFolder, host: &str, listed: u64) -> Option<Note> {
    const SHOWN: u64 = 10_000;
    let in_part = host.trim_end_matches('.').eq_ignore_ascii_case("imap.mail.yahoo.com") && listed >= SHOWN;
    in_part.then(|| Note {
        folder: source_name(&planned.source),
        class: "shown_in_part".into(),
        uids: String::new(),
        message:
            "Yahoo shows only the newest 10,000 messages of a folder at imap.mail.yahoo.com. Import from \
                  export.imap.mail.yahoo.com for the older ones, with --adopt, so that nothing comes twice."
                .into(),
    })
}

/// The pass's last words: flags, ignored UIDs, and after an interruption the messages that were not reached.
pub(crate) fn finished(
    mut outcome: FolderOutcome,
    listing: &Listing,
    flags_updated: u64,
    interrupted: bool,
) -> FolderOutcome {
    let counts = &mut outcome.line.counts;
    counts.flags_updated = flags_updated;
    if interrupted {
        // Not reached is not lost: the next run brings them.
        counts.failed = counts.listed.saturating_sub(counts.accounted() - counts.failed);
    }
    if listing.unlisted > 0 {
        let folder = outcome.line.source.clone();
        let message = format!(
            "The old server says that folder {folder} has {} messages more than it lists.",
            listing.unlisted
        );
        outcome.exceptions.push(of_folder(&folder, "unlisted", message, true));
    }
    if listing.ignored > 0 {
        outcome.notes.push(Note {
            folder: outcome.line.source.clone(),
            class: "uid_ignored".into(),
            uids: String::new(),
            message: format!(
                "The old server listed {} entries with a number no message can have.",
                listing.ignored
            ),
        });
    }
    outcome
}

/// Rows for messages that carry our names but have no row: delivered just before a crash, or the ledger was lost.
pub(crate) async fn adopt<F: DestinationFolder>(
    folder: &F,
    naming: &Naming,
    uids: UidSet,
) -> Result<Vec<MessageRecord>, Error> {
    let wanted = move |present: &Present| present.uid.is_some_and(|uid| uids.contains(uid));
    let row = |stored: Stored| {
        Some(MessageRecord {
            uid: stored.present.uid?,
            state: State::Imported,
            identity: Some(stored.present.identity),
            size: Some(stored.size),
            digest: Some(stored.digest),
            flags: stored.present.flags.into_iter().collect(),
            object_id: None,
            cause: None,
        })
    };
    Ok(folder.read(naming, wanted).await?.into_iter().filter_map(row).collect())
}

/// Puts mail of others into the pool, by digest: whatever carries none of our names and is in no row (`used`).
pub(crate) async fn add_foreign<F: DestinationFolder>(
    folder: &F,
    naming: &Naming,
    used: Identities,
    pool: &mut Pool,
) -> Result<(), Error> {
    let foreign = move |present: &Present| {
        !present.identity.ends_with(".mailimport") && !used.contains(&present.identity)
    };
    for Stored { present, size, digest, .. } in folder.read(naming, foreign).await? {
        let known = Known { identity: present.identity, size: Some(size), digest: Some(digest), flags: None };
        pool.add(known, None);
    }
    Ok(())
}
