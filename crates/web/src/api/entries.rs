//! `/domains/{domain}/entries`, `/entries`: the prepared list.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::model::{self, DomainId, EntryId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::body::{Asked, At, Body, CsvFile, SecretText};
use super::paging::Paging;
use super::problem::{FieldProblem, Problems};
use super::repeat::RepeatKey;
use crate::refusal::Refusal;
use crate::state::App;

/// A line of the prepared list: source account -> mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    id: Uuid,
    domain: Uuid,
    /// Its place in the list, from 1, with gaps where entries were removed.
    number: u64,
    /// IMAP server as given; may be empty.
    server: String,
    /// IMAP user name as given.
    username: String,
    /// Whether an IMAP password is kept.
    has_password: bool,
    /// The part before the @ of the new mailbox.
    mailbox: String,
    /// Whether a password for a new mailbox is kept.
    has_mailbox_password: bool,
    state: EntryState,
    /// What cannot be used as it is.
    problems: Vec<FieldProblem>,
    /// Worth knowing; no reason not to start.
    notes: Vec<FieldProblem>,
    /// What the latest check saw.
    check: Option<Check>,
    /// Grows with each change.
    revision: i64,
    updated_at: Timestamp,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryState {
    /// What was given cannot be used: see the problems.
    Invalid,
    /// Waits for its check.
    Queued,
    /// Is being checked.
    Checking,
    /// Ready.
    Verified,
    /// The check found something: see the failure.
    CheckFailed,
}

/// What a check saw.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Check {
    at: Timestamp,
    /// The server that was asked; `null` when none was found.
    server: Option<FoundServer>,
    /// What the old server calls itself.
    software: Option<String>,
    folders: u64,
    messages: u64,
    /// Octets of the messages, when the server told.
    octets: Option<u64>,
    estimate: Option<Estimate>,
    /// The mailbox exists already; its password then stays as it is.
    mailbox_exists: bool,
    /// Why the check failed.
    failure: Option<Failure>,
    /// The provider's own page about what it asks for.
    hint_url: Option<String>,
}

/// The server that is used.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundServer {
    /// `imaps://host:993`, or `imap://host:143` (STARTTLS).
    url: String,
    /// User name to log in with, where it differs from what was given.
    username: Option<String>,
    by: FoundBy,
    /// The provider's name, where known.
    provider: Option<String>,
}

/// How a server was found.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FoundBy {
    /// It was given.
    Given,
    /// A known provider.
    KnownProvider,
    /// DNS SRV records (RFC 6186, RFC 8314).
    Srv,
    /// The domain's autoconfig document.
    Autoconfig,
}

/// Seconds, as a range.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Estimate {
    low: u64,
    high: u64,
}

/// Why a check or an import failed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    side: Side,
    /// The class as a word that does not change: `auth`, `dns`, `tls`, ...
    class: String,
    /// The plain sentence in English.
    message: String,
    /// Technical detail for the administrator.
    detail: Option<String>,
    /// Whether it is tried again without anybody's doing.
    retried: bool,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    /// The old server.
    Source,
    /// The new mailbox.
    Destination,
    /// mailimport itself.
    Internal,
}

impl From<model::Entry> for Entry {
    fn from(entry: model::Entry) -> Entry {
        Entry {
            id: entry.id.0,
            domain: entry.domain.0,
            number: entry.number,
            server: entry.server,
            username: entry.username,
            has_password: entry.has_password,
            mailbox: entry.mailbox,
            has_mailbox_password: entry.has_mailbox_password,
            state: match entry.state {
                model::EntryState::Invalid => EntryState::Invalid,
                model::EntryState::Queued => EntryState::Queued,
                model::EntryState::Checking => EntryState::Checking,
                model::EntryState::Verified => EntryState::Verified,
                model::EntryState::CheckFailed => EntryState::CheckFailed,
            },
            problems: entry.problems.into_iter().map(FieldProblem::from).collect(),
            notes: entry.notes.into_iter().map(FieldProblem::from).collect(),
            check: entry.check.map(Check::from),
            revision: entry.revision,
            updated_at: entry.updated_at,
        }
    }
}

