//! Told to stop, a clock that jumps, a ledger that somebody else locks, and a second import into the same mailbox.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::invariants::{at_any_moment, at_the_end};
use crate::scene::{Ended, Scene};
use testkit::factory::generated_hundreds;

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Messages in INBOX that the import has brought.
fn brought(scene: &Scene) -> usize {
    scene.files().iter().filter(|file| file.base.ends_with(".mailimport")).count()
}

/// Waits until the import has brought its first messages.
fn under_way(scene: &Scene, child: &mut Child) {
    while brought(scene) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
    }
}

#[test]
fn told_to_stop_it_ends_with_5_and_a_true_report_and_goes_on() {
    for order in [Signal::INT, Signal::TERM] {
        let mut scene = Scene::new(&generated_hundreds());
        let messages = scene.source_files().len();
        let mut child = scene.spawn();
        under_way(&scene, &mut child);
        signal(&child, order);
        let ended = Ended::of(child);
        let there = brought(&scene);
        assert_eq!(ended.report["totals"]["imported"].as_u64(), Some(there as u64), "{:#}", ended.report);
        assert_eq!((ended.code, ended.class()), (Some(5), Some("interrupted")), "{:#}", ended.report);
        at_any_moment(&scene).assert_none(&"stopped");
        let second = scene.complete();
        assert_eq!(second["totals"]["imported"].as_u64(), Some((messages - there) as u64));
        at_the_end(&mut scene).assert_none(&"stopped and gone on");
    }
}

/// Jumps a year ahead and ten years back again and again while it imports; only the time of day, as a clock that is set.
#[test]
fn a_clock_that_jumps_changes_nothing() {
    let mut scene = Scene::new(&generated_hundreds());
    let clock = scene.server.mail_home("clock");
    std::fs::write(&clock, "+0").unwrap();
    let mut command = scene.command();
    let library = Command::new("dpkg").args(["-L", "libfaketime"]).output().unwrap();
    let library = String::from_utf8(library.stdout).unwrap();
    let library = library.lines().find(|line| line.ends_with("/libfaketime.so.1")).unwrap();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut child = command.spawn().unwrap();
    let mut jumps = 0;
    while child.try_wait().unwrap().is_none() {
        let to = if jumps % 2 == 0 { "+365d" } else { "-3650d" };
        // Renamed, so that no half of it is read.
        let aside = clock.with_extension("new");
        std::fs::write(&aside, to).unwrap();
        std::fs::rename(&aside, &clock).unwrap();
        jumps += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(jumps > 5, "{jumps} jumps");
    let ended = Ended::of(child);
    assert_eq!((ended.code, ended.report["verdict"].as_str()), (Some(0), Some("complete")));
    // The clock did jump: the report's own times say so.
    let year = |key: &str| ended.report[key].as_str().and_then(|time| time.get(..4)).unwrap().to_owned();
    let (began, finished) = (year("started_at"), year("finished_at"));
    eprintln!("{jumps} jumps; began in {began}, finished in {finished}");
    assert!(began != finished || began != jiff::Zoned::now().year().to_string(), "no jump was seen");
    at_the_end(&mut scene).assert_none(&"the clock jumped");
}

/// SQLite's shell, which holds the ledger's lock until it is told to let go.
struct Locked(Child);

impl Locked {
    fn take(scene: &Scene) -> Locked {
        let mut shell = Command::new("sqlite3")
            .arg("-batch")
            .arg(scene.ledger())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = shell.stdin.as_mut().unwrap();
        input.write_all(b".timeout 20000\nBEGIN IMMEDIATE;\nSELECT 'locked';\n").unwrap();
        input.flush().unwrap();
        let mut said = [0; 6];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut said).unwrap();
        assert_eq!(&said, b"locked");
        Locked(shell)
    }

    fn release(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn a_ledger_that_is_locked_for_thirty_seconds_is_waited_for() {
    let mut scene = Scene::new(&generated_hundreds());
    let mut child = scene.spawn();
    under_way(&scene, &mut child);
    let locked = Locked::take(&scene);
    let since = Instant::now();
    let there = brought(&scene);
    while since.elapsed() < Duration::from_secs(30) {
        assert!(child.try_wait().unwrap().is_none(), "it did not wait: {:#}", Ended::of(child).report);
        std::thread::sleep(Duration::from_millis(200));
    }
    at_any_moment(&scene).assert_none(&"locked");
    locked.release();
    let ended = Ended::of(child);
    assert_eq!(
        (ended.code, ended.report["verdict"].as_str()),
        (Some(0), Some("complete")),
        "{:#}",
        ended.report
    );
    eprintln!("{there} messages were there when the ledger was locked");
    at_the_end(&mut scene).assert_none(&"locked and released");
}

#[test]
fn a_second_import_into_the_same_mailbox_says_so_and_stops() {
    let mut scene = Scene::new(&generated_hundreds());
    let mut first = scene.spawn();
    under_way(&scene, &mut first);
    signal(&first, Signal::STOP);
    let second = scene.import();
    assert_eq!(second.code, Some(4), "{:#}", second.report);
    let sentence = second.report["error"]["message"].as_str().unwrap_or_default().to_owned();
    eprintln!("{sentence}");
    assert!(sentence.contains("another import") || sentence.contains("Another import"), "{sentence}");
    signal(&first, Signal::CONT);
    let ended = Ended::of(first);
    assert_eq!((ended.code, ended.report["verdict"].as_str()), (Some(0), Some("complete")));
    at_the_end(&mut scene).assert_none(&"two imports");
}

#[test]
fn eight_imports_at_once_double_nothing() {
    let mut scene = Scene::new(&generated_hundreds());
    let ends: Vec<Ended> =
        (0..8).map(|_| scene.spawn()).collect::<Vec<_>>().into_iter().map(Ended::of).collect();
    for ended in &ends {
        assert!(matches!(ended.code, Some(0 | 4)), "{:#}", ended.report);
    }
    assert!(ends.iter().any(|ended| ended.code == Some(0)));
    at_any_moment(&scene).assert_none(&"eight imports");
    at_the_end(&mut scene).assert_none(&"eight imports");
}
