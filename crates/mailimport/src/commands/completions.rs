//! `mailimport completions`: a script for a shell, on standard output.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::setup::WrongUse;

/// Prints the script.
pub(crate) fn run(shell: Shell) -> Result<Exit, WrongUse> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "mailimport", &mut script);
    super::print(&String::from_utf8_lossy(&script));
    Ok(Exit::Complete)
}
