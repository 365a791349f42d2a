//! A disk that is full, and one that fails.

use std::path::Path;

use crate::device::{Disk, in_own_namespace, run};
use crate::invariants::{at_any_moment, at_the_end};
use crate::scene::{Ended, Scene, open_directory};
use testkit::factory::generated_hundreds;

#[test]
fn full_it_is_told_and_goes_on_when_there_is_room() {
    in_own_namespace("disk::inside_full_it_is_told_and_goes_on_when_there_is_room");
}

#[test]
fn failing_it_is_told_and_goes_on_when_it_is_mended() {
    in_own_namespace("disk::inside_failing_it_is_told_and_goes_on_when_it_is_mended");
}

/// Room in a memory file system; an earlier size is changed.
fn room(at: &Path, kilobytes: u32) {
    let options = format!("size={kilobytes}k,mode=755");
    let mounted = std::fs::read_to_string("/proc/self/mounts").unwrap();
    if mounted.contains(&format!(" {} ", at.display())) {
        run("mount", &["-o", &format!("remount,{options}"), at.to_str().unwrap()]);
    } else {
        run("mount", &["-t", "tmpfs", "-o", &options, "none", at.to_str().unwrap()]);
    }
}

fn assert_told(ended: &Ended, scene: &Scene, when: &str) {
    assert_eq!(ended.code, Some(4), "{when}: {:#}", ended.report);
    let sentence = ended.report["error"]["message"].as_str().unwrap_or_default();
    eprintln!("{when}: {:?}: {sentence}", ended.class());
    assert!(sentence.len() > 20, "{when}: {:#}", ended.report);
    let brought = scene.files().iter().filter(|file| file.base.ends_with(".mailimport")).count();
    let told = ended.report["totals"]["imported"].as_u64().unwrap();
    assert!(told <= brought as u64, "{when}: {told} are said to be there, {brought} are");
    at_any_moment(scene).assert_none(&when);
}

#[test]
#[ignore = "runs in a mount namespace of its own"]
fn inside_full_it_is_told_and_goes_on_when_there_is_room() {
    // Each of these fills up at another step: the ledger's tables, a message's octets, a name, the ledger's log.
    for kilobytes in [160, 400, 700, 1_000, 2_000, 4_000, 6_500] {
        let directory = open_directory();
        room(directory.path(), kilobytes);
        let mut scene = Scene::at(&generated_hundreds(), &directory.path().join("Maildir"));
        let when = format!("{kilobytes} kB");
        assert_told(&scene.import(), &scene, &when);
        room(directory.path(), 100_000);
        scene.complete();
        at_the_end(&mut scene).assert_none(&when);
        run("umount", &["-l", directory.path().to_str().unwrap()]);
    }
}

/// The disk's blocks have nowhere to go after a while, so that the kernel tells of input/output errors; which call it
/// tells them to is up to it.
#[test]
#[ignore = "runs in a mount namespace of its own"]
fn inside_failing_it_is_told_and_goes_on_when_it_is_mended() {
    for kilobytes in [6_500, 8_000, 9_500] {
        let directory = open_directory();
        room(directory.path(), kilobytes);
        let disk = Disk::new(directory.path(), 96);
        let mut scene = Scene::at(&generated_hundreds(), &disk.path().join("Maildir"));
        run("sync", &["-f", disk.path().to_str().unwrap()]);
        let ended = scene.import();
        assert_told(&ended, &scene, &format!("a disk of {kilobytes} kB that says it has 96 MB"));
        disk.unmount();
        room(directory.path(), 200_000);
        disk.check();
        disk.mount();
        let when = format!("mended after {kilobytes} kB");
        at_any_moment(&scene).assert_none(&when);
        scene.complete();
        at_the_end(&mut scene).assert_none(&when);
        disk.unmount();
        run("umount", &["-l", directory.path().to_str().unwrap()]);
    }
}
