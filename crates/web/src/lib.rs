//! Pages and API over HTTP.
//!
//! Everything here translates: a request into a call of `service`, its answer into a page or JSON. It holds no rule that
//! the command line would need too, never answers with a secret that came in, and never writes at a GET.

mod address;
mod api;
pub mod assets;
mod charts;
mod cookies;
mod events;
mod flash;
mod forms;
mod handlers;
pub mod html;
mod letters;
mod limits;
pub mod metrics;
mod names;
pub mod pages;
mod pending;
mod refusal;
mod router;
mod security;
mod server;
mod session;
mod settings;
mod state;
pub mod words;

use std::collections::BTreeSet;
use std::future::Future;

use axum::Router;
use service::Service;

pub use letters::PlainLetters;
pub use router::Route;
pub use server::{Certificate, Listen};
pub use settings::Settings;

/// Pages and API.
pub struct Web {
    app: state::App,
    router: Router,
    routes: BTreeSet<Route>,
}

impl Web {
    /// Pages and API for this service.
    pub fn new(service: Service, settings: Settings) -> Web {
        let app = state::App::new(service, settings);
        let (router, routes) = router::router(&app);
        Web { app, router, routes }
    }

    /// The router, for a server of one's own. What is served with it has to add `ConnectInfo<SocketAddr>`.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Every method and address there is.
    pub fn routes(&self) -> &BTreeSet<Route> {
        &self.routes
    }

    /// Serves until `shutdown`; then closes streams, and gives requests that work a few seconds.
    ///
    /// # Errors
    ///
    /// When the listener fails or the certificate cannot be used.
    pub async fn serve(self, on: Listen, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        server::serve(self.app, self.router, on, shutdown).await
    }
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").field("routes", &self.routes.len()).finish_non_exhaustive()
    }
}
