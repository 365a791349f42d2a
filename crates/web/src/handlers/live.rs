//! Live pages: the parts that changed, rendered anew, once a second at most.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use serde::Deserialize;
use service::model::{Actor, Domain, DomainId, ImportId, RunId};
use service::{Changes, Watch};

use super::runs::id;
use crate::events::{Proof, Watching};
use crate::pages::live::{self, DomainChanges, RunChanges};
use crate::pages::run::Show;
use crate::refusal::Refusal;
use crate::session::SignedIn;
use crate::state::App;
use crate::words::Words;

/// What the page shows already.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    since: i64,
}

/// Which imports a run's page lists.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Listed {
    #[serde(default)]
    show: String,
}

/// Everything that an event is made with.
#[derive(Clone)]
struct Teller {
    app: App,
    actor: Actor,
    words: Words,
}

impl Teller {
    fn new(app: &App, signed_in: &SignedIn) -> Teller {
        Teller { app: app.clone(), actor: signed_in.actor().clone(), words: signed_in.visit.words.clone() }
    }

    async fn domain(&self, id: DomainId, changes: Changes) -> Result<live::Event, service::Error> {
        let domain: Domain = self.app.service().domain(&self.actor, id).await?;
        let readiness = self.app.service().readiness(&self.actor, id).await?;
        let changes = DomainChanges {
            revision: changes.revision,
            entries: &changes.entries,
            removed: &changes.removed,
            runs: &changes.runs,
            readiness: &readiness,
        };
        Ok(live::domain_event(&self.words, &domain, changes))
    }

    async fn run(
        &self,
        id: RunId,
        changes: Changes,
        show: Show,
    ) -> Result<Option<live::Event>, service::Error> {
        let samples = self.app.service().run_samples(&self.actor, id).await?;
        let Some(run) = changes.runs.first() else { return Ok(None) };
        let (revision, imports) = (changes.revision, &changes.imports);
        let changes = RunChanges { revision, run, samples: &samples, imports, show };
        Ok(Some(live::run_event(&self.words, changes)))
    }
}

/// An event; a fault ends in none, and the next change tells again.
fn event(told: Result<Option<live::Event>, service::Error>) -> Option<Event> {
    match told {
        Ok(told) => told.and_then(|event| Event::default().json_data(event).ok()),
        Err(error) => {
            tracing::warn!(%error, "a change could not be told");
            None
        }
    }
}

async fn open(
    app: &App,
    signed_in: &SignedIn,
    watch: Watch,
    since: &Since,
    headers: &HeaderMap,
) -> Result<Watching, Refusal> {
    let proof = Proof::Session(signed_in.signed.secret.clone());
    Watching::open(app, signed_in.actor().clone(), watch, since.since, proof, headers).await
}

/// `GET /domains/{domain}/mailimport/events`.
pub(super) async fn domain(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = app.service().domain_by_name(signed_in.actor(), &domain).await?.id;
    let watching = open(&app, &signed_in, Watch::Domain(id), &since, &headers).await?;
    let teller = Teller::new(&app, &signed_in);
    Ok(watching.into_response(move |changes| {
        let teller = teller.clone();
        Box::pin(async move { event(teller.domain(id, changes).await.map(Some)) })
    }))
}

/// `GET /runs/{run}/events`.
pub(super) async fn run(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(run): Path<String>,
    Query(listed): Query<Listed>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: RunId = id(&run)?;
    let show = Show::parse(&listed.show);
    let watching = open(&app, &signed_in, Watch::Run(id), &since, &headers).await?;
    let teller = Teller::new(&app, &signed_in);
    Ok(watching.into_response(move |changes| {
        let teller = teller.clone();
        Box::pin(async move { event(teller.run(id, changes, show).await) })
    }))
}

/// `GET /imports/{import}/events`.
pub(super) async fn import(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(import): Path<String>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: ImportId = id(&import)?;
    let watching = open(&app, &signed_in, Watch::Import(id), &since, &headers).await?;
    let words = signed_in.visit.words.clone();
    Ok(watching.into_response(move |changes| {
        let told = changes.imports.first().map(|import| live::import_event(&words, import));
        Box::pin(async move { event(Ok(told)) })
    }))
}
