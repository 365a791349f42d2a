//! Reports to take away: JSON as the command line prints it, CSV for a spreadsheet.

use engine::report::Report;
use serde_json::{Value, json};

use crate::csv::export::Export;
use crate::error::{Conflict, Error, Result};
use crate::model::{Actor, ImportId, ImportState, RunId, RunState, Scope};

use crate::service::{Service, require};

/// Schema of a run's report.
pub const RUN_SCHEMA: &str = "mailimport.run/1";

impl Service {
    /// `mailimport.run/1`: the verdict and the report of every import that has one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn run_report(&self, actor: &Actor, id: RunId) -> Result<Value> {
        require(actor, Scope::Read)?;
        let run = self.run(actor, id).await?;
        let mut imports = Vec::with_capacity(run.imports.len());
        for import in &run.imports {
            imports.push(self.import_document(actor, import.id).await?);
        }
        let verdict = match run.summary.state {
            RunState::Completed => "complete",
            RunState::CompletedWithExceptions => "complete_with_exceptions",
            RunState::Failed | RunState::Cancelled | RunState::Running | RunState::Paused => "incomplete",
        };
        Ok(json!({
            "schema": RUN_SCHEMA, "verdict": verdict, "domain": run.summary.domain_name, "run": run.summary.number,
            "state": run.summary.state, "started_at": run.summary.started_at, "finished_at": run.summary.finished_at,
            "imports": imports,
        }))
    }

    /// `mailimport.report/1` of one import.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's; a conflict while it has no report.
    pub async fn import_report(&self, actor: &Actor, id: ImportId) -> Result<Report> {
        self.import(actor, id).await?.report.ok_or_else(|| Error::conflict(Conflict::StillWorking))
    }

    /// The report with the mailbox and state beside it; without a report these alone.
    async fn import_document(&self, actor: &Actor, id: ImportId) -> Result<Value> {
        let import = self.import(actor, id).await?;
        let mut document = match &import.report {
            Some(report) => serde_json::to_value(report).map_err(Error::internal)?,
            None => json!({ "source": { "user": import.username } }),
        };
        if let Value::Object(fields) = &mut document {
            fields.insert("mailbox".to_owned(), json!(import.mailbox));
            fields.insert("state".to_owned(), json!(import.state));
            if let Some(failure) = &import.failure {
                fields.insert("failure".to_owned(), json!(failure));
            }
        }
        Ok(document)
    }

    /// A line for each mailbox.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not the actor's.
    pub async fn run_report_csv(&self, actor: &Actor, id: RunId) -> Result<String> {
        let run = self.run(actor, id).await?;
        let head = [
            "mailbox",
            "server",
            "username",
            "state",
            "messages",
            "imported",
            "octets",
            "exceptions",
            "failure",
        ];
        let rows = run.imports.iter().map(|import| {
            let progress = &import.progress;
            let failure = import.failure.as_ref().map_or_else(String::new, |failure| failure.message.clone());
            vec![
                import.mailbox.clone(),
                import.server.clone(),
                import.username.clone(),
                state(import.state).to_owned(),
                progress.messages_total.to_string(),
                progress.imported.to_string(),
                progress.octets_done.to_string(),
                import.exceptions.to_string(),
                failure,
            ]
        });
        let mut export = Export::new(&head);
        rows.for_each(|row| export.row(&row));
        Ok(export.finish())
    }

    /// A line for each folder, then one for each exception.
    ///
    /// # Errors
    ///
    /// As [`Service::import_report`].
    pub async fn import_report_csv(&self, actor: &Actor, id: ImportId) -> Result<String> {
        let report = self.import_report(actor, id).await?;
        let head = [
            "kind",
            "folder",
            "destination",
            "listed",
            "imported",
            "already_there",
            "removed_by_user",
            "skipped",
            "failed",
            "unreadable",
            "phantom",
            "uid",
            "class",
            "date",
            "from",
            "subject",
            "size",
            "message",
        ];
        let folders = report.folders.iter().map(|folder| {
            let counts = &folder.counts;
            let numbers = [
                counts.listed,
                counts.imported,
                counts.already_there,
                counts.removed_by_user,
                counts.skipped,
                counts.failed,
                counts.unreadable,
                counts.phantom,
            ];
            let mut row = vec!["folder".to_owned(), folder.source.clone(), folder.destination.clone()];
            row.extend(numbers.map(|number| number.to_string()));
            row.resize(head.len(), String::new());
            row
        });
        let exceptions = report.exceptions.iter().map(|exception| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let mut row = vec!["exception".to_owned(), exception.folder.clone()];
            row.resize(11, String::new());
            row.extend([
                exception.uid.map(|uid| uid.to_string()).unwrap_or_default(),
                exception.class.clone(),
                text(&exception.date),
                text(&exception.from),
                text(&exception.subject),
                exception.size.map(|size| size.to_string()).unwrap_or_default(),
                exception.message.clone(),
            ]);
            row
        });
        let mut export = Export::new(&head);
        folders.chain(exceptions).for_each(|row| export.row(&row));
        Ok(export.finish())
    }
}

fn state(state: ImportState) -> &'static str {
    crate::runs::state_text(state)
}
