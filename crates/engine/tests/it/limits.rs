//! What the operator bounds: each limit is reached, said in one sentence that names it, and costs nothing that is there.

use engine::report::{Report, Verdict};
use testkit::scripted::{Folder, Message, Script, Scripted, VirtualAccount};

use crate::rig::{Rig, assert_balanced};

fn message(uid: u32, octets: usize) -> Message {
    Message::new(uid, format!("Subject: {uid}\r\n\r\n{}\r\n", "x".repeat(octets)).as_bytes())
}

fn folder(name: &str) -> Folder {
    Folder::new(name, vec![message(1, 1_000)])
}

/// Imports three folders of one message each under limits that `narrow` sets, and gives them all back afterwards.
async fn under(folders: &[&str], narrow: impl Fn(&mut Rig), check: impl AsyncFn(&Rig, Report)) {
    let account = VirtualAccount::new(folders.iter().map(|name| folder(name)).collect());
    let server = Scripted::start(account, Script::default()).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    rig.settings.connections = 1;
    let (settings, selection, limits) = (rig.settings.clone(), rig.selection.clone(), rig.limits);
    narrow(&mut rig);
    let report = rig.import().await;
    assert_ne!(report.verdict, Verdict::Complete);
    check(&rig, report).await;
    (rig.settings, rig.selection, rig.limits) = (settings, selection, limits);
    rig.import_all().await;
    assert_eq!(rig.files().len(), folders.len());
    rig.assert_clean();
    server.finish();
}

#[track_caller]
fn assert_stopped(report: &Report, class: &str, parts: &[&str]) {
    let stop = report.error.as_ref().unwrap();
    assert_eq!((report.verdict, stop.class.as_str()), (Verdict::Incomplete, class), "{stop:?}");
    assert!(parts.iter().all(|part| stop.message.contains(part)), "{}", stop.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_more_folders_than_allowed_is_not_imported() {
    let narrow = |rig: &mut Rig| {
        rig.settings.client.limits.folders = 2;
        // It is no fault that would heal.
        rig.settings.patience = std::time::Duration::ZERO;
    };
    under(&["INBOX", "A", "B"], narrow, async |rig, report| {
        assert_stopped(&report, "limit", &["the number of folders (2)", "limits.folders"]);
        assert!(rig.files().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_with_names_longer_than_allowed_are_left_out_and_counted() {
    let narrow = |rig: &mut Rig| rig.settings.client.limits.name = 10;
    under(&["INBOX", "Elevenchars", "Tenletters"], narrow, async |_, report| {
        assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 2));
        let [exception] = report.exceptions.as_slice() else { panic!("{:?}", report.exceptions) };
        assert_eq!(exception.class, "name_too_long");
        assert!(
            exception.message.contains("1 folders")
                && exception.message.contains("10 octets (limits.folder_name_octets)")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_longer_than_allowed_are_skipped_and_counted() {
    let narrow = |rig: &mut Rig| rig.settings.client.limits.line = 600;
    let long = "n".repeat(700);
    under(&["INBOX", long.as_str()], narrow, async |_, report| {
        assert_eq!((report.verdict, report.totals.imported), (Verdict::Incomplete, 1));
        assert_eq!(report.exceptions[0].class, "unlisted", "{:?}", report.exceptions);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_stores_so_much_at_a_time_and_goes_on() {
    let narrow = |rig: &mut Rig| rig.settings.octets = Some(1_500);
    under(&["INBOX", "A", "B"], narrow, async |rig, report| {
        assert_stopped(
            &report,
            "import_size",
            &["1500 octets at a time (limits.octets_per_import)", "Import again"],
        );
        // What was begun under the limit is finished.
        assert_eq!(rig.files().len(), 2);
        assert_eq!(report.totals.imported, 2);
        // What is left fits.
        let again = rig.import_all().await;
        assert_eq!((again.totals.imported, again.totals.already_there), (1, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_fits_exactly_is_none_too_large() {
    let server = Scripted::start(VirtualAccount::new(vec![folder("INBOX")]), Script::default()).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    rig.settings.octets = Some(1);
    assert_balanced(&rig.import_all().await);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_leaves_the_disk_the_space_that_is_to_stay_free() {
    let narrow = |rig: &mut Rig| rig.limits.free_space = u64::MAX;
    under(&["INBOX", "A"], narrow, async |rig, report| {
        assert_stopped(
            &report,
            "disk_low",
            &["are to stay free (limits.free_space_mb, --keep-free)", "Make room there"],
        );
        assert!(rig.files().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_larger_than_allowed_are_skipped_and_counted() {
    let account = VirtualAccount::new(vec![Folder::new("INBOX", vec![message(1, 10), message(2, 5_000)])]);
    let server = Scripted::start(account, Script::default()).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    rig.selection.max_size = Some(1_000);
    let report = rig.import().await;
    assert_eq!((report.totals.imported, report.totals.skipped), (1, 1));
    assert_balanced(&report);
    server.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_nested_deeper_than_allowed_become_one_level_and_are_named() {
    let account = VirtualAccount::new(vec![folder("INBOX"), folder("a/b/c/d")]);
    let server = Scripted::start(account, Script::default()).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    rig.limits.folder_levels = 2;
    let report = rig.import_all().await;
    let [renamed] = report.renamed_folders.as_slice() else { panic!("{:?}", report.renamed_folders) };
    assert_eq!(renamed.source, "a/b/c/d");
    assert_eq!(renamed.destination.matches('/').count(), 1, "{renamed:?}");
    server.finish();
}
