//! How large and how slow a request may be.

use std::time::Duration;

/// Octets of a body at most.
pub(crate) const BODY: usize = 1024 * 1024;
/// Octets of a body with a CSV file at most: the file, and what a form puts around it.
pub(crate) const CSV_BODY: usize = service::csv::MAX_OCTETS + 64 * 1024;
/// How long a request's headers may take, and how long a connection may be silent between two requests.
pub(crate) const HEADERS: Duration = Duration::from_secs(15);
/// How long a body may stand still.
pub(crate) const BODY_IDLE: Duration = Duration::from_secs(30);
/// How long an answer may take to begin.
pub(crate) const ANSWER: Duration = Duration::from_secs(60);
/// How long a TLS handshake may take.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long requests may go on once the server is to stop.
pub(crate) const STOPPING: Duration = Duration::from_secs(10);
