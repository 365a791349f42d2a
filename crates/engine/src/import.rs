//! The import of one account: survey, plan, copy, settle, verify, and the report of it.
//!
//! Lanes share the folders: each has its own connection, takes the next folder, and when none is left helps with a
//! folder that another lane is copying. A server that refuses a second connection costs speed, nothing else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::account::{Account, Settings, Source};
use crate::copy::{self, CopyTask};
use crate::destination::Destination;
use crate::error::Error;
use crate::folder::Role;
use crate::ledger::Ledger;
use crate::line::{Line, Session};
use crate::listing::FetchItemKind;
use crate::pass::{FolderOutcome, Passes, is_denied};
use crate::plan::{self, Plan, PlannedFolder, Selection};
use crate::progress::{Event, FolderTotals, Progress, Silent};
use crate::report::{Exception, FolderLine, Note, Report, SourceLine, Verdict};
use crate::survey::{self, Survey};
use crate::tally::of_folder;

/// Logs in and surveys the source; changes nothing anywhere.
pub async fn check(source: &Source, settings: &Settings) -> Result<Survey, Error> {
    let line = Line::new(source, settings, Arc::new(Silent), CancellationToken::new());
    let mut session = line.connect().await?;
    let survey = survey::survey(&mut session).await?;
    if let Err(error) = session.connection.logout().await {
        tracing::debug!(%error, "logout");
    }
    Ok(survey)
}

/// Surveys and plans; changes nothing anywhere. Without a destination the plan is for an empty one.
pub async fn dry_run<D: Destination>(
    source: &Source,
    destination: Option<&D>,
    selection: &Selection,
    settings: &Settings,
) -> Result<(Survey, Plan), Error> {
    let survey = check(source, settings).await?;
    let (existing, rules) = match destination {
        Some(destination) => (destination.folders().await?, destination.rules().await?),
        None => (Vec::new(), plan::NameRules::maildir()),
    };
    let plan = plan::plan(&survey.folders, &existing, &rules, selection);
    Ok((survey, plan))
}

/// What an import has gathered so far.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) server: Option<String>,
    /// Lines of the list of folders that made no sense.
    pub(crate) unintelligible: u64,
    /// Folders that were left out because of the length of their names.
    pub(crate) overlong: u64,
    pub(crate) plan: Plan,
    pub(crate) outcomes: Vec<(usize, FolderOutcome)>,
}

impl<L: Ledger, D: Destination> Account<'_, L, D> {
    /// Imports the account. Never fails without a report: why it stopped stands in [`Report::error`].
    pub async fn import(&self) -> Report {
        let started = self.clock.now();
        let gathered = Mutex::new(Gathered::default());
        let result = self.run(&gathered).await;
        let gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.report(started, gathered, result)
    }

    async fn run(&self, gathered: &Mutex<Gathered>) -> Result<(), Error> {
        let _lock = self.destination.lock().await?;
        let line =
            Arc::new(Line::new(self.source, self.settings, Arc::clone(&self.progress), self.cancel.clone()));
        let mut session = line.connect().await?;
        let survey = line.unless_cancelled(survey::survey(&mut session)).await??;
        let existing = self.destination.folders().await?;
        let rules = self.destination.rules().await?;
        let plan = plan::plan(&survey.folders, &existing, &rules, self.selection);
        announce(self.progress.as_ref(), &plan);
        {
            let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered.server = survey.server.clone();
            gathered.unintelligible = survey.unintelligible;
            gathered.overlong = survey.overlong;
            gathered.plan = plan.clone();
        }
        let record = self.ledger.account(&self.key(), self.clock.now().as_second()).await?;
        self.settle_intents().await?;
        let passes = Passes {
            account: self,
            line,
            record,
            epochs: self.ledger.epochs(record.id).await?,
            object_ids: object_ids(&survey.capabilities),
            status_has_size: plan.folders.iter().all(|planned| planned.source.status.size.is_some()),
        };
        let mut changed = Vec::new();
        for (at, planned) in plan.folders.into_iter().enumerate() {
            match passes.unchanged(at, &planned).await? {
                Some(outcome) => gather(gathered, at, outcome),
                None => changed.push((at, planned)),
            }
        }
        let width = self.settings.connections.max(1);
        let work = Work::new(changed, width);
        let result = run_lanes(width, session, &passes, &work, gathered).await;
        passes.line.nothing_is_staged().await;
        result
    }
}

