//! 163, 126 and QQ open no folder on a connection that did not say ID, and write empty lists as `( )`.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use testkit::scripted::{Answer, Script};

use super::{assert_holds, assert_nothing_more_comes, folder, serve};

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_says_who_it_is_and_lists_may_hold_nothing_but_spaces() {
    let introduced: Arc<Mutex<HashSet<usize>>> = Arc::default();
    let known = Arc::clone(&introduced);
    let script = Script::default()
        .on("ID", move |command| {
            introduced.lock().unwrap().insert(command.connection);
            Answer::Usual
        })
        .on("EXAMINE", move |command| match known.lock().unwrap().contains(&command.connection) {
            true => Answer::Usual,
            false => Answer::text("{tag} NO EXAMINE Unsafe Login. Please contact kefu@188.com for help\r\n"),
        })
        .on("LIST", |command| match command.arguments.contains('*') {
            true => Answer::text(
                "* LIST ( ) \"/\" \"INBOX\"\r\n* LIST ( \\Sent ) \"/\" \"&XfJT0ZAB-\"\r\n{tag} OK LIST completed\r\n",
            ),
            false => Answer::Usual,
        });
    let mut inbox = folder("INBOX", 4);
    let sent = folder("&XfJT0ZAB-", 2);
    for message in &mut inbox.messages {
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        let (uid, size) = (message.uid, text.len());
        let line = format!(
            "{uid} FETCH ( UID {uid} FLAGS ( ) INTERNALDATE \"08-Mar-2023 12:16:47 +0800\"  RFC822.SIZE {size} \
             BODY[] {{{size}}}\r\n{text} )"
        );
        message.response = Some(line.into_bytes());
    }
    let (server, mut rig) = serve(vec![inbox, sent], script);
    rig.settings.connections = 2;
    rig.import_all().await;
    assert_holds(&rig, "INBOX", "INBOX", 1..=4);
    assert_holds(&rig, "Sent", "&XfJT0ZAB-", 1..=2);
    assert_nothing_more_comes(&rig).await;
    let commands = server.commands();
    for connection in 1..=server.connections() {
        let ids = commands.iter().filter(|c| c.name == "ID" && c.connection == connection).count();
        assert_eq!(ids, 1, "connection {connection}");
    }
    server.finish();
}
