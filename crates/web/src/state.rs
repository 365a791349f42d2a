//! What all handlers share.

use std::sync::Arc;

use service::Service;
use tokio::sync::watch;

use crate::events::Streams;
use crate::pending::PendingSignIns;
use crate::settings::Settings;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    service: Service,
    settings: Settings,
    streams: Streams,
    pending: PendingSignIns,
    /// Its value becomes `true` when the server stops: streams end then.
    stopping: watch::Sender<bool>,
}

impl App {
    pub(crate) fn new(service: Service, settings: Settings) -> App {
        let streams = Streams::new(settings.streams, settings.streams_per_customer);
        let pending = PendingSignIns::default();
        App(Arc::new(Inner { service, settings, streams, pending, stopping: watch::Sender::new(false) }))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    pub(crate) fn pending(&self) -> &PendingSignIns {
        &self.0.pending
    }

    /// Lets streams end.
    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }
}
