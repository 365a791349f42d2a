//! Schemathesis, which makes calls up from an OpenAPI description and judges the answers.
//!
//! It lives in a Python environment of its own in the cache; nothing of the machine's Python changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{cache_directory, install, require, run, write_file};
use crate::{Doing, Result};

/// Debian's own: the one that the package python3-venv belongs to.
const PYTHON: &str = "/usr/bin/python3";

/// The program, and what decides which calls it makes up: with other versions another test would run.
const WANTED: &[&str] =
    &["schemathesis==4.32.5", "hypothesis==6.170.17", "hypothesis-graphql==0.13.5", "jsonschema_rs==0.60.3"];

fn directory() -> PathBuf {
    cache_directory().join("schemathesis")
}

/// Says what is there, once all of it is.
fn complete() -> PathBuf {
    directory().join("complete")
}

fn is_complete() -> bool {
    std::fs::read_to_string(complete()).is_ok_and(|there| there == WANTED.join("\n"))
}

/// The program; an error says how to get it.
pub fn program() -> Result<PathBuf> {
    require(if is_complete() { Path::new(PYTHON) } else { Path::new("schemathesis") })?;
    Ok(directory().join("bin/schemathesis"))
}

/// Fetches it from the Python package index that pip is configured for, when it is not there yet.
pub fn fetch() -> Result<()> {
    if is_complete() {
        return Ok(());
    }
    install(&["python3-venv"])?;
    let target = directory();
    if target.exists() {
        std::fs::remove_dir_all(&target).doing(|| format!("removing {}", target.display()))?;
    }
    run(Command::new(PYTHON).args(["-m", "venv"]).arg(&target))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(target.join("bin/pip")).args(pip).args(WANTED))?;
    write_file(&complete(), WANTED.join("\n"))
}
