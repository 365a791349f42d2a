//! Measurements for Prometheus: on a listener of their own, or beside the pages for who has the token.

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::assemble::NotAssembled;
use crate::config::{Config, Hidden};

/// What is measured in this process.
pub(crate) struct Measurements {
    handle: web::metrics::PrometheusHandle,
    listener: Option<std::net::TcpListener>,
    token: Option<Hidden>,
}

impl Measurements {
    /// Begins to measure, where anybody is to see it.
    pub(crate) async fn begin(config: &Config) -> Result<Option<Measurements>, NotAssembled> {
        let settings = &config.metrics;
        if settings.listen.is_none() && settings.token.is_none() {
            return Ok(None);
        }
        let listener = match settings.listen {
            Some(address) => {
                let bound = TcpListener::bind(address).await.and_then(TcpListener::into_std);
                let refused =
                    |error| NotAssembled::of(format_args!("{address} cannot be listened on: {error}"));
                Some(bound.map_err(refused)?)
            }
            None => None,
        };
        let handle = web::metrics::install().map_err(NotAssembled::of)?;
        Ok(Some(Measurements { handle, listener, token: settings.token.clone() }))
    }

    /// Serves them on their own listener.
    pub(crate) fn serve(&self, stop: CancellationToken) -> Option<JoinHandle<()>> {
        let listener = self.listener.as_ref()?.try_clone().and_then(TcpListener::from_std);
        let handle = self.handle.clone();
        Some(tokio::spawn(async move {
            let served = match listener {
                Ok(listener) => web::metrics::serve(listener, handle, stop.cancelled_owned()).await,
                Err(error) => Err(error),
            };
            if let Err(error) = served {
                tracing::error!(%error, "measurements are not served any more");
            }
        }))
    }

    /// For the pages' server.
    pub(crate) fn behind_token(&self) -> Option<(web::metrics::PrometheusHandle, secrecy::SecretString)> {
        self.token.as_ref().map(|token| (self.handle.clone(), token.0.clone()))
    }
}