impl From<model::CheckOutcome> for Check {
    fn from(check: model::CheckOutcome) -> Check {
        Check {
            at: check.at,
            server: check.server.map(FoundServer::from),
            software: check.software,
            folders: check.folders,
            messages: check.messages,
            octets: check.octets,
            estimate: check.estimate.map(Estimate::from),
            mailbox_exists: check.mailbox_exists,
            failure: check.failure.map(Failure::from),
            hint_url: check.hint_url,
        }
    }
}

impl From<model::FoundServer> for FoundServer {
    fn from(server: model::FoundServer) -> FoundServer {
        let by = match server.by {
            model::FoundBy::Given => FoundBy::Given,
            model::FoundBy::KnownProvider => FoundBy::KnownProvider,
            model::FoundBy::Srv => FoundBy::Srv,
            model::FoundBy::Autoconfig => FoundBy::Autoconfig,
        };
        FoundServer { url: server.url, username: server.username, by, provider: server.provider }
    }
}

impl From<model::Estimate> for Estimate {
    fn from(estimate: model::Estimate) -> Estimate {
        Estimate { low: estimate.low, high: estimate.high }
    }
}

impl From<model::Failure> for Failure {
    fn from(failure: model::Failure) -> Failure {
        let side = match failure.side {
            model::Side::Source => Side::Source,
            model::Side::Destination => Side::Destination,
            model::Side::Internal => Side::Internal,
        };
        let model::Failure { class, message, detail, retried, .. } = failure;
        Failure { side, class, message, detail, retried }
    }
}

/// A new line of the list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEntry {
    /// IMAP server: `host`, `host:port`, `imaps://host`; may be absent when the user name is an e-mail address.
    #[serde(default)]
    #[schema(example = "imap.example.net")]
    server: String,
    /// IMAP user name.
    #[schema(example = "anna@example.net")]
    username: String,
    /// IMAP password.
    password: SecretText,
    /// The part before the @ of the new mailbox.
    #[schema(example = "anna")]
    mailbox: String,
    /// Password of the new mailbox if it does not exist yet.
    mailbox_password: Option<SecretText>,
}

/// What of an entry changes; what is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryChange {
    /// The revision that was looked at: somebody else's later change is not overwritten.
    revision: i64,
    server: Option<String>,
    username: Option<String>,
    password: Option<SecretText>,
    mailbox: Option<String>,
    mailbox_password: Option<SecretText>,
}

/// A domain's prepared list in its order.
#[utoipa::path(
    get, path = "/api/v1/domains/{domain}/entries", tag = "entries", operation_id = "list_entries",
    security(("token" = ["read"])), params(("domain" = Uuid, Path), Paging),
    responses(
        (status = 200, body = Vec<Entry>, headers(("Link" = String, description = "First, previous and next page (RFC 8288)"))),
        Problems
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
    Asked(paging): Asked<Paging>,
) -> Result<Response, Refusal> {
    let entries = app.service().entries(&caller.actor, domain, paging.ask()).await?;
    let entries = entries.into_iter().map(Entry::from).collect();
    Ok(paging.answer(&format!("/api/v1/domains/{domain}/entries"), entries))
}

/// Adds an entry; its check starts at once. Fields that cannot be used are no error: the entry is `invalid`, with its
/// problems, and can be mended.
#[utoipa::path(
    post, path = "/api/v1/domains/{domain}/entries", tag = "entries", operation_id = "add_entry",
    security(("token" = ["write"])), request_body = NewEntry,
    params(("domain" = Uuid, Path), RepeatKey),
    responses(
        (status = 201, body = Entry, headers(("Location" = String, description = "The entry"))),
        Problems
    )
)]
pub(super) async fn add(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
    Body(new): Body<NewEntry>,
) -> Result<Response, Refusal> {
    let new = model::NewEntry {
        server: new.server,
        username: new.username,
        password: Some(new.password.0),
        mailbox: new.mailbox,
        mailbox_password: new.mailbox_password.map(|secret| secret.0),
    };
    let entry = app.service().add_entry(&caller.actor, domain, new).await?;
    let location = format!("/api/v1/entries/{}", entry.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(Entry::from(entry))).into_response())
}

