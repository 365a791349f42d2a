//! `kill -9` at random moments, with nobody in the mailbox and with a client that is busy in it.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use testkit::server::ImapServer;

use crate::client::Busy;
use crate::invariants::{at_any_moment, at_the_end};
use crate::scene::{Scene, iterations};
use testkit::factory::generated_hundreds;
use testkit::random::Random;

/// Kills in one mailbox before the import is let to its end.
const KILLS: u64 = 6;

#[test]
fn at_random_moments() {
    harm(iterations().div_ceil(2), false);
}

#[test]
fn at_random_moments_while_a_client_is_busy() {
    harm(iterations().div_ceil(2), true);
}

fn harm(kills: u64, busy: bool) {
    let mut random = Random::seeded();
    let account = generated_hundreds();
    let (mut met, mut rounds) = (0, 0);
    while met < kills {
        let mut scene = Scene::new(&account);
        for _ in 0..KILLS.min(kills - met) {
            let client = busy.then(|| Busy::start(scene.server.plain()));
            met += u64::from(kill_at_random(&scene, &mut random, account.messages()));
            rounds += 1;
            // What it renames meanwhile would be missed by whoever reads the directory.
            client.into_iter().for_each(Busy::finish);
            at_any_moment(&scene).assert_none(&format_args!("after {rounds} rounds"));
            assert!(rounds < 10 * kills, "nearly every import ended before it was killed");
        }
        let client = busy.then(|| Busy::start(scene.server.plain()));
        scene.complete();
        client.into_iter().for_each(Busy::finish);
        at_the_end(&mut scene).assert_none(&format_args!("complete after {rounds} rounds"));
    }
    eprintln!("{met} kills in {rounds} rounds, busy client: {busy}");
}

/// The moment is the arrival of the n-th file, or so many milliseconds. Whether the import was still at work.
fn kill_at_random(scene: &Scene, random: &mut Random, messages: usize) -> bool {
    let mut child = scene.spawn();
    let enough = files_in_inbox(scene) + random.below(2 + messages as u64 / 8);
    let by_file = random.below(2) == 0;
    let deadline = Instant::now() + Duration::from_millis(20 + random.below(1_200));
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        if by_file && files_in_inbox(scene) > enough {
            break;
        }
    }
    let at_work = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.signal() == Some(9) || output.status.success(), "{}: {report}", output.status);
    at_work
}

fn files_in_inbox(scene: &Scene) -> u64 {
    std::fs::read_dir(scene.root.join("cur")).map_or(0, |entries| entries.count() as u64)
}
