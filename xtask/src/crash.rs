//! `cargo xtask crash`: imports killed, cut off from disk and power again and again; more often than the tests do it.

use clap::Args;

use crate::step::{Failure, cargo, has_subcommand, run, step};
use crate::test;

/// How often, and with which chance.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Kills at random moments; power fails a quarter as often
    #[arg(long, value_name = "N", default_value_t = 500)]
    iterations: u32,
    /// Repeats the moments of an earlier run, which printed this as MAILIMPORT_SEED
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs the crash tests of the program; their figures are printed at the end.
pub(crate) fn run_all(options: &Options) -> Result<(), Failure> {
    if !has_subcommand("nextest") {
        return Err("cargo-nextest is not installed (cargo install --locked cargo-nextest)".to_owned());
    }
    step("install what the tests need", test::install)?;
    step("crash", || {
        let mut command = cargo(&["nextest", "run", "--workspace", "--locked", "--profile", "crash"]);
        command.args(["-E", "package(mailimport) & binary(crash)"]);
        command.env("MAILIMPORT_CRASH_ITERATIONS", options.iterations.to_string());
        if let Some(seed) = options.seed {
            command.env("MAILIMPORT_SEED", seed.to_string());
        }
        run(&mut command)
    })
}
