//! Each invariant broken on purpose in a mailbox that is otherwise as it should be: a check that cannot fail shows
//! nothing.

use std::path::PathBuf;
use std::process::Command;

use crate::invariants::{Findings, Invariant, at_any_moment, at_the_end};
use crate::scene::{Scene, copy};
use testkit::factory::generated_hundreds;

/// A harm, what it does to the mailbox, and the invariant that has to notice.
type Control = (&'static str, fn(&Scene), Invariant);

const CONTROLS: [Control; 10] = [
    (
        "a message is cut short",
        |scene| std::fs::write(ours(scene), "Subject: cut\r\n").unwrap(),
        Invariant::Octets,
    ),
    ("a message is there twice", twice, Invariant::NothingDoubled),
    ("mail of others is gone", |scene| std::fs::remove_file(foreign(scene)).unwrap(), Invariant::ForeignMail),
    (
        "a recorded message is gone",
        |scene| std::fs::remove_file(ours(scene)).unwrap(),
        Invariant::LedgerIsTrue,
    ),
    ("a flag is gone", without_flags, Invariant::Equal),
    ("a message stands after its successors", last, Invariant::Equal),
    ("a file is left in tmp", litter, Invariant::NoLitter),
    (
        "a lock is left",
        |scene| std::fs::write(scene.root.join("left.lock"), "").unwrap(),
        Invariant::NoLitter,
    ),
    ("a delivered message is not recorded", |scene| forget(scene, false), Invariant::LedgerIsComplete),
    ("a message is neither there nor recorded", |scene| forget(scene, true), Invariant::SecondRun),
];

#[test]
fn each_invariant_notices_when_it_is_broken() {
    let mut scene = Scene::new(&generated_hundreds());
    scene.complete();
    at_the_end(&mut scene).assert_none(&"before any harm");
    let kept = scene.server.mail_home("kept");
    copy(&scene.root, &kept);
    for (harm, how, invariant) in CONTROLS {
        std::fs::remove_dir_all(&scene.root).unwrap();
        copy(&kept, &scene.root);
        how(&scene);
        let findings = findings(&mut scene, invariant);
        assert!(findings.has(invariant), "{harm}: {invariant:?} was not noticed, only {:#?}", findings.0);
    }
}

/// What Dovecot complains of stays in its log, so this comes alone.
#[test]
fn dovecot_notices_a_size_that_is_wrong() {
    let mut scene = Scene::new(&generated_hundreds());
    scene.complete();
    let path = ours(&scene);
    let name = path.file_name().unwrap().to_str().unwrap();
    let (head, rest) = name.split_once(",S=").unwrap();
    let wrong = format!("{head},S=7{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    std::fs::rename(&path, path.with_file_name(wrong)).unwrap();
    assert!(at_the_end(&mut scene).has(Invariant::Dovecot));
}

/// What never comes right again is looked for at once: a run would say why it cannot go on.
fn findings(scene: &mut Scene, invariant: Invariant) -> Findings {
    let findings = at_any_moment(scene);
    if findings.has(invariant) { findings } else { at_the_end(scene) }
}

/// A message in INBOX whose name ends so.
fn message(scene: &Scene, ours: bool, flagged: bool) -> PathBuf {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(scene.root.join("cur")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.contains(".mailimport") == ours && (!flagged || name.contains('S') && name.ends_with('S'))
    };
    paths.into_iter().find(is_wanted).unwrap()
}

fn ours(scene: &Scene) -> PathBuf {
    message(scene, true, false)
}

fn foreign(scene: &Scene) -> PathBuf {
    message(scene, false, false)
}

fn twice(scene: &Scene) {
    let path = ours(scene);
    std::fs::copy(&path, path.with_file_name("1999999999.M1.again:2,S")).unwrap();
}

fn without_flags(scene: &Scene) {
    let path = message(scene, true, true);
    let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches('S').to_owned();
    std::fs::rename(&path, path.with_file_name(name)).unwrap();
}

/// Dovecot numbers what it has never seen after everything else.
fn last(scene: &Scene) {
    let path = ours(scene);
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let (seconds, rest) = name.split_once('.').unwrap();
    let later = seconds.parse::<u64>().unwrap() + 1;
    std::fs::rename(&path, path.with_file_name(format!("{later}.{rest}"))).unwrap();
}

/// Of a kind that no import of ours takes for its own.
fn litter(scene: &Scene) {
    std::fs::write(scene.root.join("tmp/1.left"), "").unwrap();
}

fn forget(scene: &Scene, file_too: bool) {
    let path = ours(scene);
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let identity = name.split([',', ':']).next().unwrap();
    let question = format!("DELETE FROM message WHERE identity = '{identity}'");
    assert!(Command::new("sqlite3").arg(scene.ledger()).arg(question).status().unwrap().success());
    if file_too {
        std::fs::remove_file(path).unwrap();
    }
}
