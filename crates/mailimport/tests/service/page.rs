//! The page as a customer uses it: in a real Chromium, against a real Dovecot, with JavaScript and without.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use testkit::browser::Browser;
use testkit::factory;
use testkit::judge::{self, Mapping};
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::journey::{OWNER, serve_with_printed_configuration};
use crate::process::{Place, Server};

/// The customer's own sign-in.
const SIGN_IN: &str = "correct horse battery";
const NEW: &str = "Neues-Passwort-1";
/// The largest time that anything on the page may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

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

/// Whether the browser runs scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scripts {
    On,
    Off,
}

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
        let mut place = Place::new();
        let root = place.directory.path().join("mail");
        std::fs::create_dir(&root).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o750);
        std::fs::set_permissions(&root, mode).unwrap();
        std::os::unix::fs::chown(&root, Some(OWNER.0), Some(OWNER.1)).unwrap();
        let (port, root, ca) = (way.addr().port(), root.display(), old.ca_pem().display());
        place.settings = format!(
            "[mail]\nroot = \"{root}\"\npassword_scheme = \"sha512-crypt\"\n\
             [source]\nfurther_ports = [{port}]\nallow = [\"127.0.0.1/32\"]\nauthorities = [\"{ca}\"]\n"
        );
        let password = place.directory.path().join("sign-in");
        std::fs::write(&password, SIGN_IN).unwrap();
        place.admin(&["users", "add", "kunde", "--password-file", password.to_str().unwrap()]);
        place.admin(&["domains", "add", "example.org", "kunde"]);
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

    async fn window(&self, scripts: Scripts, width: u32) -> Window {
        let mut capabilities = Capabilities::new();
        let arguments = self.browser.arguments(width, 900);
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&self.browser.url()).await.unwrap();
        let window = Window { client, scripts };
        if scripts == Scripts::Off {
            window.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        }
        window
    }
}

/// One browser window.
struct Window {
    client: Client,
    scripts: Scripts,
}

impl Window {
    async fn devtools(&self, command: &str, parameters: Value) {
        #[derive(Debug)]
        struct Devtools(Value);
        impl fantoccini::wd::WebDriverCompatibleCommand for Devtools {
            fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
                base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
            }

            fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
                (http::Method::POST, Some(self.0.to_string()))
            }
        }
        let command = Devtools(json!({ "cmd": command, "params": parameters }));
        self.client.issue_cmd(command).await.unwrap();
    }

    async fn go(&self, server: &Server, path: &str) {
        self.client.goto(&format!("http://{}{path}", server.address)).await.unwrap();
    }

    /// Waits until the element is there and seen; says what the page shows when it never is.
    async fn find(&self, css: &str) -> Element {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for element in self.client.find_all(Locator::Css(css)).await.unwrap() {
                if element.is_displayed().await.unwrap_or(false) {
                    return element;
                }
            }
            assert!(Instant::now() < deadline, "{css} is not on the page:\n{}", self.text("body").await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn text(&self, css: &str) -> String {
        match self.client.find(Locator::Css(css)).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Looks again until the page says so; without scripts by loading it again, as a person would.
    async fn until(&self, what: &str, is_so: impl AsyncFn(&Window) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self).await {
            assert!(Instant::now() < deadline, "{what}:\n{}", self.text("main").await);
            tokio::time::sleep(Duration::from_millis(200)).await;
            if self.scripts == Scripts::Off {
                self.client.refresh().await.unwrap();
            }
        }
    }

    async fn fill(&self, form: &str, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            let field = self.find(&format!("{form} input[name={name}]")).await;
            field.clear().await.unwrap();
            field.send_keys(value).await.unwrap();
        }
    }

    async fn click(&self, css: &str) {
        let element = self.find(css).await;
        // As a person would: not where the bar with the start button covers it.
        let argument = serde_json::to_value(&element).unwrap();
        let script = "arguments[0].scrollIntoView({ block: 'center' })";
        self.client.execute(script, vec![argument]).await.unwrap();
        element.click().await.unwrap();
    }

    async fn sign_in(&self, server: &Server) {
        self.go(server, "/domains/example.org/mailimport").await;
        self.fill("form", &[("name", "kunde"), ("password", SIGN_IN)]).await;
        self.click("form[action='/sign-in'] button.primary").await;
        self.find("#add").await;
    }

    /// What the row of a mailbox says.
    async fn row(&self, mailbox: &str) -> String {
        for row in self.client.find_all(Locator::Css("tr.entry")).await.unwrap() {
            let text = row.text().await.unwrap_or_default();
            if text.contains(&format!("{mailbox}@example.org")) {
                return text;
            }
        }
        String::new()
    }

    /// Opens the pencil of a mailbox, in place or as a page of its own, and saves it with these fields.
    async fn mend(&self, mailbox: &str, fields: &[(&str, &str)]) {
        self.click(&format!("tr.entry a[aria-label='Edit {mailbox}@example.org']")).await;
        let form = "form.entry-form[action*='/entries/']";
        self.fill(form, fields).await;
        self.click(&format!("{form} button.primary")).await;
    }

    /// Nothing that axe-core calls serious or critical.
    async fn is_accessible(&self, axe: &Path) {
        if self.scripts == Scripts::Off {
            return;
        }
        self.client.execute(&std::fs::read_to_string(axe).unwrap(), Vec::new()).await.unwrap();
        let run = "const done = arguments[0];
            axe.run().then(r => done(r.violations.filter(v => ['serious', 'critical'].includes(v.impact))
                .map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', '))));";
        let found = self.client.execute_async(run, Vec::new()).await.unwrap();
        let at = self.client.current_url().await.unwrap();
        assert_eq!(found, json!([]), "{at}");
    }

    async fn is_no_wider_than_its_window(&self) {
        let measure = "const root = document.documentElement; return root.scrollWidth - root.clientWidth;";
        let over = self.client.execute(measure, Vec::new()).await.unwrap();
        let at = self.client.current_url().await.unwrap();
        assert_eq!(over, json!(0), "{at} is wider than its window");
    }
}

/// The whole journey of the product.
async fn journey(scripts: Scripts) {
    let scene = Scene::new();
    let axe = testkit::browser::axe();
    let mut server = scene.place.serve();
    let window = scene.window(scripts, 1280).await;
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
    window.go(&server, "/domains/example.org/mailimport").await;
    window.find("article.run").await;
    window.is_accessible(&axe).await;
    window.client.clone().close().await.unwrap();
    server.signal("KILL");
    assert!(!server.wait().success());
    scene.way.resume();
    let server = scene.place.serve();

    // Back, at a telephone's width.
    let window = scene.window(scripts, 500).await;
    window.sign_in(&server).await;
    window
        .until("the run has ended", async |window| {
            let finished = !window.text("table.finished").await.is_empty();
            finished || window.text("article.run").await.contains("11 done")
        })
        .await;
    // A run that ends while somebody looks stays where it was until they come again.
    window.go(&server, "/domains/example.org/mailimport").await;
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
