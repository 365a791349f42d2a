//! `mailimport worker`: checks and imports, beside other processes on one PostgreSQL; no pages.

use super::serve::{self, Duties};
use crate::arguments::Worker;
use crate::config::{Config, Overrides};
use crate::exit::Exit;
use crate::setup::WrongUse;

/// Works until it is told to stop.
pub(crate) fn run(arguments: &Worker) -> Result<Exit, WrongUse> {
    let config = Config::load(&Overrides::from(&arguments.service))?;
    if config.database.url.is_none() {
        let why = "a worker of its own needs a PostgreSQL (database.url); on SQLite, `mailimport serve` works itself";
        return Err(WrongUse(why.to_owned()));
    }
    serve::until_stopped(&config, Duties::Work)
}
