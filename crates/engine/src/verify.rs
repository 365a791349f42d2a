//! Verify: both sides are read again, every octet, and compared message by message.
//!
//! Nothing here trusts what the import believed: digests are of what the source sends now and of what lies in the
//! destination now. The ledger is only asked which message is which. Nothing is changed on either side.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use imap::{Body, DateItem, FetchEvent, FetchItem, Uid, UidSet};

use crate::account::Account;
use crate::canonical::Canonical;
use crate::destination::{Destination, DestinationFolder, FlagNames, Stored, flag_names};
use crate::error::Error;
use crate::import::{Gathered, gather, object_ids};
use crate::ledger::{Digest, Epoch, Ledger, State};
use crate::line::{Line, Session};
use crate::listing::{self, Detail};
use crate::pass::{LOSSES, PAGE, Passes};
use crate::plan::{self, PlannedFolder, source_name};
use crate::progress::Event;
use crate::report::{Difference, Note, Report, Verdict};
use crate::survey;
use crate::tally::{denied, empty, hung_up};

/// Messages asked for in one command.
const CHUNK: usize = 100;
/// Commands on the wire.
const WINDOW: usize = 4;

/// One message as one side has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copy {
    digest: Digest,
    /// Digest of the canonical form, where the destination may change the ends of lines.
    canonical: Option<Digest>,
    size: u64,
    flags: FlagNames,
    /// Unix seconds; `None` when the server told none.
    date: Option<i64>,
}

impl Copy {
    /// Whether they differ in the ends of lines at most, as far as the destination may change them.
    fn resembles(&self, other: &Copy) -> bool {
        self.digest == other.digest || (other.canonical.is_some() && self.canonical == other.canonical)
    }
}

/// What a server does to messages that it is given, and no loss: it has its own ends of lines, and dates that it does not
/// take.
const NOTED: [(&str, &str); 2] = [
    (LINE_ENDS, "The new server has changed the ends of lines in these messages, and nothing else."),
    (DATE_CHANGED, "The new server has not taken the date of receipt of these messages."),
];
const LINE_ENDS: &str = "line_ends";
const DATE_CHANGED: &str = "date_changed";

/// Differences of one folder: for each class the UIDs.
#[derive(Debug, Default)]
struct Differences(HashMap<&'static str, UidSet>);

impl Differences {
    fn add(&mut self, class: &'static str, uid: Uid) {
        self.0.entry(class).or_default().insert(uid);
    }

    /// What is worth knowing and no difference.
    fn take_notes(&mut self, planned: &PlannedFolder) -> Vec<Note> {
        let note = |(class, message): (&str, &str)| {
            let uids = self.0.remove(class)?.to_string();
            let (class, message) = (class.to_owned(), message.to_owned());
            Some(Note { folder: source_name(&planned.source), class, uids, message })
        };
        NOTED.into_iter().filter_map(note).collect()
    }

    fn told(self, folder: &str) -> (u64, Vec<Difference>) {
        let mut all = UidSet::new();
        let mut told: Vec<Difference> = Vec::new();
        for (class, uids) in self.0 {
            all.extend(uids.iter());
            let message = format!("{} messages: {}", uids.len(), meaning(class));
            told.push(Difference {
                folder: folder.into(),
                class: class.into(),
                uids: uids.to_string(),
                message,
            });
        }
        told.sort_by(|a, b| a.class.cmp(&b.class));
        (all.len(), told)
    }
}

fn meaning(class: &str) -> &'static str {
    match class {
        "missing" => "not in the new mailbox, though it was not removed there after an import.",
        "removed_by_user" => "imported earlier and since then removed from this folder of the new mailbox.",
        "bytes" => "the octets differ.",
        "flags" => "the flags differ.",
        "keywords" => "the labels (keywords) differ.",
        "date" => "the date of receipt differs.",
        _ => "the old server does not hand it over, so it cannot be compared.",
    }
}

