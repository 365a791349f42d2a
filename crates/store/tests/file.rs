//! The ledger's file: private, its owner's, complete by itself when closed, and refused in plain words.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use engine::ledger::{AccountKey, Ledger, LedgerError};
use mailimport_store::{Owner, Store};
use tempfile::TempDir;

fn home() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mailimport-ledger.db");
    (directory, path)
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn write(store: &Store) {
    let key = AccountKey { source: "a@b".into(), destination: "maildir:/c".into() };
    store.account(&key, 1).await.unwrap();
}

async fn refusal(path: &Path) -> String {
    let error = Store::open_file(path, None).await.unwrap_err();
    let LedgerError::Open { place, reason } = error else { panic!("{error}") };
    assert_eq!(place, path.display().to_string());
    reason
}

/// A user that is surely not the one who runs the test, where the test may give files away.
fn somebody() -> Owner {
    let own = std::fs::metadata("/proc/self").unwrap();
    if own.uid() == 0 { Owner { uid: 12345, gid: 12346 } } else { Owner { uid: own.uid(), gid: own.gid() } }
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let (directory, path) = home();
    let store = Store::open_file(&path, None).await.unwrap();
    write(&store).await;
    let three = ["mailimport-ledger.db", "mailimport-ledger.db-shm", "mailimport-ledger.db-wal"];
    assert_eq!(names(&directory), three, "the test would show nothing if these were not there");
    store.close().await.unwrap();
    assert_eq!(names(&directory), ["mailimport-ledger.db"]);
    // All is in the one file: a copy of it alone is a ledger.
    let copy = directory.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    let key = AccountKey { source: "a@b".into(), destination: "maildir:/c".into() };
    assert_eq!(Store::open_file(&copy, None).await.unwrap().account(&key, 2).await.unwrap().founded, 1);
}

#[tokio::test]
async fn closing_beside_another_process_is_no_failure_and_loses_nothing() {
    let (_directory, path) = home();
    let (store, other) =
        (Store::open_file(&path, None).await.unwrap(), Store::open_file(&path, None).await.unwrap());
    write(&store).await;
    store.close().await.unwrap();
    write(&other).await;
    other.close().await.unwrap();
}

#[tokio::test]
async fn the_file_and_what_lies_beside_it_is_private_and_its_owners() {
    let (directory, path) = home();
    let owner = somebody();
    let store = Store::open_file(&path, Some(owner)).await.unwrap();
    write(&store).await;
    assert_eq!(names(&directory).len(), 3);
    for name in names(&directory) {
        let status = std::fs::metadata(directory.path().join(&name)).unwrap();
        assert_eq!(status.mode() & 0o7777, 0o600, "{name}");
        assert_eq!((status.uid(), status.gid()), (owner.uid, owner.gid), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_was_open_to_others_is_made_private_and_given_to_its_owner() {
    let (_directory, path) = home();
    Store::open_file(&path, None).await.unwrap().close().await.unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let owner = somebody();
    Store::open_file(&path, Some(owner)).await.unwrap().close().await.unwrap();
    let status = std::fs::metadata(&path).unwrap();
    assert_eq!((status.mode() & 0o7777, status.uid(), status.gid()), (0o600, owner.uid, owner.gid));
}

#[tokio::test]
async fn a_name_with_characters_that_mean_something_in_an_address_is_just_a_name() {
    let (directory, _) = home();
    for name in ["a?mode=memory&x", "b%20c", "d#e", ":memory:", "file:f?mode=ro", "ü \" '"] {
        let path = directory.path().join(name);
        let store = Store::open_file(&path, None).await.unwrap();
        write(&store).await;
        store.close().await.unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
    assert_eq!(names(&directory).len(), 6);
}

#[tokio::test]
async fn an_empty_file_becomes_a_ledger() {
    let (_directory, path) = home();
    std::fs::write(&path, "").unwrap();
    write(&Store::open_file(&path, None).await.unwrap()).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_in_plain_words_and_left_alone() {
    let (directory, path) = home();
    let text = "This is not a database.\n".repeat(1_000);
    std::fs::write(&path, &text).unwrap();
    assert_eq!(refusal(&path).await, "the file is not an SQLite database, or it is damaged");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(names(&directory), ["mailimport-ledger.db"]);
}

#[tokio::test]
async fn a_damaged_ledger_is_refused_in_plain_words() {
    let (_directory, path) = home();
    let store = Store::open_file(&path, None).await.unwrap();
    write(&store).await;
    store.close().await.unwrap();
    let sound = std::fs::read(&path).unwrap();
    // The header's magic; the schema's page, kept but for the header; half of the file gone.
    let mut cases = [sound.clone(), sound.clone(), sound[..sound.len() / 2].to_vec()];
    cases[0][..16].fill(0xff);
    cases[1][100..4_096].fill(0xff);
    for (case, octets) in cases.iter().enumerate() {
        std::fs::write(&path, octets).unwrap();
        let reason = refusal(&path).await;
        assert!(reason.contains("damaged"), "{case}: {reason}");
    }
    std::fs::write(&path, &sound).unwrap();
    write(&Store::open_file(&path, None).await.unwrap()).await;
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_alone() {
    use sea_orm::ConnectionTrait;
    let (_directory, path) = home();
    let other = sea_orm::Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    other.execute_unprepared("CREATE TABLE addresses (name text)").await.unwrap();
    other.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(refusal(&path).await, "it is the database of another program");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn places_where_no_ledger_can_be_are_named() {
    let (directory, path) = home();
    let missing = directory.path().join("missing");
    let reason = refusal(&missing.join("ledger.db")).await;
    assert_eq!(reason, format!("the directory {} does not exist", missing.display()));
    assert_eq!(refusal(directory.path()).await, "it is a directory");
    std::fs::write(directory.path().join("victim"), "").unwrap();
    symlink(directory.path().join("victim"), &path).unwrap();
    assert_eq!(refusal(&path).await, "it is a symbolic link");
    std::fs::remove_file(&path).unwrap();
    symlink(directory.path().join("victim"), directory.path().join("mailimport-ledger.db-wal")).unwrap();
    assert!(refusal(&path).await.ends_with("-wal beside it is a symbolic link"));
    // Nobody may make files there, not even root.
    let reason = refusal(Path::new("/sys/mailimport-ledger.db")).await;
    assert!(reason == "the directory /sys may not be written to" || reason.contains("read-only"), "{reason}");
}

#[tokio::test]
async fn somebody_elses_file_under_a_second_name_is_not_given_away() {
    let (directory, path) = home();
    let victim = directory.path().join("victim");
    std::fs::write(&victim, "secret").unwrap();
    let before = std::fs::metadata(&victim).unwrap();
    std::fs::hard_link(&victim, &path).unwrap();
    let error = Store::open_file(&path, Some(somebody())).await.unwrap_err();
    assert!(error.to_string().contains("belongs to another user"), "{error}");
    let after = std::fs::metadata(&victim).unwrap();
    assert_eq!((after.uid(), after.mode()), (before.uid(), before.mode()));
}

#[tokio::test]
async fn a_postgresql_that_cannot_be_reached_is_named_without_its_password() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgresql://alice:s3cret@{closed}/mail?password=s3cret");
    let error = Store::connect(&url).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("mail on PostgreSQL at {closed}")) && !text.contains("s3cret"), "{text}");
    assert!(text.contains("cannot be reached"), "{text}");
    for wrong in ["postgresql://alice:s3cret@host:port/db", "s3cret", "mysql://u:s3cret@h/d"] {
        let error = Store::connect(wrong).await.unwrap_err();
        assert!(matches!(error, LedgerError::Open { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
}
