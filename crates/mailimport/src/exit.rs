//! The exit status: one number for each thing a caller can do next.

use std::process::ExitCode;

use engine::report::{Report, Side, Stop, Verdict};

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is there.
    Complete = 0,
    /// Finished, but not everything is there or equal.
    Exceptions = 1,
    /// The command line cannot be used (clap's own number).
    WrongUse = 2,
    /// The old server refused: address, TLS, login.
    Source = 3,
    /// The new mailbox refused.
    Destination = 4,
    /// Stopped by Ctrl-C or SIGTERM; the same command goes on.
    Interrupted = 5,
    /// A fault of this program (EX_SOFTWARE of sysexits.h).
    Internal = 70,
}

impl Exit {
    /// Of a whole report.
    pub(crate) fn of(report: &Report) -> Exit {
        match (&report.error, report.verdict) {
            (Some(stop), _) => Exit::of_stop(stop),
            (None, Verdict::Complete) => Exit::Complete,
            (None, Verdict::CompleteWithExceptions | Verdict::Incomplete) => Exit::Exceptions,
        }
    }

    /// Of the reason why something stopped.
    pub(crate) fn of_stop(stop: &Stop) -> Exit {
        match stop.side {
            _ if stop.class == "interrupted" => Exit::Interrupted,
            Side::Source => Exit::Source,
            Side::Destination => Exit::Destination,
            Side::Internal => Exit::Internal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_stopped_decides() {
        for (side, class, exit) in [
            (Side::Source, "auth", Exit::Source),
            (Side::Destination, "disk_full", Exit::Destination),
            (Side::Internal, "interrupted", Exit::Interrupted),
            (Side::Internal, "internal", Exit::Internal),
        ] {
            let stop = Stop { side, class: class.to_owned(), message: String::new() };
            assert_eq!(Exit::of_stop(&stop), exit, "{class}");
        }
    }
}
