//! What is on disk after creating, also when something stood in the way.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use engine::destination::Destination;
use mailhost::{Error, Login, MailHost, MaildirTree, Outcome, Owner, Scheme, TreeOptions};
use tempfile::TempDir;

use crate::{address, create, secret};

const NAME: &str = "alice@example.org";

fn tree() -> (TempDir, MaildirTree) {
    let root = tempfile::tempdir().unwrap();
    let tree = open(root.path());
    (root, tree)
}

fn open(root: &Path) -> MaildirTree {
    MaildirTree::open(root, TreeOptions { scheme: Scheme::Sha512Crypt, ..TreeOptions::default() }).unwrap()
}

fn passwd(root: &TempDir) -> String {
    std::fs::read_to_string(root.path().join("passwd")).unwrap_or_default()
}

fn maildir(root: &TempDir) -> std::path::PathBuf {
    root.path().join("example.org/alice/Maildir")
}

/// Everything below a directory: path, mode, size, time.
fn state(root: &Path) -> BTreeSet<String> {
    let listing = Command::new("find").arg(root).args(["-printf", "%P %M %s %T@\\n"]).output().unwrap();
    assert!(listing.status.success());
    String::from_utf8(listing.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_new_mailbox_has_a_maildir_and_a_line_with_a_hash() {
    let (root, tree) = tree();
    assert_eq!(tree.find(&address(NAME)).await.unwrap(), None);
    assert_eq!(create(&tree, NAME, "Sesam oeffne dich 1").await, Outcome::Created);
    let found = tree.find(&address("Alice@Example.ORG")).await.unwrap().unwrap();
    assert_eq!((found.login, found.address.to_string().as_str()), (Login::Here, NAME));

    let text = passwd(&root);
    let fields: Vec<&str> = text.strip_suffix('\n').unwrap().split(':').collect();
    assert_eq!((fields.len(), fields[0], &fields[2..]), (7, NAME, &["", "", "", "", ""][..]));
    assert!(fields[1].starts_with("{SHA512-CRYPT}$6$"), "{text}");
    assert!(!text.contains("Sesam"));
    assert_eq!(root.path().join("passwd").metadata().unwrap().permissions().mode() & 0o777, 0o640);
    for name in ["cur", "new", "tmp"] {
        let mode = maildir(&root).join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{name}");
    }
    let destination = tree.destination(&found).await.unwrap();
    assert_eq!(destination.describe(), format!("maildir:{}", maildir(&root).display()));
}

#[tokio::test]
async fn an_existing_mailbox_keeps_its_password_and_its_mail() {
    let (root, tree) = tree();
    assert_eq!(create(&tree, NAME, "the first password 1").await, Outcome::Created);
    std::fs::write(maildir(&root).join("cur/1.mail:2,S"), "Subject: hello\n\n").unwrap();
    let before = state(root.path());
    assert_eq!(create(&tree, NAME, "another password 2").await, Outcome::Existed);
    assert_eq!(create(&tree, "ALICE@example.org", "another password 2").await, Outcome::Existed);
    assert_eq!(state(root.path()), before);
}

#[tokio::test]
async fn mail_without_a_line_is_somebodys_mailbox_and_gets_no_password() {
    for kept in
        ["cur/1.mail:2,S", "new/1.mail", ".Sent/cur/1.mail:2,S", "dovecot-uidlist", "mailimport-ledger.db"]
    {
        let (root, tree) = tree();
        let path = maildir(&root).join(kept);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        for name in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(maildir(&root).join(name)).unwrap();
        }
        std::fs::write(&path, "x").unwrap();
        let found = tree.find(&address(NAME)).await.unwrap().unwrap();
        assert_eq!(found.login, Login::Elsewhere, "{kept}");
        assert_eq!(create(&tree, NAME, "a password 12").await, Outcome::Existed, "{kept}");
        assert_eq!(passwd(&root), "", "{kept}");
    }
}

#[tokio::test]
async fn what_a_crash_left_at_any_point_is_completed() {
    let none: &[&str] = &[];
    for left in [
        none,
        &["example.org"],
        &["example.org/alice"],
        &["example.org/alice/Maildir"],
        &["example.org/alice/Maildir/cur"],
        &["example.org/alice/Maildir/cur", "example.org/alice/Maildir/new", "example.org/alice/Maildir/tmp"],
    ] {
        let (root, tree) = tree();
        let other = "bob@example.org:{PLAIN}x:::::";
        // Another program's last line may lack its end.
        std::fs::write(root.path().join("passwd"), other).unwrap();
        std::fs::write(root.path().join(".passwd.0123456789abcdef0123456789abcdef"), "half a fi").unwrap();
        for path in left {
            std::fs::create_dir_all(root.path().join(path)).unwrap();
        }
        assert_eq!(create(&tree, NAME, "a password 12").await, Outcome::Created, "{left:?}");
        let text = passwd(&root);
        assert!(text.starts_with(&format!("{other}\n{NAME}:")) && text.lines().count() == 2, "{text}");
        assert!(maildir(&root).join("tmp").is_dir());
        let names: BTreeSet<_> =
            std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [".passwd.lock", "example.org", "passwd"].map(Into::into).into(), "no litter");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_creations_at_once_make_each_mailbox_once() {
    let (root, one) = tree();
    // Two trees of one ROOT share nothing but the files, as two processes do.
    let two = open(root.path());
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let tree = if n % 2 == 0 { one.clone() } else { two.clone() };
            let name = format!("user{}@example.org", n % 25);
            tokio::spawn(async move { (create(&tree, &name, "a password 12").await, name) })
        })
        .collect();
    let mut created = Vec::new();
    for task in tasks {
        let (outcome, name) = task.await.unwrap();
        if outcome == Outcome::Created {
            created.push(name);
        }
    }
    created.sort();
    let mut lines: Vec<String> =
        passwd(&root).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    lines.sort();
    assert_eq!(lines.len(), 25);
    assert_eq!(created, lines);
    assert_eq!(std::fs::read_dir(root.path().join("example.org")).unwrap().count(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_holds_the_lock_is_waited_for() {
    let (root, tree) = tree();
    let script = "echo held; read _; echo 'bob@example.org:{PLAIN}x:::::' >> \"$0/passwd\"";
    let mut holder = Command::new("flock")
        .arg(root.path().join(".passwd.lock"))
        .args(["sh", "-c", script])
        .arg(root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let creation = tokio::spawn({
        let tree = tree.clone();
        async move { create(&tree, NAME, "a password 12").await }
    });
    holder.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(creation.await.unwrap(), Outcome::Created);
    assert!(holder.wait().unwrap().success());
    let text = passwd(&root);
    assert!(text.starts_with("bob@example.org:") && text.lines().count() == 2, "{text}");
}

#[tokio::test]
async fn links_below_the_root_are_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    for link in ["example.org", "example.org/alice", "example.org/alice/Maildir", "passwd"] {
        let (root, tree) = tree();
        let path = root.path().join(link);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A link to a place below ROOT is no better: two mailboxes would share one.
        for target in [elsewhere.path(), root.path()] {
            symlink(target, &path).unwrap();
            let error = tree.create(&address(NAME), &secret("a password 12")).await.unwrap_err();
            assert!(matches!(error, Error::Storage(_)), "{link}: {error}");
            assert_eq!(error.class(), "not_writable", "{link}");
            assert!(error.to_string().contains("link"), "{link}: {error}");
            std::fs::remove_file(&path).unwrap();
        }
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "{link}");
    }
}

#[tokio::test]
async fn something_else_in_the_place_of_a_mailbox_is_left_alone() {
    let (root, tree) = tree();
    std::fs::create_dir_all(maildir(&root)).unwrap();
    std::fs::write(maildir(&root).join("notes.txt"), "x").unwrap();
    let before = state(&root.path().join("example.org"));
    let error = tree.create(&address(NAME), &secret("a password 12")).await.unwrap_err();
    assert_eq!(error.class(), "not_writable", "{error}");
    assert_eq!((state(&root.path().join("example.org")), passwd(&root)), (before, String::new()));
}

#[tokio::test]
async fn the_passwd_files_time_grows_and_its_owner_and_mode_stay() {
    let (root, tree) = tree();
    let path = root.path().join("passwd");
    std::fs::write(&path, "# ours\n\nbob@example.org:{PLAIN}x:::::\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::chown(&path, None, Some(12345)).unwrap();
    let mut before = path.metadata().unwrap();
    for name in ["a@example.org", "b@example.org"] {
        create(&tree, name, "a password 12").await;
        let after = path.metadata().unwrap();
        assert!(after.mtime() > before.mtime(), "Dovecot looks at whole seconds");
        assert_eq!((after.mode() & 0o777, after.gid()), (0o600, 12345));
        before = after;
    }
    assert!(passwd(&root).starts_with("# ours\n\nbob@example.org:{PLAIN}x:::::\na@example.org:"));
}

#[tokio::test]
async fn a_password_that_cannot_be_kept_makes_nothing() {
    let (root, tree) = tree();
    let password = secret("a\nb");
    assert!(tree.accepts(&password).is_err());
    let error = tree.create(&address(NAME), &password).await.unwrap_err();
    assert!(matches!(error, Error::Password(_)), "{error}");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn files_made_by_root_belong_to_the_owner_of_the_root() {
    let (root, _) = tree();
    std::os::unix::fs::chown(root.path(), Some(12345), Some(23456)).unwrap();
    for (options, owner) in [
        (TreeOptions::default(), (12345, 23456)),
        (
            TreeOptions { owner: Some(Owner { uid: 34567, gid: 45678 }), ..TreeOptions::default() },
            (34567, 45678),
        ),
    ] {
        let tree = MaildirTree::open(root.path(), options).unwrap();
        create(&tree, NAME, "a password 12").await;
        for path in
            ["passwd", ".passwd.lock", "example.org", "example.org/alice", "example.org/alice/Maildir/cur"]
        {
            let made = root.path().join(path).metadata().unwrap();
            assert_eq!((made.uid(), made.gid()), owner, "{path}");
        }
        std::fs::remove_dir_all(root.path().join("example.org")).unwrap();
        std::fs::remove_file(root.path().join("passwd")).unwrap();
        std::fs::remove_file(root.path().join(".passwd.lock")).unwrap();
    }
}

#[tokio::test]
async fn a_missing_root_is_made_and_a_file_in_its_place_is_refused() {
    let (root, _) = tree();
    let path = root.path().join("srv/mail");
    let tree = open(&path);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o750);
    tree.ready().await.unwrap();
    assert!(tree.free_space().await.unwrap().unwrap() > 0);
    // What is to stay free is not for mail.
    let limits = engine::destination::Limits { free_space: u64::MAX, ..Default::default() };
    let full = MaildirTree::open(tree.root(), TreeOptions { limits, ..TreeOptions::default() }).unwrap();
    assert_eq!(full.free_space().await.unwrap(), Some(0));
    let file = root.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(MaildirTree::open(&file, TreeOptions::default()).is_err());
}
