//! Ctrl-C in the demo: the first asks everything to end in good order, the second ends at once.
//!
//! The servers end in either case: they hang on a pipe of this process.

use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::step::Failure;

/// A shell's convention for a command that SIGINT ended: 128 + 2.
const AT_ONCE: i32 = 130;
/// How often is looked whether a child has ended or Ctrl-C was pressed.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a child that was asked to end may take.
const GRACE: Duration = Duration::from_secs(15);

/// Knows whether the demo was asked to end.
#[derive(Debug, Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order, so that the first signal does not end the process.
            signal_hook::flag::register_conditional_shutdown(signal, AT_ONCE, Arc::clone(&asked))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| format!("listening for Ctrl-C: {error}"))?;
        }
        Ok(Self(asked))
    }

    /// Fails once the demo was asked to end.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.is_set() { Err("Stopped before the end.".to_owned()) } else { Ok(()) }
    }

    /// Waits until the demo is asked to end.
    pub(super) fn wait(&self) {
        while !self.is_set() {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Starts a program in a process group of its own, so that Ctrl-C on a terminal reaches it once only: from
    /// [`Interrupt::ended`].
    pub(super) fn start(&self, command: &mut Command) -> Result<Child, Failure> {
        use std::os::unix::process::CommandExt;
        self.check()?;
        command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))
    }

    /// Waits for a child of [`Interrupt::start`]; when the demo is asked to end meanwhile, so is the child.
    pub(super) fn ended(&self, child: &mut Child) -> Result<ExitStatus, Failure> {
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return self.check().map(|()| status);
            }
            match asked {
                None if self.is_set() => {
                    asked = Some(Instant::now());
                    // It may have ended by itself just now.
                    let _ = kill_process_group(Pid::from_child(child), Signal::INT);
                }
                Some(since) if since.elapsed() > GRACE => {
                    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                }
                _ => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
