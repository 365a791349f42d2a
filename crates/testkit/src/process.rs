//! Starts servers so that they end with the test: when the handle is dropped, when the test panics, and
//! when the test process is killed.
//!
//! A shell holds the server and reads a pipe from the test. When the pipe closes, for whatever reason,
//! the shell kills all it started. It must never rely on a destructor being run.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Doing, Error, Result};

/// How the server's processes are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A process group, killed as a whole. Process ids are the machine's, which Dovecot needs: it breaks
    /// the lock files of processes that it cannot see.
    Group,
    /// An own PID and mount namespace (needs CAP_SYS_ADMIN): catches daemons that leave their group and
    /// lets the script mount over paths compiled into a server.
    Namespace,
}

/// A running server.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Process {
    /// Runs the shell script `script`, which starts its servers in the background and leaves the process
    /// id of the main one in `$MAIN`. Standard output and error go to `log`.
    pub fn start(isolation: Isolation, script: &str, log: &Path) -> Result<Self> {
        let wait =
            "read -r how; if [ \"$how\" = stop ] && [ -n \"$MAIN\" ]; then kill -TERM $MAIN; wait $MAIN; fi";
        // Dovecot and Cyrus make a group of their own, led by the main process.
        let kill = "kill -9 -- -$MAIN; kill -9 $MAIN; kill -9 -- -$$";
        let (mut command, script) = match isolation {
            Isolation::Group => (Command::new("sh"), format!("{script}\n{wait}\n{kill}")),
            Isolation::Namespace => {
                let mut command = Command::new("unshare");
                command.args(["-mp", "--fork", "--kill-child", "--mount-proc", "sh"]);
                (command, format!("{script}\n{wait}"))
            }
        };
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .doing(|| format!("opening {}", log.display()))?;
        let err = out.try_clone().doing(|| "sharing the log".to_owned())?;
        let mut child = command
            .args(["-c", &script])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .spawn()
            .doing(|| "starting a shell".to_owned())?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Whether namespaces can be made here.
    #[must_use]
    pub fn can_isolate() -> bool {
        // CAP_SYS_ADMIN is bit 21 (linux/capability.h).
        std::fs::read_to_string("/proc/self/status")
            .ok()
            .and_then(|status| {
                let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?.trim().to_owned();
                u64::from_str_radix(&line, 16).ok()
            })
            .is_some_and(|capabilities| capabilities & (1 << 21) != 0)
    }

    /// Asks the main process to end in good order and waits for it, ten seconds at most.
    pub fn stop(mut self) {
        if let Some(pipe) = self.pipe.as_mut() {
            // A pipe that is closed already means that the shell is gone: nothing left to ask.
            let _ = pipe.write_all(b"stop\n");
        }
        self.wait(Duration::from_secs(10));
    }

    /// Whether the shell that holds the servers is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn wait(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if !self.is_running() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.pipe.take());
        self.wait(Duration::from_secs(10));
        // After ten seconds the shell itself hangs; there is nothing better to do than to kill it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `N` loopback ports that were free a moment ago. Another process may take one before the server does:
/// callers try again.
pub fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").doing(|| "looking for a free port".to_owned())?;
        *port = listener.local_addr().doing(|| "looking for a free port".to_owned())?;
        held.push(listener);
    }
    Ok(ports)
}

/// Waits until `addr` greets with `* OK`, ten seconds at most.
pub(crate) fn await_greeting(
    server: &'static str,
    addr: SocketAddr,
    process: &mut Process,
    log: impl Fn() -> String,
) -> Result<()> {
    use std::io::Read;
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end && process.is_running() {
        if log().contains("ddress already in use") {
            break;
        }
        if let Ok(mut stream) = std::net::TcpStream::connect_timeout(&addr, Duration::from_secs(1)) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            let mut start = [0_u8; 4];
            if stream.read_exact(&mut start).is_ok() && &start == b"* OK" {
                return Ok(());
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let log = log();
    let tail = log.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
    Err(Error::NotReady { server, log: log.get(tail..).unwrap_or_default().to_owned() })
}
