//! Live changes as Server-Sent Events: how many may be open, when they look, when they end.
//!
//! A stream looks at the database once an interval and speaks only when something changed. It ends when whoever opened
//! it signs out or loses the token, when the server stops, and after an hour in any case; browsers come again by
//! themselves and say what they saw last.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use service::model::{Actor, CustomerId};
use service::{Changes, Watch};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::refusal::Refusal;
use crate::state::App;

/// How long a stream lives at most.
const LIFE: Duration = Duration::from_secs(3600);
/// How often it is asked whether whoever opened it may still look.
const PROOF: Duration = Duration::from_secs(5);
/// Silence that proxies bear.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it comes again.
const RETRY: Duration = Duration::from_secs(3);

/// Which revision the other side has seen, when it comes again by itself (HTML standard, 9.2.4).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An event in the making.
pub(crate) type Told = Pin<Box<dyn Future<Output = Option<Event>> + Send>>;

/// Counts the streams that are open.
#[derive(Debug)]
pub(crate) struct Streams {
    all: Arc<Semaphore>,
    per_customer: usize,
    customers: Arc<Mutex<HashMap<CustomerId, usize>>>,
}

/// Room for one stream; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    _permit: OwnedSemaphorePermit,
    customer: CustomerId,
    customers: Arc<Mutex<HashMap<CustomerId, usize>>>,
}

impl Streams {
    pub(crate) fn new(all: usize, per_customer: usize) -> Streams {
        Streams { all: Arc::new(Semaphore::new(all)), per_customer, customers: Arc::default() }
    }

    /// Room for one more, if there is any.
    pub(crate) fn enter(&self, customer: CustomerId) -> Result<Room, Refusal> {
        let permit = self.all.clone().try_acquire_owned().map_err(|_| Refusal::TooManyStreams)?;
        let mut customers = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
        let open = customers.entry(customer).or_default();
        if *open >= self.per_customer {
            return Err(Refusal::TooManyStreams);
        }
        *open += 1;
        drop(customers);
        metrics::gauge!("mailimport_http_streams").increment(1);
        Ok(Room { _permit: permit, customer, customers: self.customers.clone() })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        metrics::gauge!("mailimport_http_streams").decrement(1);
        let mut customers = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = customers.get_mut(&self.customer) {
            *open -= 1;
            if *open == 0 {
                customers.remove(&self.customer);
            }
        }
    }
}

/// What proves, again and again, that a stream may go on.
pub(crate) enum Proof {
    /// A session's cookie.
    Session(String),
    /// An API token.
    Token(String),
}

impl Proof {
    async fn holds(&self, app: &App, actor: &Actor) -> bool {
        let found = match self {
            Proof::Session(secret) => {
                app.service().session(secret).await.map(|session| session.map(|session| session.actor))
            }
            Proof::Token(secret) => app.service().token_actor(secret, None).await,
        };
        matches!(found, Ok(Some(found)) if found.customer == actor.customer)
    }
}

/// A stream that looks.
pub(crate) struct Watching {
    app: App,
    actor: Actor,
    watch: Watch,
    since: i64,
    proof: Proof,
    proved_at: Instant,
    ends_at: Instant,
    ticks: Interval,
    stopping: watch::Receiver<bool>,
    _room: Room,
}

impl Watching {
    /// Opens a stream of what changes after `since`, or after what the request's header says.
    pub(crate) async fn open(
        app: &App,
        actor: Actor,
        watch: Watch,
        since: i64,
        proof: Proof,
        headers: &HeaderMap,
    ) -> Result<Watching, Refusal> {
        let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
        let since = seen.unwrap_or(since);
        let room = app.streams().enter(actor.customer)?;
        // Whoever may not look is told so now, with a status, and not by a stream that ends.
        app.service().revision(&actor, watch).await?;
        let mut ticks = tokio::time::interval(app.settings().stream_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        let stopping = app.stopping();
        let app = app.clone();
        let ends_at = now + LIFE;
        Ok(Watching {
            app,
            actor,
            watch,
            since,
            proof,
            proved_at: now,
            ends_at,
            ticks,
            stopping,
            _room: room,
        })
    }

    /// The next changes; `None` at the end.
    async fn next(&mut self) -> Option<Changes> {
        loop {
            tokio::select! {
                _ = self.stopping.wait_for(|stop| *stop) => return None,
                _ = self.ticks.tick() => {}
            }
            let now = Instant::now();
            if now >= self.ends_at {
                return None;
            }
            if now - self.proved_at >= PROOF {
                if !self.proof.holds(&self.app, &self.actor).await {
                    return None;
                }
                self.proved_at = now;
            }
            // Gone, or a fault of the database: in both cases the other side comes again and is told.
            let changes = self.app.service().changes(&self.actor, self.watch, self.since).await.ok()?;
            if changes.revision > self.since {
                // Who signed out a moment ago is told nothing any more.
                if !self.proof.holds(&self.app, &self.actor).await {
                    return None;
                }
                self.since = changes.revision;
                return Some(changes);
            }
        }
    }

    /// The answer; `tell` makes an event of changes, or none when they say nothing.
    pub(crate) fn into_response<F>(self, tell: F) -> Response
    where
        F: FnMut(Changes) -> Told + Send + 'static,
    {
        let mut response =
            Sse::new(self.events(tell)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
        // Some proxies collect an answer before they pass it on, unless they are told not to.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    fn events<F>(self, tell: F) -> impl Stream<Item = Result<Event, std::convert::Infallible>>
    where
        F: FnMut(Changes) -> Told,
    {
        // The first event says only how long to wait before coming again.
        let first = Some(Event::default().retry(RETRY));
        futures_util::stream::unfold((self, tell, first), async |(mut watching, mut tell, first)| {
            if let Some(first) = first {
                return Some((Ok(first), (watching, tell, None)));
            }
            loop {
                let changes = watching.next().await?;
                let revision = changes.revision;
                if let Some(event) = tell(changes).await {
                    return Some((Ok(event.id(revision.to_string())), (watching, tell, None)));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_all_and_for_each_and_room_comes_back() {
        let streams = Streams::new(3, 2);
        let (anna, ben) = (CustomerId::new(), CustomerId::new());
        let first = streams.enter(anna).unwrap();
        let _second = streams.enter(anna).unwrap();
        assert_eq!(streams.enter(anna).unwrap_err(), Refusal::TooManyStreams);
        let _third = streams.enter(ben).unwrap();
        assert_eq!(streams.enter(ben).unwrap_err(), Refusal::TooManyStreams);
        drop(first);
        let _again = streams.enter(ben).unwrap();
        assert_eq!(streams.enter(anna).unwrap_err(), Refusal::TooManyStreams);
    }
}
