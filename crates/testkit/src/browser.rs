//! A private headless Chromium behind its driver: what a customer sees.
//!
//! It runs in a directory of its own and speaks to loopback only. Each session that a test opens has a fresh profile.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Isolation, Process};
use crate::server::{cache_directory, install, require, run, short_directory};
use crate::{Doing, Error, Result};

/// Debian's names.
const DRIVER: &str = "/usr/bin/chromedriver";
const CHROMIUM: &str = "/usr/bin/chromium";

/// The version of axe-core.
const AXE: &str = "4.14.1";

/// How long the driver may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running driver; it and its browsers end when this is dropped.
#[derive(Debug)]
pub struct Browser {
    process: Option<Process>,
    port: u16,
    profiles: AtomicU32,
    directory: TempDir,
}

impl Browser {
    /// Starts the driver and waits until it says on which port.
    pub fn start() -> Result<Self> {
        require(Path::new(DRIVER))?;
        require(Path::new(CHROMIUM))?;
        let directory = short_directory()?;
        let at = directory.path().display();
        // A session of its own, so that the browsers end with it.
        let script = format!(
            "export HOME={at} TMPDIR={at} XDG_CONFIG_HOME={at} XDG_CACHE_HOME={at}\n\
             setsid {DRIVER} --port=0 & MAIN=$!"
        );
        let log = directory.path().join("log");
        let isolation = if Process::can_isolate() { Isolation::Namespace } else { Isolation::Group };
        let process = Process::start(isolation, &script, &log)?;
        let begun = Instant::now();
        let port = loop {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(port) = port_in(&said) {
                break port;
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::NotReady { server: "chromedriver", log: said });
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Ok(Self { process: Some(process), port, profiles: AtomicU32::new(0), directory })
    }

    /// Where the driver listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The arguments of a new browser with a window of this size, in pixels.
    #[must_use]
    pub fn arguments(&self, width: u32, height: u32) -> Vec<String> {
        let number = self.profiles.fetch_add(1, Ordering::Relaxed);
        let profile = self.directory.path().join(format!("profile{number}"));
        let mut arguments: Vec<String> = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Nothing but loopback is ever looked up.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!("--user-data-dir={}", profile.display()));
        arguments
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Before the directory in which its browsers write.
        self.process = None;
    }
}

/// Where `axe.min.js` lies: the rules of axe-core, which finds barriers for people who cannot see, hear or point.
#[must_use]
pub fn axe() -> PathBuf {
    cache_directory().join("axe-core/package/axe.min.js")
}

/// Fetches axe-core from the npm registry into the cache, when it is not there yet.
pub fn fetch_axe() -> Result<()> {
    if axe().is_file() {
        return Ok(());
    }
    let target = cache_directory().join("axe-core");
    std::fs::create_dir_all(&target).doing(|| format!("creating {}", target.display()))?;
    if Command::new("npm").arg("--version").output().is_err() {
        install(&["npm"])?;
    }
    run(Command::new("npm").args(["pack", "--silent", &format!("axe-core@{AXE}")]).current_dir(&target))?;
    let archive = target.join(format!("axe-core-{AXE}.tgz"));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&target))
}

/// "ChromeDriver was started successfully on port N."
fn port_in(said: &str) -> Option<u16> {
    let (_, rest) = said.split_once("successfully on port ")?;
    let (digits, _) = rest.split_once('.')?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_once_the_driver_has_said_it_whole() {
        assert_eq!(port_in("Starting ChromeDriver 156\nChromeDriver was started success"), None);
        assert_eq!(port_in("ChromeDriver was started successfully on port 45"), None);
        assert_eq!(port_in("ChromeDriver was started successfully on port 4567.\n"), Some(4567));
    }
}
