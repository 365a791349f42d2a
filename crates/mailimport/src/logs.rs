//! Log lines on standard error, above the progress bar and never through it.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::arguments::OutputOptions;

/// Writes logs while the bar is out of the way.
#[derive(Clone)]
struct BesideBars(MultiProgress);

impl Write for BesideBars {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // A reader that has gone away is no fault; told of one, tracing would print to the same place and panic.
        let _ = self.0.suspend(|| io::stderr().write_all(octets));
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for BesideBars {
    type Writer = io::LineWriter<BesideBars>;

    fn make_writer(&'a self) -> Self::Writer {
        io::LineWriter::new(self.clone())
    }
}

/// Starts logging: errors only, `-v` what happens, `-vv` and `-vvv` the details.
pub(crate) fn start(output: &OutputOptions, bars: &MultiProgress) {
    let level = match output.verbose {
        0 => "error",
        1 => "mailimport=info,mailimport_imap=info,mailimport_engine=info,mailimport_maildir=info",
        2 => "warn,mailimport=debug,mailimport_imap=debug,mailimport_engine=debug,mailimport_maildir=debug",
        _ => "debug,mailimport=trace,mailimport_imap=trace,mailimport_engine=trace,mailimport_maildir=trace",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(BesideBars(bars.clone()))
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .finish();
    // Set once for a process; a second attempt keeps the first.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