impl<L: Ledger, D: Destination> Account<'_, L, D> {
    /// Compares both sides. Like [`Account::import`] it always answers with a report.
    pub async fn verify(&self) -> Report {
        let started = self.clock.now();
        let gathered = Mutex::new(Gathered::default());
        let differences = Mutex::new(Vec::new());
        let result = self.compare_all(&gathered, &differences).await;
        let gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        let differences = differences.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = self.report(started, gathered, result);
        let different = report.verification.different > 0 || !differences.is_empty();
        report.verdict = match (report.error.is_some() || different, report.exceptions.is_empty()) {
            (true, _) => Verdict::Incomplete,
            (false, false) => Verdict::CompleteWithExceptions,
            (false, true) => Verdict::Complete,
        };
        report.differences = Some(differences);
        report
    }

    async fn compare_all(
        &self,
        gathered: &Mutex<Gathered>,
        differences: &Mutex<Vec<Difference>>,
    ) -> Result<(), Error> {
        let line =
            Arc::new(Line::new(self.source, self.settings, Arc::clone(&self.progress), self.cancel.clone()));
        let mut session = line.connect().await?;
        let survey = line.unless_cancelled(survey::survey(&mut session)).await??;
        let existing = self.destination.folders().await?;
        let rules = self.destination.rules().await?;
        let plan = plan::plan(&survey.folders, &existing, &rules, self.selection);
        crate::import::announce(self.progress.as_ref(), &plan);
        {
            let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered.server = survey.server.clone();
            gathered.unintelligible = survey.unintelligible;
            gathered.overlong = survey.overlong;
            gathered.plan = plan.clone();
        }
        let record = self.ledger.account(&self.key(), self.clock.now().as_second()).await?;
        let passes = Passes {
            account: self,
            line: Arc::clone(&line),
            record,
            epochs: self.ledger.epochs(record.id).await?,
            object_ids: object_ids(&survey.capabilities),
            status_has_size: true,
        };
        let subscribed: HashSet<_> = self.destination.subscriptions().await?.into_iter().collect();
        let mut session = Some(session);
        for (at, planned) in plan.folders.iter().enumerate() {
            let found = passes.compare(planned, &mut session, gathered, at).await?;
            let mut differences = differences.lock().unwrap_or_else(PoisonError::into_inner);
            differences.extend(found);
            self.progress.event(&Event::FolderDone { folder: at });
            if planned.source.subscribed && !subscribed.contains(&planned.destination) {
                differences.push(Difference {
                    folder: source_name(&planned.source),
                    class: "subscription".into(),
                    uids: String::new(),
                    message: "The new mailbox is not subscribed to this folder.".into(),
                });
            }
        }
        Ok(())
    }
}

