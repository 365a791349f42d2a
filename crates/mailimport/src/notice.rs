//! Lines for people on standard error. A reader that has gone away (`2>&1 | head`) must not end an import, as the
//! standard library's own printing would.

use std::fmt::Display;
use std::io::Write;

/// Prints a line; nobody listening is no fault.
pub(crate) fn notice(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
