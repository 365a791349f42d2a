//! `cargo xtask fuzz`: every parser of what comes from outside, on made-up input that follows the code's own branches.
//!
//! libFuzzer, as cargo-fuzz runs it, but on the stable compiler: the passes that count branches are ordinary LLVM ones.
//! Only the address sanitizer would need a nightly one, and there is no `unsafe` here for it to watch. Inputs that were
//! found stay beside the build and are where the next run begins; `fuzz/corpus` changes by hand alone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

use crate::step::{Failure, announce, cargo, root, run, step};

/// What is fuzzed: the binaries of `fuzz/`, each with its committed inputs in `fuzz/corpus`.
const TARGETS: [&str; 7] = ["tokenizer", "response", "framing", "utf7", "folders", "csv", "report"];

/// Seconds for each target in `cargo xtask test`.
pub(crate) const IN_TEST: u32 = 30;

/// Counters on branches, and the values that comparisons look for.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// How to fuzz.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds for each target.
    #[arg(long, default_value_t = IN_TEST)]
    seconds: u32,
    /// Only this target; may be repeated.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    target: Vec<String>,
    /// Targets that run side by side.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Runs the one target on this file only, as after a finding.
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with = "minimise")]
    input: Option<PathBuf>,
    /// Removes the committed inputs that reach nothing which no other reaches.
    #[arg(long)]
    minimise: bool,
}

impl Options {
    /// All targets, for so long.
    pub(crate) fn all_for(seconds: u32) -> Options {
        Options { seconds, target: Vec::new(), jobs: 2, input: None, minimise: false }
    }
}

/// Builds the targets and runs those that are asked for.
pub(crate) fn run_targets(options: &Options) -> Result<(), Failure> {
    let fuzzer = Fuzzer { target_directory: target_directory(), host: host()? };
    step("build the fuzz targets", || fuzzer.build())?;
    let chosen =
        |target: &&str| options.target.is_empty() || options.target.iter().any(|name| name == target);
    let targets: Vec<&'static str> = TARGETS.into_iter().filter(chosen).collect();
    if let (Some(input), [target]) = (&options.input, targets.as_slice()) {
        return run(fuzzer
            .program(target)
            .arg(std::path::absolute(input).map_err(|error| error.to_string())?));
    }
    if options.minimise {
        return targets.iter().try_for_each(|target| fuzzer.minimise(target));
    }
    announce(&format!("fuzzing {} targets, {} s each", targets.len(), options.seconds));
    let (waiting, findings) = (Mutex::new(targets.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let Some(target) = lock(&waiting).next() else { return };
                    match fuzzer.fuzz(target, options.seconds) {
                        Ok(said) => eprintln!("   {target}: {said}"),
                        Err(finding) => lock(&findings).push(finding),
                    }
                }
            });
        }
    });
    let findings = std::mem::take(&mut *lock(&findings));
    if findings.is_empty() { Ok(()) } else { Err(findings.join("\n\n")) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Installs the C++ compiler, which libFuzzer is built with.
pub(crate) fn install_compiler() -> Result<(), Failure> {
    let is_there = |name: &str| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if std::env::var_os("CXX").is_some() || is_there("c++") {
        return Ok(());
    }
    testkit::server::install(&["g++"]).map_err(|error| error.to_string())
}

struct Fuzzer {
    target_directory: PathBuf,
    host: String,
}

/// Beside everything else that is built, so that what keeps that keeps this.
fn target_directory() -> PathBuf {
    let own = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let built = own("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path));
    built.join("fuzz")
}

/// With a target named, flags are for it alone and not for build scripts and macros.
fn host() -> Result<String, Failure> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let output = rustc.arg("-vV").output().map_err(|error| format!("{rustc:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it compiles for".to_owned())
}

impl Fuzzer {
    fn build(&self) -> Result<(), Failure> {
        install_compiler()?;
        let mut build =
            cargo(&["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--locked", "--bins"]);
        build.args(["--quiet", "--target", &self.host, "--target-dir"]).arg(&self.target_directory);
        run(build.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}")))
    }

    fn place(&self, kind: &str, target: &str) -> Result<PathBuf, Failure> {
        let place = self.target_directory.join(kind).join(target);
        std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        Ok(place)
    }

    fn program(&self, target: &str) -> Command {
        let mut program = Command::new(self.target_directory.join(&self.host).join("release").join(target));
        // An input that takes ten seconds or two gigabytes is a finding too.
        program.current_dir(&self.target_directory).args(["-timeout=10", "-rss_limit_mb=2048"]);
        program
    }

    /// What to tell of a run without a finding; else where the finding is.
    fn fuzz(&self, target: &str, seconds: u32) -> Result<String, Failure> {
        let (found, artifacts) = (self.place("found", target)?, self.place("artifacts", target)?);
        let log = self.place("logs", "")?.join(format!("{target}.log"));
        let file = std::fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        let mut program = self.program(target);
        program.arg(format!("-max_total_time={seconds}")).args(["-max_len=4096", "-print_final_stats=1"]);
        program.arg(format!("-artifact_prefix={}/", artifacts.display()));
        let words = root().join("fuzz/words.dict");
        program.arg(format!("-dict={}", words.display()));
        program.args([&found, &committed(target)]).stdin(Stdio::null()).stdout(file).stderr(errors);
        let status = program.status().map_err(|error| format!("{program:?}: {error}"))?;
        let said = std::fs::read(&log).map(|octets| String::from_utf8_lossy(&octets).into_owned());
        conclusion(target, status, &said.unwrap_or_default(), &log)
    }

    /// Keeps the fewest committed inputs, under their names.
    fn minimise(&self, target: &str) -> Result<(), Failure> {
        let fewest = self.place("fewest", target)?;
        let named = |error: std::io::Error| format!("{target}: {error}");
        std::fs::remove_dir_all(&fewest).and_then(|()| std::fs::create_dir(&fewest)).map_err(named)?;
        let committed = committed(target);
        run(self.program(target).args(["-merge=1", "-max_len=65536"]).args([&fewest, &committed]))?;
        let needed: HashSet<Vec<u8>> =
            files(&fewest)?.iter().map(std::fs::read).collect::<Result<_, _>>().map_err(named)?;
        for input in files(&committed)? {
            // What was found and mended stays, whatever else reaches the same branches by now.
            let is_regression =
                input.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"regression-"));
            if !is_regression && !needed.contains(&std::fs::read(&input).map_err(named)?) {
                std::fs::remove_file(&input).map_err(named)?;
            }
        }
        Ok(())
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let named = |error: std::io::Error| format!("{}: {error}", directory.display());
    let entries = std::fs::read_dir(directory).map_err(named)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(named)).collect()
}

