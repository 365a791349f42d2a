//! What changed since somebody looked: the source of live pages.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use store::tables::{domain, entry, import, removed_entry, run};

use super::view::lines;
use crate::entries::entry_view;
use crate::error::Result;
use crate::model::{Actor, DomainId, Entry, EntryId, Import, ImportId, RunId, RunSummary, Scope};
use crate::service::{Service, require};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// A domain's prepared list and its runs.
    Domain(DomainId),
    /// A run and its imports.
    Run(RunId),
    /// One import.
    Import(ImportId),
}

/// What changed. Ask again with `revision`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Changes {
    /// Everything up to here is told.
    pub revision: i64,
    /// Entries that are new or changed.
    pub entries: Vec<Entry>,
    /// Runs that are new or changed.
    pub runs: Vec<RunSummary>,
    /// Imports that changed.
    pub imports: Vec<Import>,
    /// Entries that are gone.
    pub removed: Vec<EntryId>,
}

/// Rows of a kind that one answer holds at most: who has missed more comes again for the rest.
const MOST: u64 = 1_000;

impl Service {
    /// Up to where everything is told by what is read next: a page asks before it reads its lists, and for
    /// [`Service::changes`] since then.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NotFound`] when it is not the actor's.
    pub async fn revision(&self, actor: &Actor, watch: Watch) -> Result<i64> {
        require(actor, Scope::Read)?;
        Ok(match watch {
            Watch::Domain(id) => self.own_domain(actor, id).await?.revision,
            Watch::Run(id) => self.own_run(actor, id).await?.revision,
            Watch::Import(id) => self.own_import(actor, id).await?.revision,
        })
    }

    /// What changed after revision `since`; nothing changed when the answer's revision is `since`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NotFound`] when it is not the actor's.
    pub async fn changes(&self, actor: &Actor, watch: Watch, since: i64) -> Result<Changes> {
        require(actor, Scope::Read)?;
        match watch {
            Watch::Domain(id) => {
                let domain = self.own_domain(actor, id).await?;
                if domain.revision <= since {
                    return Ok(Changes { revision: since, ..Changes::default() });
                }
                self.domain_changes(domain, since).await
            }
            Watch::Run(id) => {
                let row = self.own_run(actor, id).await?;
                let domain = self.own_domain(actor, DomainId(row.domain_id)).await?;
                self.run_changes(row, domain, since).await
            }
            Watch::Import(id) => {
                let row = self.own_import(actor, id).await?;
                if row.revision <= since {
                    return Ok(Changes { revision: since, ..Changes::default() });
                }
                let revision = row.revision;
                let import = self.import(actor, id).await?;
                Ok(Changes { revision, imports: vec![import], ..Changes::default() })
            }
        }
    }

    async fn domain_changes(&self, domain: domain::Model, since: i64) -> Result<Changes> {
        let entries = entry::Entity::find()
            .filter(entry::Column::DomainId.eq(domain.id))
            .filter(entry::Column::Revision.gt(since))
            .order_by_asc(entry::Column::Revision)
            .limit(MOST)
            .all(self.reading())
            .await?;
        // When there is more than one answer holds, it ends with the last row that it holds.
        let full = entries.len() as u64 == MOST;
        let told = entries.last().filter(|_| full).map_or(domain.revision, |last| last.revision - 1);
        let removed = removed_entry::Entity::find()
            .filter(removed_entry::Column::DomainId.eq(domain.id))
            .filter(removed_entry::Column::Revision.gt(since))
            .all(self.reading())
            .await?;
        let runs = run::Entity::find()
            .filter(run::Column::DomainId.eq(domain.id))
            .filter(run::Column::Revision.gt(since))
            .order_by_asc(run::Column::Number)
            .limit(MOST)
            .all(self.reading())
            .await?;
        Ok(Changes {
            // A file of entries shares one revision: then all of them are told at once, however many.
            revision: if told > since { told } else { domain.revision },
            entries: entries.into_iter().map(entry_view).collect(),
            runs: self.summaries(runs, &domain.name).await?,
            imports: Vec::new(),
            removed: removed.into_iter().map(|row| EntryId(row.entry_id)).collect(),
        })
    }

    async fn run_changes(&self, row: run::Model, domain: domain::Model, since: i64) -> Result<Changes> {
        if row.revision <= since {
            return Ok(Changes { revision: since, ..Changes::default() });
        }
        let revision = row.revision;
        let changed =
            lines().filter(import::Column::RunId.eq(row.id)).filter(import::Column::Revision.gt(since));
        let imports = self.lines_of(changed, &domain.name).await?;
        let runs = self.summaries(vec![row], &domain.name).await?;
        Ok(Changes { revision, runs, imports, ..Changes::default() })
    }

    /// How often each job was taken over.
    pub(crate) async fn takeovers(&self, jobs: Vec<i64>) -> Result<std::collections::HashMap<i64, u32>> {
        let jobs = self.inner.store.jobs(jobs.into_iter().map(store::jobs::JobId)).await?;
        Ok(jobs.into_iter().map(|job| (job.id.0, job.takeovers)).collect())
    }
}
