//! The command `mailimport`: reads what it is told, starts the engine, shows what happens and says how it ended.
//!
//! It holds no rule about mail: those are the engine's. Standard output carries only the report, a secret never comes
//! from an argument, and the exit status says which side to look at.

mod arguments;
mod assemble;
mod bars;
mod claim;
mod commands;
mod config;
mod document;
mod exit;
mod human;
mod interrupt;
mod location;
mod logs;
mod mailbox;
mod measure;
mod notice;
mod owner;
mod quantity;
mod secrets;
mod setup;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    forbid_core_dumps();
    // Before clap, which repeats an argument that it does not like.
    if std::env::args_os().any(|argument| location::carries_password(&argument)) {
        return refuse(location::LocationError::Password.to_string());
    }
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(setup::WrongUse(message)) => refuse(message),
    }
}

fn run(arguments: Arguments) -> Result<Exit, setup::WrongUse> {
    match arguments.command {
        Command::Import(import) => commands::import::run(&import),
        Command::Check(check) => commands::check::run(&check),
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Serve(serve) => commands::serve::run(&serve),
        Command::Worker(worker) => commands::worker::run(&worker),
        Command::Admin(admin) => commands::admin::run(&admin),
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Man { directory } => commands::man::run(directory.as_deref()),
    }
}

/// Wrong use: clap's form and exit status 2.
fn refuse(message: String) -> ExitCode {
    let mut command = Arguments::command();
    // The subcommand's own usage line, where it can be told.
    let named = std::env::args_os().nth(1).unwrap_or_default();
    let subcommand = named.to_str().and_then(|name| command.find_subcommand_mut(name).cloned());
    let mut error = match subcommand {
        Some(subcommand) => subcommand.bin_name(format!("mailimport {}", named.display())),
        None => command,
    }
    .error(ErrorKind::ValueValidation, message);
    error = error.with_cmd(&Arguments::command());
    // Standard error may be closed; the exit status still says it.
    let _ = error.print();
    Exit::WrongUse.into()
}

/// A core dump would hold the password.
fn forbid_core_dumps() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        notice::notice(format_args!("Core dumps could not be switched off: {error}"));
    }
}
