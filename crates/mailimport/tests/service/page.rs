//! The page as a customer uses it: in a real Chromium, against a real Dovecot, with JavaScript and without.

use std::path::PathBuf;

use testkit::browser::Browser;
use testkit::factory;
use testkit::judge::{self, Mapping};
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::journey::serve_with_printed_configuration;
use crate::process::Place;
use crate::window::{Scripts, Window};

const NEW: &str = "Neues-Passwort-1";

/// The old accounts: name and password, with everything that a CSV can get wrong about passwords.
const ACCOUNTS: [(&str, &str); 11] = [
    ("anna", "old horse battery"),
    ("bruno", "semi;colon"),
    ("clara", "quote\"d; twice"),
    ("dieter", "Größe-äöü"),
    ("emma", " spaces at both ends "),
    ("frieda", "=1+1"),
    ("gustav", "0123456789"),
    ("hanna", "p"),
    ("ida", "comma,comma"),
    ("jonas", "tab-less"),
    ("karl", "the right one"),
];

/// Everything around one journey.
struct Scene {
    old: Dovecot,
    way: Proxy,
    place: Place,
    browser: Browser,
}

impl Scene {
    fn new() -> Scene {
        let users = ACCOUNTS.iter().map(|(name, password)| User::new(name, password));
        let old = Dovecot::start(&DovecotOptions::with_users(users)).unwrap();
        for (name, _) in ACCOUNTS {
            old.write_account(name, &factory::generated_small()).unwrap();
        }
        let way = Proxy::start(old.tls()).unwrap();
        let place = Place::with_old_server(way.addr().port(), old.ca_pem());
        place.add_customer();
        Scene { old, way, place, browser: Browser::start().unwrap() }
    }

    /// The old server as a customer would write it.
    fn server(&self) -> String {
        format!("imaps://127.0.0.1:{}", self.way.addr().port())
    }

    /// Twelve accounts as Excel writes them: semicolons, Windows-1252, with a header.
    fn csv(&self) -> PathBuf {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = "IMAP-Server;IMAP-Benutzername;IMAP-Passwort;Postfach;Passwort\r\n".to_owned();
        let mut line = |server: &str, user: &str, password: &str, new: &str| {
            text += &format!("{server};{user};{};{user};{}\r\n", quoted(password), quoted(new));
        };
        let server = self.server();
        for (name, password) in &ACCOUNTS[1..10] {
            line(&server, name, password, NEW);
        }
        line(&server, "karl", "the wrong one", NEW);
        line("imap.invalid", "lena", "whatever", NEW);
        line(&server, "max", "whatever", "weak");
        let octets: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let path = self.place.directory.path().join("Mappe1.csv");
        std::fs::write(&path, octets).unwrap();
        path
    }
}

/// The whole journey of the product.
async fn journey(scripts: Scripts) {
    let scene = Scene::new();
    let axe = testkit::browser::axe();
    let mut server = scene.place.serve();
    let window = Window::open(&scene.browser, scripts, 1280).await;
    window.go(&server, "/").await;
    window.is_accessible(&axe).await;
    window.sign_in(&server).await;
    window.go(&server, "/domains").await;
    window.is_accessible(&axe).await;
    window.click("a[href='/domains/example.org/mailimport']").await;

    // One by the form.
    let (name, password) = ACCOUNTS[0];
    let server_field = scene.server();
    let fields = [
        ("server", server_field.as_str()),
        ("username", name),
        ("password", password),
        ("mailbox", name),
        ("mailbox_password", NEW),
    ];
    window.fill("form.entry-form", &fields).await;
    window.click("form.entry-form .buttons button").await;
    // The answer has to be there, or it would come after the next page.
    window.until("anna is in the list", async |window| !window.row("anna").await.is_empty()).await;
    // Twelve by the file.
    window.go(&server, "/domains/example.org/mailimport?tab=csv").await;
    let file = window.find("#file").await;
    file.send_keys(scene.csv().to_str().unwrap()).await.unwrap();
    window.click("form.csv-form .buttons button").await;

    // Each problem where it is.
    window
        .until("every row is checked", async |window| {
            let rows = window.text("table.entries").await;
            rows.contains("max@example.org") && !rows.contains("Checking") && !rows.contains("Waiting for")
        })
        .await;
    window.is_accessible(&axe).await;
    for (name, _) in &ACCOUNTS[..10] {
        let row = window.row(name).await;
        assert!(row.contains("Ready") && row.contains("60 messages"), "{name}: {row}");
    }
    for (name, problem) in
        [("karl", "did not accept"), ("lena", "cannot find that mail server"), ("max", "12 characters")]
    {
        let row = window.row(name).await;
        assert!(row.contains("Needs attention") && row.contains(problem), "{name}: {row}");
    }
    let start = window.find("#start").await;
    assert!(start.attr("disabled").await.unwrap().is_some());
    assert!(window.text(".start .reason").await.contains("3 of 13"), "{}", window.text("#summary").await);

    // Pencil and trash can.
    window.mend("karl", &[("password", ACCOUNTS[10].1)]).await;
    window.until("karl is ready", async |window| window.row("karl").await.contains("Ready")).await;
    window.click("tr.entry a[aria-label='Remove lena@example.org']").await;
    window.click("form[action$='/remove'] button.danger").await;
    window.until("lena is gone", async |window| window.row("lena").await.is_empty()).await;
    window.click("tr.entry a[aria-label='Remove max@example.org']").await;
    window.click("form[action$='/remove'] button.danger").await;
    window.until("max is gone", async |window| window.row("max").await.is_empty()).await;

    // Start; then browser and server go away in the middle of it.
    scene.way.stall();
    window
        .until("all are ready", async |window| {
            window.find("#start").await.attr("disabled").await.unwrap().is_none()
        })
        .await;
    window.click("#start").await;
    window.find("article.run").await;
    window.is_accessible(&axe).await;
    window.client.clone().close().await.unwrap();
    server.signal("KILL");
    assert!(!server.wait().success());
    scene.way.resume();
    let server = scene.place.serve();

    // Back, at a telephone's width.
    let window = Window::open(&scene.browser, scripts, 500).await;
    window.sign_in(&server).await;
    window
        .until("the run has ended", async |window| {
            let finished = window.text("table.finished").await;
            finished.contains("Done") && window.text("article.run").await.is_empty()
        })
        .await;
    window.is_no_wider_than_its_window().await;
    window.click("table.finished a").await;
    window.find("table.imports").await;
    window.is_accessible(&axe).await;
    window.is_no_wider_than_its_window().await;
    let run = window.text("main").await;
    assert!(run.matches("Done").count() >= ACCOUNTS.len(), "{run}");
    window.click("table.imports a").await;
    window.find("main").await;
    window.is_accessible(&axe).await;
    window.is_no_wider_than_its_window().await;
    let report = window.text("main").await;
    assert!(report.contains("60"), "{report}");
    window.go(&server, "/account").await;
    window.is_accessible(&axe).await;
    window.is_no_wider_than_its_window().await;
    window.client.close().await.unwrap();

    // And the mail is there, under the password that was given.
    let new = serve_with_printed_configuration(&scene.place);
    for (name, password) in ACCOUNTS {
        let from = judge::Account::new(scene.old.plain(), name, password);
        let to = judge::Account::new(new.plain(), &format!("{name}@example.org"), NEW);
        judge::compare(&from, &to, &Mapping::identity()).unwrap().assert_equal();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_moves_eleven_mailboxes_in_by_the_page() {
    journey(Scripts::On).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_browser_runs_no_scripts_does_the_same() {
    journey(Scripts::Off).await;
}
