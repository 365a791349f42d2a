//! Who watches one import: gathers what the engine tells, and once a second writes it into the import's row.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::progress::{Event, Progress};
use sea_orm::ActiveValue::Set;
use store::tables::import;
use tokio::time::Instant;

use super::current;
use super::curve;
use crate::error::{Error, Result};
use crate::model::{FolderProgress, ImportState};
use crate::queue::Duty;
use crate::runs::state_text;
use crate::service::Service;

/// How often what was told is written.
const EVERY: Duration = Duration::from_secs(1);
/// Speed is what came within this time.
const LATELY: Duration = Duration::from_secs(10);

/// Gathers the engine's events.
pub(crate) struct Watcher {
    state: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    folders: Vec<FolderProgress>,
    current: Option<String>,
    messages_total: u64,
    messages_done: u64,
    octets_total: Option<u64>,
    octets_done: u64,
    /// Octets that arrived, delivered or not: speed is what the wire brings.
    received: u64,
    imported: u64,
    surveyed: bool,
    changed: bool,
    lately: VecDeque<(Instant, u64)>,
}

impl Watcher {
    pub(crate) fn new() -> Arc<Watcher> {
        Arc::new(Watcher { state: Mutex::default() })
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written; `None` when nothing was told since the last time.
    fn snapshot(&self) -> Result<Option<Snapshot>> {
        let mut seen = self.seen();
        let speed = seen.speed(Instant::now());
        if !seen.changed {
            return Ok(None);
        }
        // Once more after the last event, so that the speed comes down to nothing.
        seen.changed = speed > 0;
        let done = |done: u64, total: Option<u64>| total.map_or(done, |total| done.min(total)).cast_signed();
        Ok(Some(Snapshot {
            folders: serde_json::to_string(&seen.folders).map_err(Error::internal)?,
            folder_count: seen.folders.len() as i64,
            current: seen.current.clone(),
            messages_total: seen.messages_total.cast_signed(),
            messages_done: done(seen.messages_done, Some(seen.messages_total)),
            octets_total: seen.octets_total.map(u64::cast_signed),
            octets_done: done(seen.octets_done, seen.octets_total),
            imported: seen.imported.cast_signed(),
            speed: speed.cast_signed(),
            surveyed: seen.surveyed,
        }))
    }
}

impl Progress for Watcher {
    fn event(&self, event: &Event) {
        let mut seen = self.seen();
        seen.changed = true;
        match event {
            Event::Surveyed { folders, messages, octets } => {
                seen.surveyed = true;
                seen.messages_total = *messages;
                seen.octets_total = *octets;
                seen.folders = folders
                    .iter()
                    .map(|folder| FolderProgress {
                        name: folder.name.clone(),
                        destination: folder.destination.clone(),
                        messages_total: folder.messages,
                        messages_done: 0,
                        octets_total: folder.octets,
                        octets_done: 0,
                    })
                    .collect();
            }
            Event::Folder { folder, name } => {
                seen.current = Some(name.clone());
                seen.begin_anew(*folder);
            }
            Event::Settled { folder, messages, octets } => seen.done(*folder, *messages, *octets),
            Event::Delivered { folder, messages, octets } => {
                seen.imported += messages;
                seen.done(*folder, *messages, *octets);
            }
            Event::FolderDone { folder } => seen.complete(*folder),
            Event::Received { octets } => seen.received += octets,
            _ => {}
        }
    }
}

impl Seen {
    fn done(&mut self, folder: usize, messages: u64, octets: u64) {
        self.messages_done += messages;
        self.octets_done += octets;
        if let Some(folder) = self.folders.get_mut(folder) {
            folder.messages_done += messages;
            folder.octets_done += octets;
        }
    }

    /// The server numbered a folder's messages anew: all of them are looked at again.
    fn begin_anew(&mut self, folder: usize) {
        let Some(folder) = self.folders.get_mut(folder) else { return };
        self.messages_done -= std::mem::take(&mut folder.messages_done).min(self.messages_done);
        self.octets_done -= std::mem::take(&mut folder.octets_done).min(self.octets_done);
    }

    /// Whatever the survey had counted, nothing more comes of a folder.
    fn complete(&mut self, folder: usize) {
        let Some(folder) = self.folders.get_mut(folder) else { return };
        let octets = folder.octets_total.unwrap_or(folder.octets_done);
        self.messages_done =
            (self.messages_done + folder.messages_total).saturating_sub(folder.messages_done);
        self.octets_done = (self.octets_done + octets).saturating_sub(folder.octets_done);
        folder.messages_done = folder.messages_total;
        folder.octets_done = octets;
    }

    /// Octets a second within the last seconds.
    fn speed(&mut self, now: Instant) -> u64 {
        self.lately.push_back((now, self.received));
        while self.lately.len() > 2 && self.lately.front().is_some_and(|(at, _)| now - *at > LATELY) {
            self.lately.pop_front();
        }
        match self.lately.front() {
            Some((at, received)) if now > *at => {
                ((self.received - received) as f64 / (now - *at).as_secs_f64()) as u64
            }
            _ => 0,
        }
    }
}

impl Service {
    /// Writes what was told, once a second, until it is dropped. A failure is left to the engine's own writes, which
    /// meet the same database.
    pub(crate) async fn report_progress(&self, duty: &Duty, watcher: &Watcher, before: u64) -> Infallible {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.save_progress(duty, watcher, before).await {
                tracing::debug!(%error, "progress was not written");
            }
        }
    }

    /// Writes what was told since the last time. `before` is what earlier attempts of the same run brought.
    pub(crate) async fn save_progress(&self, duty: &Duty, watcher: &Watcher, before: u64) -> Result<()> {
        let Some(mut snapshot) = watcher.snapshot()? else { return Ok(()) };
        snapshot.imported += before.cast_signed();
        let writing = self.writing_for(duty).await?;
        let transaction = writing.connection();
        let Some(known) = current(&writing, duty).await? else { return Ok(()) };
        let mut changed: import::ActiveModel = known.clone().into();
        snapshot.fill(&mut changed, &known);
        let row = self.save_import(&writing, changed).await?;
        curve::add(transaction, row.domain_id, row.id, || async { Ok((row.messages_done, row.octets_done)) })
            .await?;
        curve::add(transaction, row.domain_id, row.run_id, || curve::of_run(transaction, row.run_id)).await?;
        writing.commit().await.map_err(Error::from)
    }
}

/// What is written.
struct Snapshot {
    folders: String,
    folder_count: i64,
    current: Option<String>,
    messages_total: i64,
    messages_done: i64,
    octets_total: Option<i64>,
    octets_done: i64,
    imported: i64,
    speed: i64,
    surveyed: bool,
}

impl Snapshot {
    /// Progress never goes back: another attempt begins by settling what earlier ones brought.
    fn fill(self, row: &mut import::ActiveModel, known: &import::Model) {
        row.current_folder = Set(self.current);
        row.speed = Set(self.speed);
        if !self.surveyed {
            return;
        }
        row.state = Set(state_text(ImportState::Copying).to_owned());
        row.folders = Set(Some(self.folders));
        row.folders_total = Set(self.folder_count);
        row.messages_total = Set(self.messages_total);
        row.messages_done = Set(self.messages_done.max(known.messages_done.min(self.messages_total)));
        row.octets_total = Set(self.octets_total);
        let before = self.octets_total.map_or(known.octets_done, |total| known.octets_done.min(total));
        row.octets_done = Set(self.octets_done.max(before));
        row.imported = Set(self.imported.max(known.imported));
    }
}
