//! Power that fails: the process stops, the disk keeps what it was given, everything else is gone.
//!
//! Not shown: a disk that says it has written what is in its cache only.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::device::{Disk, in_own_namespace, run};
use crate::invariants::{Findings, Invariant, Ledger, at_any_moment, at_the_end, forgotten};
use crate::scene::{Scene, iterations, open_directory};
use testkit::factory::generated_hundreds;
use testkit::random::Random;

/// How often a control may try to meet the moment at which the harm shows.
const CONTROL_TRIES: u32 = 25;

#[test]
fn at_random_moments() {
    in_own_namespace("power::inside_at_random_moments");
}

#[test]
fn control_without_sync_messages_are_lost() {
    in_own_namespace("power::inside_control_without_sync_messages_are_lost");
}

#[test]
fn control_without_a_synchronous_ledger_it_forgets() {
    in_own_namespace("power::inside_control_without_a_synchronous_ledger_it_forgets");
}

#[test]
#[ignore = "runs in a mount namespace of its own"]
fn inside_at_random_moments() {
    let mut random = Random::seeded();
    let rounds = iterations().div_ceil(4);
    let mut met = 0;
    for round in 0..rounds {
        let mut failure = Failure::new();
        if round % 2 == 1 {
            failure.kill_one_before(&mut random);
        }
        met += u32::from(failure.strike(&mut random, &[]));
        failure.findings().assert_none(&format_args!("power came back in round {round}"));
        failure.scene.complete();
        at_the_end(&mut failure.scene).assert_none(&format_args!("complete after round {round}"));
    }
    eprintln!("power failed {rounds} times, {met} of them while the import was at work");
    assert!(met > 0);
}

/// Everything but the messages' own octets is brought to the disk: what a program does that renames before it syncs.
#[test]
#[ignore = "runs in a mount namespace of its own"]
fn inside_control_without_sync_messages_are_lost() {
    expect_harm(Invariant::Octets, |_| without("syncfs"));
}

/// The write-ahead log is not brought to the disk at each commit: `PRAGMA synchronous = NORMAL`.
#[test]
#[ignore = "runs in a mount namespace of its own"]
fn inside_control_without_a_synchronous_ledger_it_forgets() {
    expect_harm(Invariant::NothingForgotten, |root| {
        let log = format!("{}-wal", root.join("mailimport-ledger.db").display());
        without("fsync").into_iter().chain(["-P".to_owned(), log]).collect()
    });
}

/// `strace` that answers these calls with success and does not make them.
fn without(call: &str) -> Vec<String> {
    let inject = format!("inject={call}:retval=0");
    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]
        .map(str::to_owned)
        .to_vec()
}

fn expect_harm(invariant: Invariant, around: impl Fn(&Path) -> Vec<String>) {
    let mut random = Random::seeded();
    for attempt in 1..=CONTROL_TRIES {
        let mut failure = Failure::new();
        let around = around(&failure.scene.root);
        failure.strike(&mut random, &around);
        let findings = failure.findings();
        if findings.has(invariant) {
            eprintln!("attempt {attempt}: {:?}", findings.0.first());
            return;
        }
    }
    panic!("{invariant:?} was never broken, although the program was");
}

/// A disk with an import on it that power is taken from.
struct Failure {
    scene: Scene,
    disk: Disk,
    /// What the ledger said before.
    recorded: Vec<String>,
    _directory: tempfile::TempDir,
}

impl Failure {
    fn new() -> Failure {
        let directory = open_directory();
        let disk = Disk::new(directory.path(), 96);
        let scene = Scene::at(&generated_hundreds(), &disk.path().join("Maildir"));
        // Foreign mail has been there for long.
        run("sync", &["-f", disk.path().to_str().unwrap()]);
        Failure { scene, disk, recorded: Vec::new(), _directory: directory }
    }

    /// An import that dies: what it has left is found by the next one, and has to outlive the power all the same.
    fn kill_one_before(&self, random: &mut Random) {
        let mut child = self.scene.spawn();
        std::thread::sleep(Duration::from_millis(300 + random.below(1_000)));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Whether the import was still at work.
    fn strike(&mut self, random: &mut Random, around: &[String]) -> bool {
        self.scene.around = around.to_vec();
        let mut child = self.scene.spawn();
        let until = Instant::now() + Duration::from_millis(300 + random.below(2_500));
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let importer = importer(&child, !around.is_empty());
        let at_work = importer.is_some_and(stop);
        self.recorded = Ledger::copy(&self.scene.ledger()).imported();
        let copy = self.disk.copy_as_it_is();
        if let Some(pid) = importer {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = child.kill();
        child.wait().unwrap();
        self.disk.power_again(&copy);
        at_work
    }

    fn findings(&self) -> Findings {
        let mut findings = at_any_moment(&self.scene);
        findings.0.extend(forgotten(&self.recorded, &self.scene).0);
        findings
    }
}

/// The process that imports: the child itself, or `strace`'s.
fn importer(child: &Child, traced: bool) -> Option<Pid> {
    if !traced {
        return Pid::from_raw(i32::try_from(child.id()).unwrap());
    }
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

/// Stops all threads of a process; `false` when it has ended.
fn stop(pid: Pid) -> bool {
    if kill_process(pid, Signal::STOP).is_err() {
        return false;
    }
    let tasks = format!("/proc/{}/task", pid.as_raw_nonzero());
    loop {
        let states: Vec<char> = std::fs::read_dir(&tasks)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|task| {
                let text = std::fs::read_to_string(task.path().join("stat")).ok()?;
                text.rsplit_once(") ")?.1.chars().next()
            })
            .collect();
        if states.is_empty() || states.contains(&'Z') {
            return false;
        }
        if states.iter().all(|state| matches!(state, 'T' | 't')) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