fn committed(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

fn conclusion(target: &str, status: ExitStatus, said: &str, log: &Path) -> Result<String, Failure> {
    let value =
        |name: &str| said.lines().rev().find_map(|line| line.split_once(name)).map(|(_, value)| value.trim());
    if status.success() {
        let runs = value("stat::number_of_executed_units:").unwrap_or("no");
        return Ok(format!("{runs} inputs, no finding"));
    }
    let why = said.lines().find(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"));
    let why = why.unwrap_or("it ended with an error");
    let written = value("Test unit written to ");
    let again = written.map_or(String::new(), |file| {
        format!("\n  input: {file}\n  again: cargo xtask fuzz --target {target} --input {file}")
    });
    Err(format!("{target}: {why} ({status})\n  log: {}{again}", log.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_finding_is_told_with_its_input_and_the_way_to_see_it_again() {
        let log = Path::new("utf7.log");
        let fine = "#2 DONE\nstat::number_of_executed_units: 4711\nstat::peak_rss_mb: 40\n";
        assert_eq!(
            conclusion("utf7", ExitStatus::from_raw(0), fine, log).unwrap(),
            "4711 inputs, no finding"
        );
        let broken = "#9 NEW\nthread '<unnamed>' panicked at check.rs:9:5:\nboom\n==1== ERROR: libFuzzer: deadly signal\n\
                      artifact_prefix='x/'; Test unit written to x/crash-1\n";
        let told = conclusion("utf7", ExitStatus::from_raw(77 << 8), broken, log).unwrap_err();
        for part in [
            "utf7: thread",
            "panicked at check.rs:9:5",
            "input: x/crash-1",
            "--target utf7 --input x/crash-1",
        ] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn every_target_is_built_and_has_inputs() {
        let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let built: Vec<&str> =
            manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")).collect();
        assert_eq!(built.len(), TARGETS.len());
        for target in TARGETS {
            assert!(built.contains(&format!("{target}.rs\"").as_str()), "{target}");
            let files: Vec<_> = std::fs::read_dir(committed(target)).unwrap().flatten().collect();
            let octets: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
            assert!(
                (10..200).contains(&files.len()) && octets < 300_000,
                "{target}: {} files, {octets}",
                files.len()
            );
        }
    }
}
