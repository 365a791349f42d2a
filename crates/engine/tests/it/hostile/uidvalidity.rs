//! UIDVALIDITY: none, one that no folder can have, one by EXAMINE and another by STATUS, and one for each connection.

use testkit::scripted::{Answer, Command, Script};

use super::{serve, twice_is_once};
use crate::servers::{asks_for_bodies, assert_holds, folder};

/// EXAMINE with this in place of UIDVALIDITY; `{connection}` stands for the connection's number.
fn examined(validity: &'static str) -> Script {
    Script::default().on("EXAMINE", move |command: &Command| {
        let validity = validity.replace("{connection}", &command.connection.to_string());
        let exists = if command.arguments.contains("INBOX") { 5 } else { 2 };
        Answer::text(&format!(
            "* {exists} EXISTS\r\n{validity}* OK [UIDNEXT 6] x\r\n{{tag}} OK [READ-ONLY] done\r\n"
        ))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_whatever_the_folder_is_said_to_be() {
    for (what, validity) in [
        ("none", ""),
        ("0", "* OK [UIDVALIDITY 0] x\r\n"),
        ("the greatest", "* OK [UIDVALIDITY 4294967295] x\r\n"),
        ("a greater one", "* OK [UIDVALIDITY 4294967296] x\r\n"),
        ("less than nothing", "* OK [UIDVALIDITY -1] x\r\n"),
        ("no number", "* OK [UIDVALIDITY yes] x\r\n"),
        ("another one than by STATUS", "* OK [UIDVALIDITY 8] x\r\n"),
        ("two", "* OK [UIDVALIDITY 8] x\r\n* OK [UIDVALIDITY 9] x\r\n"),
        ("one for each connection", "* OK [UIDVALIDITY {connection}] x\r\n"),
    ] {
        // The first connection ends in the middle, so that another one must open the folder again.
        let script = examined(validity).on("UID FETCH", |command| {
            match command.connection == 1 && asks_for_bodies(command) {
                true => Answer::SendAndClose(b"* BYE another one, please\r\n".to_vec()),
                false => Answer::Usual,
            }
        });
        let (server, mut rig) = serve(vec![folder("INBOX", 5), folder("Work", 2)], script);
        rig.settings.connections = 1;
        let report = rig.import_all().await;
        assert_eq!(report.totals.imported, 7, "{what}: {report:#?}");
        assert_holds(&rig, "INBOX", "INBOX", 1..=5);
        assert_holds(&rig, "Work", "Work", 1..=2);
        twice_is_once(&rig).await;
        server.finish();
    }
}
