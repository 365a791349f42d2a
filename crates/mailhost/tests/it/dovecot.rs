//! A real Dovecot with the very configuration that is printed; only its ports and directories are added.

use std::time::{Duration, Instant};

use engine::destination::Destination;
use mailhost::{DovecotVersion, MailHost, MaildirTree, Owner, Scheme, Served, TreeOptions, dovecot_config};
use testkit::certificate::{self, Kind};
use testkit::imap_client::Client;
use testkit::server::{Dovecot, DovecotOptions, ImapServer};

use crate::{address, create};

/// Debian's group `mail`, and a user that has no name.
const OWNER: Owner = Owner { uid: 12345, gid: 8 };
const NAMELESS: Owner = Owner { uid: 12345, gid: 23456 };

/// A directory that Dovecot's processes may enter.
fn place() -> tempfile::TempDir {
    let place = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    place
}

fn tree(place: &tempfile::TempDir, scheme: Scheme, owner: Owner) -> MaildirTree {
    MaildirTree::open(
        &place.path().join("mail"),
        TreeOptions { scheme, owner: Some(owner), ..TreeOptions::default() },
    )
    .unwrap()
}

fn serve(place: &tempfile::TempDir, owner: Owner, group: Option<&str>) -> Dovecot {
    let files = certificate::write(Kind::Good, place.path()).unwrap();
    let served = Served {
        root: place.path().join("mail"),
        owner,
        group: group.map(str::to_owned),
        certificate: files.certificate,
        key: files.key,
    };
    let complete = Some(dovecot_config(DovecotVersion::V2_3, &served).unwrap());
    // A refused log-in makes the next ones wait, up to fifteen seconds each.
    let extra =
        "auth_failure_delay = 0\nservice anvil {\n unix_listener anvil-auth-penalty {\n  mode = 0\n }\n}\n"
            .to_owned();
    Dovecot::start(&DovecotOptions { complete, extra, ..DovecotOptions::default() }).unwrap()
}

/// Dovecot looks at the passwd-file once a second at most.
fn logs_in(server: &Dovecot, user: &str, password: &str) -> Client {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Client::login(server.plain(), user, password) {
            Ok(client) => return client,
            Err(error) => assert!(Instant::now() < deadline, "{user}: {error}\n{}", server.log()),
        }
    }
}

fn is_refused(server: &Dovecot, user: &str, password: &str) {
    let error = Client::login(server.plain(), user, password).unwrap_err().to_string();
    assert!(error.contains("AUTHENTICATIONFAILED"), "{user}: {error}\n{}", server.log());
}

#[tokio::test]
async fn a_new_mailbox_logs_in_with_its_password_and_no_other_under_every_scheme() {
    let place = place();
    let password = "Sesam:\u{f6}ffne \"dich\" 1";
    let mut server = None;
    for (n, scheme) in [Scheme::Argon2id, Scheme::BlfCrypt, Scheme::Sha512Crypt].into_iter().enumerate() {
        let tree = tree(&place, scheme, OWNER);
        let user = format!("user.{n}+x_y-z@xn--bcher-kva.example");
        create(&tree, &user, password).await;
        // From the second on, Dovecot runs already when the mailbox is made.
        let server = server.get_or_insert_with(|| serve(&place, OWNER, Some("mail")));
        logs_in(server, &user, password);
        logs_in(server, &user.to_uppercase(), password);
        is_refused(server, &user, "Sesam:\u{f6}ffne \"dich\" 2");
        create(&tree, &user, "another password 12").await;
        is_refused(server, &user, "another password 12");
        logs_in(server, &user, password);
    }
}

#[tokio::test]
async fn mail_in_the_tree_is_served_with_the_roles_of_its_folders() {
    let place = place();
    let tree = tree(&place, Scheme::Sha512Crypt, NAMELESS);
    create(&tree, "alice@example.org", "a password 12").await;
    let mailbox = tree.find(&address("alice@example.org")).await.unwrap().unwrap();
    let destination = tree.destination(&mailbox).await.unwrap();
    destination.create(&engine::folder::FolderPath(vec!["Sent".into()]), None).await.unwrap();
    let server = serve(&place, NAMELESS, None);
    let mut client = logs_in(&server, "alice@example.org", "a password 12");
    client.append("Sent", &["\\Seen"], 1_700_000_000, b"Subject: hello\r\n\r\nbody\r\n").unwrap();
    let folders = client.command("LIST \"\" * RETURN (SPECIAL-USE)").unwrap().lines().join("\n");
    assert!(folders.contains("\\Sent"), "{folders}");
    assert_eq!(client.examine("Sent").unwrap(), 1);
    assert_eq!(std::fs::read_dir(tree.maildir(&mailbox.address).join(".Sent/cur")).unwrap().count(), 1);
}