/// One entry.
#[utoipa::path(
    get, path = "/api/v1/entries/{entry}", tag = "entries", operation_id = "show_entry",
    security(("token" = ["read"])), params(("entry" = Uuid, Path)),
    responses((status = 200, body = Entry), Problems)
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    At(entry): At<EntryId>,
) -> Result<Json<Entry>, Refusal> {
    Ok(Json(app.service().entry(&caller.actor, entry).await?.into()))
}

/// Changes an entry; it is checked again.
#[utoipa::path(
    patch, path = "/api/v1/entries/{entry}", tag = "entries", operation_id = "change_entry",
    security(("token" = ["write"])), params(("entry" = Uuid, Path)), request_body = EntryChange,
    responses((status = 200, body = Entry), Problems)
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    At(id): At<EntryId>,
    Body(change): Body<EntryChange>,
) -> Result<Json<Entry>, Refusal> {
    let known = app.service().entry(&caller.actor, id).await?;
    let new = model::NewEntry {
        server: change.server.unwrap_or(known.server),
        username: change.username.unwrap_or(known.username),
        password: change.password.map(|secret| secret.0),
        mailbox: change.mailbox.unwrap_or(known.mailbox),
        mailbox_password: change.mailbox_password.map(|secret| secret.0),
    };
    Ok(Json(app.service().edit_entry(&caller.actor, id, change.revision, new).await?.into()))
}

/// Removes an entry from the list.
#[utoipa::path(
    delete, path = "/api/v1/entries/{entry}", tag = "entries", operation_id = "remove_entry",
    security(("token" = ["write"])), params(("entry" = Uuid, Path)),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    At(entry): At<EntryId>,
) -> Result<StatusCode, Refusal> {
    app.service().remove_entry(&caller.actor, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks an entry again.
#[utoipa::path(
    post, path = "/api/v1/entries/{entry}/check", tag = "entries", operation_id = "check_entry",
    security(("token" = ["write"])), params(("entry" = Uuid, Path)),
    responses(
        (status = 202, body = Entry, description = "It waits for its check"),
        Problems
    )
)]
pub(super) async fn check(
    State(app): State<App>,
    caller: Caller,
    At(entry): At<EntryId>,
) -> Result<(StatusCode, Json<Entry>), Refusal> {
    let entry = app.service().check_again(&caller.actor, entry).await?;
    Ok((StatusCode::ACCEPTED, Json(entry.into())))
}

/// How many entries something was done to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Count {
    count: u64,
}

/// Checks all entries again whose check failed.
#[utoipa::path(
    post, path = "/api/v1/domains/{domain}/entries/check-failed", tag = "entries", operation_id = "check_failed_entries",
    security(("token" = ["write"])), params(("domain" = Uuid, Path)),
    responses((status = 202, body = Count), Problems)
)]
pub(super) async fn check_failed(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
) -> Result<(StatusCode, Json<Count>), Refusal> {
    let count = app.service().check_failed_again(&caller.actor, domain).await?;
    Ok((StatusCode::ACCEPTED, Json(Count { count })))
}