type Task<D> = Arc<CopyTask<<D as Destination>::Folder>>;

/// A folder that waits for its turn.
struct Queued {
    /// Its place in the plan.
    at: usize,
    planned: PlannedFolder,
    /// Its turn came before, and the connection broke: a locked folder of Zimbra's does that whenever it is opened.
    put_off: bool,
}

impl Queued {
    fn is_view(&self) -> bool {
        self.planned.source.role == Some(Role::All)
    }
}

/// The folders still to do, and the copies that can be joined.
struct Work<D: Destination> {
    state: Mutex<State<D>>,
    changed: Notify,
}

struct State<D: Destination> {
    queue: VecDeque<Queued>,
    active: usize,
    /// Lanes that have not left.
    lanes: usize,
    open: Vec<(usize, Task<D>)>,
}

enum Step<D: Destination> {
    Folder(Box<Queued>),
    Help(Task<D>),
    Wait,
    Over,
}

impl<D: Destination> Work<D> {
    fn new(folders: Vec<(usize, PlannedFolder)>, lanes: usize) -> Work<D> {
        let queue = folders.into_iter().map(|(at, planned)| Queued { at, planned, put_off: false }).collect();
        let state = State { queue, active: 0, lanes, open: Vec::new() };
        Work { state: Mutex::new(state), changed: Notify::new() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next thing to do. A view of all mail waits until every other folder is done.
    fn next(&self) -> Step<D> {
        let mut state = self.state();
        let ready = state.queue.front().is_some_and(|folder| state.active == 0 || !folder.is_view());
        if let Some(folder) = state.queue.pop_front_if(|_| ready) {
            state.active += 1;
            return Step::Folder(Box::new(folder));
        }
        if let Some((_, task)) = state.open.iter().find(|(_, task)| task.has_work()) {
            return Step::Help(Arc::clone(task));
        }
        if state.active == 0 && state.queue.is_empty() { Step::Over } else { Step::Wait }
    }

    fn publish(&self, at: usize, task: Option<Task<D>>) {
        let mut state = self.state();
        match task {
            Some(_) if state.open.iter().any(|(other, _)| *other == at) => {}
            Some(task) => state.open.push((at, task)),
            None => state.open.retain(|(other, _)| *other != at),
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// A lane without a connection leaves, unless it is the last one.
    fn leave(&self) -> bool {
        let mut state = self.state();
        let others = state.lanes > 1;
        state.lanes -= usize::from(others);
        others
    }

    /// Gives a folder back that could not be begun; it is the next one.
    fn give_back(&self, folder: Queued) {
        self.state().queue.push_front(folder);
        self.done();
    }

    /// The folder comes last, but before a view, which brings only what no other folder brought.
    fn put_off(&self, folder: Queued) {
        let mut state = self.state();
        let at = state.queue.iter().position(Queued::is_view).unwrap_or(state.queue.len());
        state.queue.insert(at, Queued { put_off: true, ..folder });
        drop(state);
        self.done();
    }

    fn done(&self) {
        self.state().active -= 1;
        self.changed.notify_waiters();
    }
}

/// Runs the lanes side by side; the first error ends all, after each has put away what it had in hand.
async fn run_lanes<L: Ledger, D: Destination>(
    width: usize,
    session: Session,
    passes: &Passes<'_, L, D>,
    work: &Work<D>,
    gathered: &Mutex<Gathered>,
) -> Result<(), Error> {
    let mut lanes = Vec::with_capacity(width);
    let mut first = Some(session);
    for _ in 0..width {
        lanes.push(lane(first.take(), passes, work, gathered));
    }
    let mut result = Ok(());
    for ended in futures_util::future::join_all(lanes).await {
        result = match (result, ended) {
            (Ok(()), ended) => ended,
            (Err(Error::Interrupted), Err(other)) => Err(other),
            (Err(error), _) => Err(error),
        };
    }
    result
}

async fn lane<L: Ledger, D: Destination>(
    mut session: Option<Session>,
    passes: &Passes<'_, L, D>,
    work: &Work<D>,
    gathered: &Mutex<Gathered>,
) -> Result<(), Error> {
    let result = loop {
        let changed = work.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        match work.next() {
            Step::Over => break Ok(()),
            Step::Wait => tokio::select! {
                () = changed => {}
                () = passes.line.stopped() => break Err(Error::Interrupted),
            },
            Step::Help(task) => {
                let own = match own_session(session.take(), passes, work).await {
                    Ok(Some(own)) => own,
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                };
                let (back, helped) = copy::help(Arc::clone(&passes.line), own, Arc::clone(&task)).await;
                session = back;
                match helped {
                    // The server does not want it.
                    Ok(()) if session.is_none() && work.leave() => break Ok(()),
                    Ok(()) => {}
                    // The folder's own lane deals with it.
                    Err(Error::EpochChanged) => task.leave_alone(),
                    Err(Error::Source(error)) if is_denied(&error) => task.leave_alone(),
                    Err(error) => break Err(error),
                }
            }
            Step::Folder(folder) => {
                match own_session(session.take(), passes, work).await {
                    Ok(Some(own)) => session = Some(own),
                    none => {
                        work.give_back(*folder);
                        break none.map(|_| ());
                    }
                }
                let proven = session.as_ref().is_some_and(|session| session.proven);
                let at = folder.at;
                let publish = |task| work.publish(at, task);
                let passed = passes.pass(at, &folder.planned, !folder.put_off, &mut session, publish).await;
                let Some((outcome, result)) = passed else {
                    work.put_off(*folder);
                    // One connection too many, or this folder's fault: the others find out.
                    if !proven && work.leave() {
                        break Ok(());
                    }
                    continue;
                };
                if let Some(outcome) = outcome {
                    gather(gathered, at, outcome);
                }
                work.done();
                if result.is_err() {
                    break result;
                }
            }
        }
    };
    if result.is_err() {
        passes.line.stop();
    }
    if let Some(session) = session
        && let Err(error) = session.connection.logout().await
    {
        tracing::debug!(%error, "logout");
    }
    result
}

/// The lane's connection, or a new one. `None`: the server refuses, and the other lanes go on without this one. The
/// last lane waits as long as the patience lasts.
async fn own_session<L: Ledger, D: Destination>(
    session: Option<Session>,
    passes: &Passes<'_, L, D>,
    work: &Work<D>,
) -> Result<Option<Session>, Error> {
    if session.is_some() {
        return Ok(session);
    }
    match passes.line.connect_another().await {
        Ok(another) => Ok(Some(another)),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(error) if work.leave() => {
            tracing::info!(%error, "no further connection");
            Ok(None)
        }
        Err(_) => passes.line.connect().await.map(Some),
    }
}

pub(crate) fn gather(gathered: &Mutex<Gathered>, at: usize, outcome: FolderOutcome) {
    gathered.lock().unwrap_or_else(PoisonError::into_inner).outcomes.push((at, outcome));
}

pub(crate) fn announce(progress: &dyn Progress, plan: &Plan) {
    let totals = |planned: &PlannedFolder| FolderTotals {
        name: plan::source_name(&planned.source),
        destination: planned.destination.to_string(),
        messages: u64::from(planned.source.status.messages.unwrap_or(0)),
        octets: planned.source.status.size,
    };
    let folders: Vec<FolderTotals> = plan.folders.iter().map(totals).collect();
    let messages = folders.iter().map(|folder| folder.messages).sum();
    let octets = folders.iter().map(|folder| folder.octets).sum();
    progress.event(&Event::Surveyed { folders, messages, octets });
}

/// The id by which the server knows a message wherever it lies.
pub(crate) fn object_ids(capabilities: &[String]) -> Option<FetchItemKind> {
    let has = |name: &str| capabilities.iter().any(|capability| capability.eq_ignore_ascii_case(name));
    if has("X-GM-EXT-1") {
        Some(FetchItemKind::Gmail)
    } else if has("OBJECTID") {
        Some(FetchItemKind::EmailId)
    } else {
        None
    }
}

impl<L: Ledger, D: Destination> Account<'_, L, D> {
    pub(crate) fn report(
        &self,
        started: jiff::Timestamp,
        mut gathered: Gathered,
        result: Result<(), Error>,
    ) -> Report {
        gathered.outcomes.sort_by_key(|(at, _)| *at);
        let source = SourceLine {
            host: self.source.host().to_owned(),
            user: self.source.user().to_owned(),
            server: gathered.server,
        };
        let mut report = Report {
            finished_at: self.clock.now(),
            renamed_folders: gathered.plan.renamed,
            left_out: gathered.plan.left_out.into_iter().map(|left| (left.source, left.why)).collect(),
            notes: gathered.plan.unused.iter().map(|option| unused(option)).collect(),
            error: result.err().map(|error| error.stop()),
            ..Report::blank(source, self.destination.describe(), started)
        };
        for (_, outcome) in gathered.outcomes {
            report.totals.add(&outcome.line.counts);
            report.folders.push(outcome.line);
            report.exceptions.extend(outcome.exceptions);
            report.notes.extend(outcome.notes);
            report.verification.compared += outcome.verification.compared;
            report.verification.different += outcome.verification.different;
        }
        let unbalanced = report.folders.iter().filter(|folder| !folder.counts.balances()).map(unbalanced);
        report.exceptions.extend(unbalanced.collect::<Vec<_>>());
        if gathered.unintelligible > 0 {
            let message = format!(
                "{} lines of the old server's list of folders made no sense; folders may be missing.",
                gathered.unintelligible
            );
            report.exceptions.push(of_folder("", "unlisted", message, true));
        }
        if gathered.overlong > 0 {
            let message = format!(
                "{} folders have names of more than {} octets (limits.folder_name_octets) and were left out. \
                 Give them shorter names at the old provider.",
                gathered.overlong, self.settings.client.limits.name
            );
            report.exceptions.push(of_folder("", "name_too_long", message, true));
        }
        report.verdict = verdict(&report);
        report
    }
}

/// An option that matched no folder: probably misspelt.
fn unused(option: &str) -> Note {
    let message = format!("{option} matches no folder of the old account.");
    Note { folder: String::new(), class: "option_unused".into(), uids: String::new(), message }
}

/// The identity does not hold: said loudly, for it must never happen.
fn unbalanced(folder: &FolderLine) -> Exception {
    let counts = &folder.counts;
    let message = format!(
        "The numbers of this folder do not add up: {} messages were listed and {} are accounted for. Import again.",
        counts.listed,
        counts.accounted()
    );
    of_folder(&folder.source, "unbalanced", message, true)
}

/// `complete` exactly when nothing is wrong; `incomplete` when trying again can help or the numbers do not balance.
fn verdict(report: &Report) -> Verdict {
    let balanced = report.folders.iter().all(|folder| folder.counts.balances());
    let retry_helps = report.exceptions.iter().any(|exception| exception.retryable);
    if report.error.is_some() || !balanced || retry_helps || report.verification.different > 0 {
        Verdict::Incomplete
    } else if report.exceptions.is_empty() {
        Verdict::Complete
    } else {
        Verdict::CompleteWithExceptions
    }
}