impl<L: Ledger, D: Destination> Passes<'_, L, D> {
    async fn compare(
        &self,
        planned: &PlannedFolder,
        session: &mut Option<Session>,
        gathered: &Mutex<Gathered>,
        at: usize,
    ) -> Result<Vec<Difference>, Error> {
        let name = source_name(&planned.source);
        self.account.progress.event(&Event::Folder { folder: at, name });
        let mut losses = 0;
        let listing = loop {
            let mut current = match session.take() {
                Some(session) => session,
                None => self.line.connect().await?,
            };
            match listing::list(&self.line, &mut current, &planned.source.name, Detail::default()).await {
                Ok(listing) => {
                    self.line.went_well();
                    *session = Some(current);
                    break listing;
                }
                Err(Error::Source(error)) if error.is_connection_lost() => {
                    losses += 1;
                    if losses >= LOSSES {
                        gather(gathered, at, hung_up(planned, &error));
                        return Ok(Vec::new());
                    }
                    self.line.failed(error)?;
                }
                Err(Error::Source(error)) if matches!(error, imap::Error::Refused { .. }) => {
                    *session = Some(current);
                    gather(gathered, at, denied(planned, &error));
                    return Ok(Vec::new());
                }
                Err(error) => return Err(error),
            }
        };
        let mut outcome = empty(planned, listing.uid_validity);
        outcome.line.counts.listed = listing.uids.len();
        let epoch = self
            .epochs
            .iter()
            .find(|epoch| epoch.folder == planned.source.name && epoch.uid_validity == listing.uid_validity);
        let rows = self.identities(epoch).await?;
        let Some(folder) = self.account.destination.open(&planned.destination).await? else {
            for uid in listing.uids.iter() {
                let counts = &mut outcome.line.counts;
                match rows.get(&uid) {
                    Some((State::Imported, _)) => counts.removed_by_user += 1,
                    Some((State::Skipped | State::Phantom, _)) => counts.skipped += 1,
                    _ => counts.failed += 1,
                }
            }
            gather(gathered, at, outcome);
            return Ok(vec![Difference {
                folder: source_name(&planned.source),
                class: "folder_missing".into(),
                uids: listing.uids.to_string(),
                message: format!("The new mailbox has no folder {}.", planned.destination),
            }]);
        };
        let naming = self.naming(planned, listing.uid_validity);
        let mut here = copies(&folder, &naming).await?;
        let skipped = |uid: &Uid| matches!(rows.get(uid), Some((State::Skipped | State::Phantom, _)));
        let wanted: UidSet = listing.uids.iter().filter(|uid| !skipped(uid)).collect();
        let there = self.fetch_copies(planned, session, &wanted).await?;
        let mut differences = Differences::default();
        let mut unmatched = Vec::new();
        for uid in wanted.iter() {
            let row = rows.get(&uid);
            let identity =
                row.and_then(|(_, identity)| identity.clone()).unwrap_or_else(|| naming.identity(uid));
            match (there.get(&uid), here.remove(&identity)) {
                (None, _) => differences.add("unreadable", uid),
                (Some(source), Some(copy)) => compare_copies(&mut differences, uid, source, &copy),
                (Some(source), None) => unmatched.push((uid, source)),
            }
        }
        // What is not there under its own name may be there under another one, once.
        for (uid, source) in unmatched {
            let other = here.iter().find(|(_, copy)| source.resembles(copy)).map(|(name, _)| name.clone());
            match other.and_then(|name| here.remove(&name)) {
                Some(copy) => compare_copies(&mut differences, uid, source, &copy),
                None if matches!(rows.get(&uid), Some((State::Imported, _))) => {
                    differences.add("removed_by_user", uid);
                }
                None => differences.add("missing", uid),
            }
        }
        let counts = &mut outcome.line.counts;
        counts.skipped = listing.uids.len() - wanted.len();
        outcome.verification.compared = wanted.len();
        outcome.notes.extend(differences.take_notes(planned));
        let (different, told) = differences.told(&source_name(&planned.source));
        outcome.verification.different = different;
        let absent: u64 =
            ["missing", "unreadable", "removed_by_user"].iter().map(|class| count(&told, class)).sum();
        counts.removed_by_user = count(&told, "removed_by_user");
        counts.unreadable = count(&told, "unreadable");
        counts.failed = count(&told, "missing");
        counts.already_there = wanted.len() - absent;
        gather(gathered, at, outcome);
        Ok(told)
    }

    /// What the ledger says of the epoch's messages.
    async fn identities(
        &self,
        epoch: Option<&Epoch>,
    ) -> Result<HashMap<Uid, (State, Option<String>)>, Error> {
        let mut rows = HashMap::new();
        let Some(epoch) = epoch else { return Ok(rows) };
        let mut after = None;
        loop {
            let page = self.account.ledger.messages(epoch.id, after, PAGE).await?;
            let Some(last) = page.last().map(|row| row.uid) else { return Ok(rows) };
            rows.extend(page.into_iter().map(|row| (row.uid, (row.state, row.identity))));
            after = Some(last);
        }
    }

    /// Reads every message of the source. What does not come, asked for twice, is missing in the answer.
    async fn fetch_copies(
        &self,
        planned: &PlannedFolder,
        session: &mut Option<Session>,
        wanted: &UidSet,
    ) -> Result<HashMap<Uid, Copy>, Error> {
        let mut copies = HashMap::new();
        for _ in 0..3 {
            let missing: UidSet = wanted.iter().filter(|uid| !copies.contains_key(uid)).collect();
            if missing.is_empty() {
                break;
            }
            let mut current = match session.take() {
                Some(session) => session,
                None => self.line.connect().await?,
            };
            match read_source(&self.line, &mut current, planned, &missing, &mut copies).await {
                Ok(()) => *session = Some(current),
                Err(Error::Source(error)) if error.is_connection_lost() => self.line.failed(error)?,
                Err(error) => return Err(error),
            }
        }
        Ok(copies)
    }
}

