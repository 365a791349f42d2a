//! Listening: plain or TLS, patient with nobody for ever, and ended in good order.
//!
//! At the end streams are closed first (browsers come again by themselves), then no more is accepted, and requests that
//! work have a few seconds to finish.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::{Extension, Router};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::limits;
use crate::security::client::Transport;
use crate::state::App;

/// How often it is looked whether the certificate's files are new.
const RENEWAL: Duration = Duration::from_secs(60);

/// Where to listen, and how.
#[derive(Debug)]
pub enum Listen {
    /// HTTP: on loopback, or behind a proxy that encrypts.
    Plain(TcpListener),
    /// HTTPS.
    Tls(TcpListener, Certificate),
}

/// Files with the certificate that is shown. When they change, the new one is used.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The chain, PEM, our own first.
    pub chain: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Serves until `shutdown`, then ends in good order.
pub(crate) async fn serve(
    app: App,
    router: Router,
    on: Listen,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let handle = Handle::new();
    let end = async {
        shutdown.await;
        app.stop();
        handle.graceful_shutdown(Some(limits::STOPPING));
        // Serving ends by itself now.
        std::future::pending::<()>().await;
    };
    match on {
        Listen::Plain(listener) => {
            let service = router.layer(Extension(Transport::Plain));
            let server = patient(axum_server::from_tcp(listener)?).handle(handle.clone());
            let serving = server.serve(service.into_make_service_with_connect_info::<SocketAddr>());
            tokio::select! { result = serving => result, () = end => Ok(()) }
        }
        Listen::Tls(listener, certificate) => {
            let config = RustlsConfig::from_config(tls(&certificate)?);
            let acceptor = RustlsAcceptor::new(config.clone()).handshake_timeout(limits::HANDSHAKE);
            let service = router.layer(Extension(Transport::Tls));
            let server = patient(axum_server::from_tcp(listener)?).acceptor(acceptor).handle(handle.clone());
            let serving = server.serve(service.into_make_service_with_connect_info::<SocketAddr>());
            tokio::select! {
                result = serving => result,
                () = end => Ok(()),
                () = renew(&config, &certificate) => Ok(()),
            }
        }
    }
}

/// Bounds what a connection may take.
fn patient(mut server: Server<SocketAddr>) -> Server<SocketAddr> {
    let builder = server.http_builder();
    builder.http1().header_read_timeout(limits::HEADERS).max_buf_size(64 * 1024);
    builder
        .http2()
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(128)
        .max_header_list_size(64 * 1024);
    server.first_request_timeout(limits::HEADERS)
}

/// The configuration that shows this certificate: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
fn tls(certificate: &Certificate) -> io::Result<Arc<ServerConfig>> {
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        io::Error::other(format!("{} cannot be used: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&certificate.chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&certificate.chain, &error))?;
    let key =
        PrivateKeyDer::from_pem_file(&certificate.key).map_err(|error| unusable(&certificate.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable(&certificate.chain, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Uses a new certificate once its files have changed; keeps the old one while they do not fit together.
async fn renew(config: &RustlsConfig, certificate: &Certificate) {
    let mut known = changed_at(certificate);
    loop {
        tokio::time::sleep(RENEWAL).await;
        let now = changed_at(certificate);
        if now == known {
            continue;
        }
        match tls(certificate) {
            Ok(new) => {
                config.reload_from_config(new);
                known = now;
                tracing::info!("a new certificate is in use");
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate's files have changed; the old one stays in use")
            }
        }
    }
}

fn changed_at(certificate: &Certificate) -> [Option<SystemTime>; 2] {
    [&certificate.chain, &certificate.key].map(|path| path.metadata().and_then(|data| data.modified()).ok())
}
