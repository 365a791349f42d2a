//! A small disk of one's own: an ext4 image on a loop device, in a mount namespace that ends with the test.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs a command that has to work.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs an ignored test of this program in a mount namespace of its own: what it mounts is gone when it ends, however
/// it ends.
pub(crate) fn in_own_namespace(test: &str) {
    if !Path::new("/dev/loop-control").exists() {
        eprintln!("NOT RUN: this kernel offers no loop devices, so there is no disk to take away");
        return;
    }
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    // A name that no test has would be a success too.
    assert!(output.status.success() && said.contains("ok. 1 passed"), "{test}: {}", output.status);
}

/// An ext4 file system in a file, mounted.
pub(crate) struct Disk {
    image: PathBuf,
    mount: PathBuf,
}

impl Disk {
    /// Makes and mounts one of `megabytes`; blocks that nothing was written to take no room in the image.
    pub(crate) fn new(directory: &Path, megabytes: u64) -> Disk {
        let (image, mount) = (directory.join("image"), directory.join("mount"));
        std::fs::File::create(&image).unwrap().set_len(megabytes << 20).unwrap();
        let path = image.to_str().unwrap();
        run("mkfs.ext4", &["-q", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", path]);
        std::fs::create_dir(&mount).unwrap();
        let disk = Disk { image, mount };
        disk.mount();
        disk
    }

    /// The journal is committed when somebody asks for it and not every five seconds: the hardest case for whoever
    /// forgets to ask.
    pub(crate) fn mount(&self) {
        let (image, mount) = (self.image.to_str().unwrap(), self.mount.to_str().unwrap());
        run("mount", &["-o", "loop,commit=9999", image, mount]);
    }

    /// Waits for those who are just leaving.
    pub(crate) fn unmount(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let output = Command::new("umount").arg(&self.mount).output().unwrap();
            if output.status.success() {
                return;
            }
            assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&output.stderr));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Checks and mends the file system, as an administrator would.
    pub(crate) fn check(&self) {
        // Exit status 1: errors were corrected.
        let status = Command::new("e2fsck").arg("-fy").arg(&self.image).output().unwrap().status;
        assert!(status.code().is_some_and(|code| code <= 1), "e2fsck: {status}");
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    /// Takes the power away: what the disk holds at this moment is all there is afterwards. Whoever writes to it has to
    /// be stopped, and ends before the disk comes back.
    pub(crate) fn copy_as_it_is(&self) -> PathBuf {
        let aside = self.image.with_extension("aside");
        let device = run("losetup", &["-n", "-O", "NAME", "-j", self.image.to_str().unwrap()]);
        let statistics = Path::new("/sys/block").join(device.trim().trim_start_matches("/dev/")).join("stat");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let before = Traffic::read(&statistics);
            copy_sparse(&self.image, &aside);
            let after = Traffic::read(&statistics);
            if before == after && before.in_flight == 0 {
                return aside;
            }
            assert!(Instant::now() < deadline, "the disk is never at rest");
        }
    }

    /// The disk as it was when it was copied comes back.
    pub(crate) fn power_again(&self, copy: &Path) {
        self.unmount();
        std::fs::rename(copy, &self.image).unwrap();
        self.mount();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The namespace's end does the same when this does not come to pass.
        let _ = Command::new("umount").arg("-l").arg(&self.mount).output();
    }
}

/// What a block device has done (Documentation/block/stat.rst).
#[derive(Debug, PartialEq, Eq)]
struct Traffic {
    writes: u64,
    in_flight: u64,
}

impl Traffic {
    fn read(statistics: &Path) -> Traffic {
        let text = std::fs::read_to_string(statistics).unwrap();
        let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
        Traffic { writes: numbers[4], in_flight: numbers[8] }
    }
}

fn copy_sparse(from: &Path, to: &Path) {
    let source = std::fs::File::open(from).unwrap();
    let target = std::fs::File::create(to).unwrap();
    let length = source.metadata().unwrap().len();
    target.set_len(length).unwrap();
    let mut block = vec![0; 1 << 16];
    for at in (0..length).step_by(block.len()) {
        source.read_exact_at(&mut block, at).unwrap();
        if block.iter().any(|octet| *octet != 0) {
            target.write_all_at(&block, at).unwrap();
        }
    }
}
