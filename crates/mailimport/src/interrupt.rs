//! Ctrl-C and SIGTERM: the first stops the import in good order, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::notice::notice;

/// Of a shell's convention for a command that a signal ended: 128 + SIGINT.
const AT_ONCE: i32 = 130;

/// A token that is cancelled by Ctrl-C or SIGTERM. Called within a runtime.
pub(crate) fn listen() -> std::io::Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = cancel.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(AT_ONCE);
            }
            notice("Stopping. What has arrived is kept; once more ends at once.");
            stop.cancel();
        }
    });
    Ok(cancel)
}
