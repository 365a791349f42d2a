//! The page *Mailimport* of a domain, and what is done to its list as a whole.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use service::model::{Domain, EntryState, NewEntry, Problem};
use service::{Conflict, Error, Page, RunFilter, Watch};

use super::pager::part;
use super::{page, page_with};
use crate::forms::Form;
use crate::names::shown;
use crate::pages::Flash;
use crate::pages::mailimport::{EntryValues, Mailimport, Tab};
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// Entries of one page: a list of 500 is one page.
const ENTRIES: u64 = 500;
/// Current runs shown at most.
const CURRENT: u64 = 100;
/// Finished runs of one page.
const FINISHED: u64 = 20;

/// Which form, and which parts of the lists.
#[derive(Debug, Default, Deserialize)]
pub(super) struct View {
    tab: Option<String>,
    page: Option<String>,
    finished: Option<String>,
}

impl View {
    fn tab(&self) -> Tab {
        if self.tab.as_deref() == Some("csv") { Tab::Csv } else { Tab::Single }
    }
}

/// The form, with what was typed and could not be taken.
struct Typed {
    tab: Tab,
    values: EntryValues,
    problems: Vec<Problem>,
}

/// The address of a domain's page.
pub(super) fn address(domain: &str) -> String {
    format!("/domains/{domain}/mailimport")
}

/// `GET`.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    Query(view): Query<View>,
) -> Result<Response, Refusal> {
    let domain = app.service().domain_by_name(signed_in.actor(), &domain).await?;
    let nothing = Typed { tab: view.tab(), values: EntryValues::default(), problems: Vec::new() };
    page(&mailimport(&app, &signed_in, domain, &view, nothing).await?)
}

async fn mailimport(
    app: &App,
    signed_in: &SignedIn,
    domain: Domain,
    view: &View,
    typed: Typed,
) -> Result<Mailimport, Refusal> {
    let (service, actor, id) = (app.service(), signed_in.actor(), domain.id);
    // First: what changes while the lists are read is told again, and not missed.
    let revision = service.revision(actor, Watch::Domain(id)).await?;
    let (list, past) = (part(view.page.as_deref(), ENTRIES), part(view.finished.as_deref(), FINISHED));
    let mut entries = service.entries(actor, id, list.ask()).await?;
    let readiness = service.readiness(actor, id).await?;
    let current = service.runs(actor, id, RunFilter::Current, Page::first(CURRENT)).await?;
    let mut finished = service.runs(actor, id, RunFilter::Finished, past.ask()).await?;
    let base = address(&domain.name);
    let pager =
        list.pager(&mut entries, Some(readiness.entries), |number| format!("{base}?page={number}#list"));
    let to_finished = |number| format!("{base}?finished={number}#finished");
    let finished_pager = past.pager(&mut finished, Some(domain.finished_runs), to_finished);
    let Typed { tab, values, problems } = typed;
    let f = match problems.is_empty() {
        true => signed_in.visit.frame(),
        false => signed_in.visit.frame_at(&base),
    };
    #[rustfmt::skip]
    let page = Mailimport {
        f, domain, tab, values, problems, entries, pager, readiness, current, finished, finished_pager,
    };
    Ok(page.live_from(revision))
}

/// The page with what could not be taken.
async fn again(app: &App, signed_in: &SignedIn, domain: Domain, typed: Typed) -> Result<Response, Refusal> {
    let template = mailimport(app, signed_in, domain, &View::default(), typed).await?;
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &template)
}

/// The fields of an entry as they were typed.
pub(super) fn new_entry(form: &Form) -> NewEntry {
    NewEntry {
        server: form.text("server").to_owned(),
        username: form.text("username").to_owned(),
        password: form.filled_secret("password"),
        mailbox: form.text("mailbox").to_owned(),
        mailbox_password: form.filled_secret("mailbox_password"),
    }
}

/// The same without passwords, for showing them again.
pub(super) fn values(form: &Form) -> EntryValues {
    EntryValues {
        server: form.text("server").to_owned(),
        username: form.text("username").to_owned(),
        mailbox: form.text("mailbox").to_owned(),
    }
}

/// `POST .../entries`.
pub(super) async fn add(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let domain = app.service().domain_by_name(signed_in.actor(), &domain).await?;
    match app.service().add_entry(signed_in.actor(), domain.id, new_entry(&form)).await {
        Ok(entry) => {
            let mailbox = mailbox_name(&entry.mailbox, &domain.name);
            let flash = match entry.state {
                EntryState::Invalid => Flash::EntryAddedInvalid { mailbox },
                _ => Flash::EntryAdded { mailbox },
            };
            Ok(signed_in.visit.go_and_tell(&address(&domain.name), flash))
        }
        Err(Error::Invalid(problems)) => {
            let typed = Typed { tab: Tab::Single, values: values(&form), problems };
            again(&app, &signed_in, domain, typed).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What an entry is called; nothing while it has no mailbox.
pub(super) fn mailbox_name(mailbox: &str, domain: &str) -> String {
    if mailbox.is_empty() { String::new() } else { format!("{mailbox}@{}", shown(domain)) }
}

/// `POST .../csv`: a file, or pasted lines.
pub(super) async fn add_csv(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let domain = app.service().domain_by_name(signed_in.actor(), &domain).await?;
    let octets = form.file().unwrap_or(form.text("text").as_bytes());
    match app.service().add_csv(signed_in.actor(), domain.id, octets).await {
        Ok(added) => {
            let flash = Flash::CsvAdded {
                added: added.entries.len() as u64,
                with_problems: added.with_problems,
                duplicates: added.duplicates,
                notes: added.notes,
            };
            Ok(signed_in.visit.go_and_tell(&address(&domain.name), flash))
        }
        Err(Error::Invalid(problems)) => {
            let typed = Typed { tab: Tab::Csv, values: EntryValues::default(), problems };
            again(&app, &signed_in, domain, typed).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST .../check-again`.
pub(super) async fn check_failed_again(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let domain = app.service().domain_by_name(signed_in.actor(), &domain).await?;
    let count = app.service().check_failed_again(signed_in.actor(), domain.id).await?;
    Ok(signed_in.visit.go_and_tell(&address(&domain.name), Flash::CheckingAgain { count }))
}

/// `POST .../remove-failed`.
pub(super) async fn remove_failed(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let domain = app.service().domain_by_name(signed_in.actor(), &domain).await?;
    let count = app.service().remove_failed(signed_in.actor(), domain.id).await?;
    Ok(signed_in.visit.go_and_tell(&address(&domain.name), Flash::FailedRemoved { count }))
}

/// `POST .../start`.
pub(super) async fn start(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    _: Form,
) -> Result<Response, Refusal> {
    let domain = app.service().domain_by_name(signed_in.actor(), &domain).await?;
    let current = format!("{}#current", address(&domain.name));
    match app.service().start(signed_in.actor(), domain.id).await {
        Ok(_) => Ok(signed_in.visit.go_and_tell(&current, Flash::RunStarted { mailboxes: domain.prepared })),
        // Pressed twice: the first time has done it.
        Err(Error::Conflict(Conflict::Empty)) if domain.current_runs > 0 => Ok(signed_in.visit.go(&current)),
        Err(error) => Err(error.into()),
    }
}
