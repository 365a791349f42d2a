//! `cargo xtask test`: everything that must hold before a change is merged, cheapest first.
//!
//! The output ends with the tests' summary: nextest's own, or a line `N passed, N failed`.

use crate::fuzz;
use crate::step::{Failure, announce, cargo, has_subcommand, run, run_watched, step};

/// Runs all steps; ends at the first that fails.
pub(crate) fn run_all() -> Result<(), Failure> {
    step("install what the tests need", install)?;
    step("format", || run(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("lints", || {
        run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    step("documentation", || {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("licences, bans and sources of dependencies", || {
        if has_subcommand("deny") {
            return run(&mut cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"]));
        }
        eprintln!("   cargo-deny is not installed; left out (cargo install --locked cargo-deny)");
        Ok(())
    })?;
    step("documentation tests", || {
        run(&mut cargo(&["test", "--workspace", "--doc", "--locked", "--quiet"]))
    })?;
    fuzz::run_targets(&fuzz::Options::all_for(fuzz::IN_TEST))?;
    tests()
}

pub(crate) fn install() -> Result<(), Failure> {
    let missing = testkit::server::missing_packages(testkit::server::required_packages());
    if !missing.is_empty() {
        eprintln!("   installing the Debian packages {}", missing.join(", "));
    }
    testkit::server::install_missing().map_err(|error| error.to_string())?;
    testkit::factory::fetch_corpus().map_err(|error| error.to_string())?;
    testkit::browser::fetch_axe().map_err(|error| error.to_string())?;
    testkit::schemathesis::fetch().map_err(|error| error.to_string())
}

/// The tests come last and nothing is printed after their summary.
fn tests() -> Result<(), Failure> {
    announce("tests");
    if has_subcommand("nextest") {
        let outcome = run(&mut cargo(&["nextest", "run", "--workspace", "--locked"]));
        return outcome.map_err(|_| Failure::new());
    }
    eprintln!("   cargo-nextest is not installed; using cargo test (cargo install --locked cargo-nextest)");
    let mut sum = Sum::default();
    let mut command = cargo(&["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"]);
    let outcome = run_watched(&mut command, |line| sum.add(line));
    println!("{} passed, {} failed", sum.passed, sum.failed);
    outcome.map_err(|_| Failure::new())
}

/// What the test programs said at their ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    passed: u64,
    failed: u64,
}

impl Sum {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn test_programs_results_are_added_up() {
        let mut sum = Sum::default();
        sum.add("running 3 tests");
        sum.add(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        sum.add("test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        assert_eq!(sum, Sum { passed: 7, failed: 2 });
    }
}
