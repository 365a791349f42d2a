//! One entry of the prepared list: corrected, removed, checked again.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use service::model::{Domain, Entry, EntryId, EntryState};
use service::{Conflict, Error};

use super::mailimport::{address, mailbox_name, new_entry, values};
use super::{page, page_with};
use crate::forms::Form;
use crate::pages::Flash;
use crate::pages::entry::{EntryEdit, EntryRemove, Meanwhile};
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;

/// Domain and entry of an address; what is no id belongs to nothing.
type Place = Path<(String, String)>;

/// The entry, where it belongs to that domain.
async fn find(app: &App, signed_in: &SignedIn, place: &Place) -> Result<(Domain, Entry), Refusal> {
    let Path((domain, entry)) = place;
    let domain = app.service().domain_by_name(signed_in.actor(), domain).await?;
    let id: EntryId = entry.parse().map_err(|_| Error::NotFound)?;
    let entry = app.service().entry(signed_in.actor(), id).await?;
    if entry.domain == domain.id { Ok((domain, entry)) } else { Err(Error::NotFound.into()) }
}

/// `GET .../entries/{entry}`.
pub(super) async fn edit(
    State(app): State<App>,
    signed_in: SignedIn,
    place: Place,
) -> Result<Response, Refusal> {
    let (domain, entry) = find(&app, &signed_in, &place).await?;
    page(&EntryEdit::new(signed_in.visit.frame(), &domain.name, entry))
}

/// `POST .../entries/{entry}`.
pub(super) async fn save(
    State(app): State<App>,
    signed_in: SignedIn,
    place: Place,
    form: Form,
) -> Result<Response, Refusal> {
    let (domain, known) = find(&app, &signed_in, &place).await?;
    // A form without it has seen nothing.
    let revision = form.text("revision").parse().unwrap_or(0);
    let (status, meanwhile, problems) =
        match app.service().edit_entry(signed_in.actor(), known.id, revision, new_entry(&form)).await {
            Ok(entry) => return Ok(saved(&signed_in, &domain, &entry)),
            Err(Error::Invalid(problems)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Meanwhile::Unchanged, problems)
            }
            Err(Error::Conflict(Conflict::Changed)) => (StatusCode::CONFLICT, Meanwhile::Changed, Vec::new()),
            Err(error) => return Err(error.into()),
        };
    let mut template = EntryEdit::new(signed_in.visit.frame(), &domain.name, known);
    if meanwhile == Meanwhile::Unchanged {
        template.values = values(&form);
    }
    (template.problems, template.meanwhile) = (problems, meanwhile);
    page_with(status, &template)
}

fn saved(signed_in: &SignedIn, domain: &Domain, entry: &Entry) -> Response {
    let mailbox = mailbox_name(&entry.mailbox, &domain.name);
    let flash = match entry.state {
        EntryState::Invalid => Flash::EntrySavedInvalid { mailbox },
        _ => Flash::EntrySaved { mailbox },
    };
    signed_in.visit.go_and_tell(&format!("{}#entry-{}", address(&domain.name), entry.id), flash)
}

/// `GET .../entries/{entry}/remove`: asks once.
pub(super) async fn ask(
    State(app): State<App>,
    signed_in: SignedIn,
    place: Place,
) -> Result<Response, Refusal> {
    let (domain, entry) = find(&app, &signed_in, &place).await?;
    page(&EntryRemove { f: signed_in.visit.frame(), domain: domain.name, entry })
}

/// `POST .../entries/{entry}/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    place: Place,
    _: Form,
) -> Result<Response, Refusal> {
    let (domain, entry) = find(&app, &signed_in, &place).await?;
    app.service().remove_entry(signed_in.actor(), entry.id).await?;
    let mailbox = mailbox_name(&entry.mailbox, &domain.name);
    Ok(signed_in
        .visit
        .go_and_tell(&format!("{}#list", address(&domain.name)), Flash::EntryRemoved { mailbox }))
}

/// `POST .../entries/{entry}/check`.
pub(super) async fn check_again(
    State(app): State<App>,
    signed_in: SignedIn,
    place: Place,
    _: Form,
) -> Result<Response, Refusal> {
    let (domain, entry) = find(&app, &signed_in, &place).await?;
    app.service().check_again(signed_in.actor(), entry.id).await?;
    let to = format!("{}#entry-{}", address(&domain.name), entry.id);
    Ok(signed_in.visit.go_and_tell(&to, Flash::CheckingAgain { count: 1 }))
}
