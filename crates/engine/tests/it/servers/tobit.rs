//! Tobit David: `/` separates levels, and yet it stands in the names that its users gave.

use testkit::scripted::Script;

use super::{assert_holds, assert_nothing_more_comes, files, folder, serve};

#[tokio::test(flavor = "multi_thread")]
async fn names_with_the_separator_in_them_get_one_and_the_same_place_at_each_run() {
    let names = ["INBOX", "Ein/Aus", "Rechnungen//2019", "/Privat", "Archiv/"];
    let (server, rig) = serve(names.iter().map(|name| folder(name, 2)).collect(), Script::default());
    let report = rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=2);
    assert_holds(&rig, "Ein/Aus", "Ein/Aus", 1..=2);
    assert_holds(&rig, "Rechnungen/_/2019", "Rechnungen//2019", 1..=2);
    assert_holds(&rig, "_/Privat", "/Privat", 1..=2);
    assert_holds(&rig, "Archiv/_", "Archiv/", 1..=2);
    assert_eq!(files(&rig), 10);
    let mut renamed: Vec<_> = report.renamed_folders.iter().map(|renamed| renamed.source.as_str()).collect();
    renamed.sort_unstable();
    assert_eq!(renamed, ["/Privat", "Archiv/", "Rechnungen//2019"]);
    let again = assert_nothing_more_comes(&rig).await;
    assert_eq!(again.renamed_folders, report.renamed_folders);
    server.finish();
}