/// Removes all entries that need attention.
#[utoipa::path(
    post, path = "/api/v1/domains/{domain}/entries/remove-failed", tag = "entries", operation_id = "remove_failed_entries",
    security(("token" = ["write"])), params(("domain" = Uuid, Path)),
    responses((status = 200, body = Count), Problems)
)]
pub(super) async fn remove_failed(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
) -> Result<Json<Count>, Refusal> {
    let count = app.service().remove_failed(&caller.actor, domain).await?;
    Ok(Json(Count { count }))
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CsvAdded {
    /// The new entries, in the file's order.
    entries: Vec<Uuid>,
    /// Of these, with problems.
    with_problems: u64,
    /// Rows left out because the file or the list has exactly the same already.
    duplicates: u64,
    /// What concerns the whole file.
    notes: Vec<FieldProblem>,
}

/// Adds every row of a CSV file, also those with problems, so that they can be mended. All of them or none. Delimiter,
/// encoding and header are found out; the order without a header is
/// `IMAP server;IMAP username;IMAP password;Mailbox;Password`.
#[utoipa::path(
    post, path = "/api/v1/domains/{domain}/entries/csv", tag = "entries", operation_id = "add_csv",
    security(("token" = ["write"])), request_body(content = String, content_type = "text/csv", description = "5 MiB and 10,000 rows at most"),
    params(("domain" = Uuid, Path), RepeatKey),
    responses((status = 201, body = CsvAdded), Problems)
)]
pub(super) async fn add_csv(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
    CsvFile(octets): CsvFile,
) -> Result<(StatusCode, Json<CsvAdded>), Refusal> {
    let added = app.service().add_csv(&caller.actor, domain, &octets).await?;
    let added = CsvAdded {
        entries: added.entries.into_iter().map(|id| id.0).collect(),
        with_problems: added.with_problems,
        duplicates: added.duplicates,
        notes: added.notes.into_iter().map(FieldProblem::from).collect(),
    };
    Ok((StatusCode::CREATED, Json(added)))
}

/// What a file holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CsvPreview {
    rows: Vec<CsvRow>,
    /// What concerns the whole file.
    notes: Vec<FieldProblem>,
    /// Rows that an earlier one says exactly the same as.
    duplicates: u64,
    /// What stands between the fields.
    #[schema(value_type = String)]
    delimiter: char,
    #[schema(example = "windows-1252")]
    encoding: String,
    /// Whether the first row names the columns.
    has_header: bool,
}

/// A row of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CsvRow {
    /// The line on which it begins, from 1.
    line: u64,
    server: String,
    username: String,
    has_password: bool,
    mailbox: String,
    has_mailbox_password: bool,
    problems: Vec<FieldProblem>,
    notes: Vec<FieldProblem>,
}

impl From<service::csv::CsvRow> for CsvRow {
    fn from(row: service::csv::CsvRow) -> CsvRow {
        CsvRow {
            line: row.line,
            server: row.entry.server,
            username: row.entry.username,
            has_password: row.entry.password.is_some(),
            mailbox: row.entry.mailbox,
            has_mailbox_password: row.entry.mailbox_password.is_some(),
            problems: row.problems.into_iter().map(FieldProblem::from).collect(),
            notes: row.notes.into_iter().map(FieldProblem::from).collect(),
        }
    }
}

/// Reads a CSV file without adding anything.
#[utoipa::path(
    post, path = "/api/v1/domains/{domain}/entries/csv/preview", tag = "entries", operation_id = "preview_csv",
    security(("token" = ["read"])), params(("domain" = Uuid, Path)),
    request_body(content = String, content_type = "text/csv", description = "5 MiB and 10,000 rows at most"),
    responses((status = 200, body = CsvPreview), Problems)
)]
pub(super) async fn read_csv(
    State(app): State<App>,
    caller: Caller,
    At(domain): At<DomainId>,
    CsvFile(octets): CsvFile,
) -> Result<Json<CsvPreview>, Refusal> {
    let preview = app.service().read_csv(&caller.actor, domain, &octets).await?;
    Ok(Json(CsvPreview {
        rows: preview.rows.into_iter().map(CsvRow::from).collect(),
        notes: preview.notes.into_iter().map(FieldProblem::from).collect(),
        duplicates: preview.duplicates,
        delimiter: preview.delimiter,
        encoding: preview.encoding.to_owned(),
        has_header: preview.header == service::csv::Header::Present,
    }))
}
