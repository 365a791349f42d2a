//! `cargo xtask`: what a person or CI runs.
//!
//! `test` is the whole check of a change; `crash` does more of what hurts, `fuzz` looks for input that a parser does not
//! stand; `bench` and `scale` measure how fast it is; `demo` shows the product at work on this machine. All of them may install Debian packages, and say so first;
//! nothing else outside the target and cache directories is changed.

mod bench;
mod crash;
mod demo;
mod fuzz;
mod scale;
mod step;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// What can be asked for.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Task {
    /// Moves three mailboxes between two private mail servers and shows that nothing is missing.
    Demo(demo::Options),
    /// Measures how fast it is, in turn with a floor and with other programs.
    Bench(bench::Options),
    /// Measures what an import costs as mailboxes grow to a million messages.
    Scale(scale::Options),
    /// The floor of the benchmark, which runs it as a program of its own.
    #[command(hide = true)]
    Floor(bench::floor::Options),
    /// Kills imports and takes disk and power from them, again and again, and shows that nothing is lost or doubled.
    Crash(crash::Options),
    /// Feeds made-up input to every parser of what comes from outside.
    Fuzz(fuzz::Options),
    /// Checks everything: format, lints, documentation, licences, half a minute of fuzzing each parser, all tests.
    Test,
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Demo(options) => demo::run(&options),
        Task::Bench(options) => bench::run_all(&options),
        Task::Scale(options) => scale::run(&options),
        Task::Floor(options) => bench::floor::run(&options),
        Task::Crash(options) => crash::run_all(&options),
        Task::Fuzz(options) => fuzz::run_targets(&options),
        Task::Test => test::run_all(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}
