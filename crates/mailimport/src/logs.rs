//! Log lines on standard error: beside the progress bars of a command, or of a service, for people or as JSON.

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::arguments::OutputOptions;
use crate::config::{Log, LogFormat};

/// Our own crates, as log lines name them.
const OURS: [&str; 8] =
    ["mailimport", "mailimport_imap", "mailimport_store", "engine", "maildir", "mailhost", "service", "web"];

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
        0 => "error".to_owned(),
        1 => levels("error", "info"),
        2 => levels("warn", "debug"),
        _ => levels("debug", "trace"),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(BesideBars(bars.clone()))
        .with_ansi(io::stderr().is_terminal())
        .finish();
    // Set once for a process; a second attempt keeps the first.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Starts a service's log. `false` when its level cannot be read.
pub(crate) fn start_service(log: &Log) -> Result<(), UnknownLevel> {
    let filter = match log.level.as_str() {
        plain @ ("error" | "warn" | "info" | "debug" | "trace") => levels("warn", plain),
        parts => parts.to_owned(),
    };
    let filter = EnvFilter::builder().parse(filter).map_err(|_| UnknownLevel)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(io::stderr().is_terminal());
            tracing::subscriber::set_global_default(lines.finish())
        }
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
    };
    Ok(())
}

/// `log.level` is none.
#[derive(Debug, thiserror::Error)]
#[error("log.level cannot be used: write it as info, or by part as in warn,engine=debug")]
pub(crate) struct UnknownLevel;

fn levels(others: &str, ours: &str) -> String {
    OURS.iter().fold(others.to_owned(), |text, part| format!("{text},{part}={ours}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_of_ours_is_heard() {
        assert!(levels("warn", "info").starts_with("warn,mailimport=info,"));
        for level in [levels("error", "info"), "warn,engine=debug".to_owned()] {
            assert!(EnvFilter::builder().parse(level).is_ok());
        }
        assert!(module_path!().starts_with("mailimport::"));
        let paths = [
            std::any::type_name::<imap::Tls>(),
            std::any::type_name::<store::Store>(),
            std::any::type_name::<engine::Survey>(),
            std::any::type_name::<maildir::Maildir>(),
            std::any::type_name::<mailhost::MaildirTree>(),
            std::any::type_name::<service::Service>(),
        ];
        for path in paths {
            let name = path.split("::").next().unwrap();
            assert!(OURS.contains(&name), "{path}");
        }
    }
}
