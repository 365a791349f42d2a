//! `mailimport man`: the manual page on standard output, or all pages into a directory.

use std::path::Path;

use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::setup::WrongUse;

/// Prints or writes.
pub(crate) fn run(directory: Option<&Path>) -> Result<Exit, WrongUse> {
    let command = Arguments::command();
    match directory {
        Some(directory) => {
            std::fs::create_dir_all(directory)?;
            clap_mangen::generate_to(command, directory)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            super::print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(Exit::Complete)
}