fn count(differences: &[Difference], class: &str) -> u64 {
    let uids =
        differences.iter().find(|difference| difference.class == class).map(|difference| &difference.uids);
    uids.and_then(|uids| uids.parse::<UidSet>().ok()).map_or(0, |uids| uids.len())
}

fn compare_copies(differences: &mut Differences, uid: Uid, source: &Copy, copy: &Copy) {
    if (source.digest, source.size) != (copy.digest, copy.size) {
        differences.add(if source.resembles(copy) { LINE_ENDS } else { "bytes" }, uid);
    }
    let is_system = |flag: &&String| flag.starts_with('\\');
    if !source.flags.iter().filter(is_system).eq(copy.flags.iter().filter(is_system)) {
        differences.add("flags", uid);
    }
    let is_keyword = |flag: &&String| !flag.starts_with('\\');
    if !source.flags.iter().filter(is_keyword).eq(copy.flags.iter().filter(is_keyword)) {
        differences.add("keywords", uid);
    }
    // The destination holds 0 ..= 2^32-1 only; a date the server does not tell cannot be compared.
    if source.date.is_some_and(|date| Some(date.clamp(0, i64::from(u32::MAX))) != copy.date) {
        let by_server = copy.canonical.is_some();
        differences.add(if by_server { DATE_CHANGED } else { "date" }, uid);
    }
}

/// Every message of a destination folder, by identity.
async fn copies<F: DestinationFolder>(
    folder: &F,
    naming: &crate::destination::Naming,
) -> Result<HashMap<String, Copy>, Error> {
    let copy = |Stored { present, date, size, digest, canonical }: Stored| {
        (present.identity, Copy { digest, canonical, size, flags: present.flags, date })
    };
    Ok(folder.read(naming, |_| true).await?.into_iter().map(copy).collect())
}

async fn read_source(
    line: &Line,
    session: &mut Session,
    planned: &PlannedFolder,
    wanted: &UidSet,
    copies: &mut HashMap<Uid, Copy>,
) -> Result<(), Error> {
    line.unless_cancelled(session.examine(&planned.source.name)).await??;
    let items = [FetchItem::Uid, FetchItem::Flags, FetchItem::InternalDate, FetchItem::Body];
    let mut chunks = wanted.chunks(CHUNK).collect::<std::collections::VecDeque<_>>();
    let mut pipeline = session.connection.fetch();
    let mut hasher = blake3::Hasher::new();
    let mut canonical = Canonical::default();
    let mut size = 0;
    loop {
        while pipeline.in_flight() < WINDOW {
            let Some(chunk) = chunks.pop_front() else { break };
            pipeline.send(&chunk, &items, None).await?;
        }
        let Some(event) = line.unless_cancelled(pipeline.next()).await?? else { return Ok(()) };
        match event {
            FetchEvent::BodyStart { .. } => {
                hasher.reset();
                canonical = Canonical::default();
                size = 0;
            }
            FetchEvent::BodyData(octets) => {
                line.received(octets.len() as u64).await?;
                hasher.update(&octets);
                canonical.update(&octets);
                size += octets.len() as u64;
            }
            FetchEvent::Message(message) => {
                let (Some(uid), None, Body::Received { .. }) =
                    (message.uid, &message.suspicion, message.body)
                else {
                    continue;
                };
                line.went_well();
                let date = match message.internal_date {
                    DateItem::Valid(date) => Some(date.timestamp),
                    DateItem::Absent | DateItem::Invalid(_) => None,
                };
                let flags = flag_names(message.flags.as_deref().unwrap_or_default());
                let digest = *hasher.finalize().as_bytes();
                let canonical = Some(std::mem::take(&mut canonical).finish());
                copies.insert(uid, Copy { digest, canonical, size, flags, date });
            }
            FetchEvent::Completed { .. } | FetchEvent::Vanished(_) => {}
        }
    }
}
