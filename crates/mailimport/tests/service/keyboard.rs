//! The page by keyboard alone, at the width of a telephone.

use std::time::Instant;

use fantoccini::key::Key;
use serde_json::json;
use testkit::browser::Browser;
use testkit::factory;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use crate::process::{Place, SIGN_IN, Server};
use crate::window::{PATIENCE, Scripts, Window};

const OLD: &str = "old horse battery";
const NEW: &str = "Neues-Passwort-1";
/// Stops of the Tab key that any page has at most.
const STOPS: usize = 200;

/// Hands on the keyboard, none on the mouse.
struct Keyboard {
    window: Window,
}

impl Keyboard {
    async fn press(&self, keys: &str) {
        self.window.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Whether what has the focus is this, and can be seen: nothing lies over it (WCAG 2.2, 2.4.11).
    async fn is_at(&self, css: &str) -> bool {
        let script = "const active = document.activeElement;
            if (active === document.body || active === document.documentElement) return { at: false, seen: true };
            // What changed above it may have moved it out of the window; the next key brings it back.
            active.scrollIntoView({ block: 'nearest' });
            const box = active.getBoundingClientRect();
            const [x, y] = [box.x + Math.min(box.width / 2, 20), box.y + Math.min(box.height / 2, 20)];
            const top = document.elementFromPoint(x, y);
            const label = active.labels?.[0];
            const seen = !!top && (active.contains(top) || top.contains(active) || label?.contains(top));
            return { at: active.matches(arguments[0]), seen, what: active.outerHTML.slice(0, 200), over: top?.outerHTML.slice(0, 200) };";
        let found = self.window.client.execute(script, vec![json!(css)]).await.unwrap();
        assert_eq!(found["seen"], json!(true), "something lies over what has the focus: {found}");
        found["at"] == json!(true)
    }

    /// Goes on with the Tab key until it is reached.
    async fn tab_to(&self, css: &str) {
        for _ in 0..STOPS {
            if self.is_at(css).await {
                return;
            }
            self.press(&Key::Tab.to_string()).await;
        }
        panic!("{css} is not reached:\n{}", self.window.text("body").await);
    }

    async fn fill(&self, css: &str, text: &str) {
        self.tab_to(css).await;
        self.press(text).await;
    }

    async fn choose(&self, css: &str) {
        self.tab_to(css).await;
        self.press(&Key::Enter.to_string()).await;
    }

    async fn add(&self, server: &str, user: &str, password: &str) {
        for (field, text) in [
            ("server", server),
            ("username", user),
            ("password", password),
            ("mailbox", user),
            ("mailbox_password", NEW),
        ] {
            self.fill(&format!("form.entry-form input[name={field}]"), text).await;
        }
        self.choose("form.entry-form .buttons button").await;
        self.row(user, "").await;
    }

    /// Waits until the row of a mailbox says so.
    async fn row(&self, mailbox: &str, says: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.window.row(mailbox).await;
            if !row.is_empty() && row.contains(says) {
                return;
            }
            assert!(Instant::now() < deadline, "{says}: {row}\n{}", self.window.text("main").await);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn sign_in(&self, server: &Server) {
        self.window.go(server, "/domains").await;
        self.fill("input[name=name]", "kunde").await;
        self.fill("input[name=password]", SIGN_IN).await;
        self.press(&Key::Enter.to_string()).await;
        self.window.find("a[href='/domains/example.org/mailimport']").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_done_by_keyboard_alone_at_360_pixels() {
    let old = Dovecot::start(&DovecotOptions::with_users(["anna", "ben"].map(|name| User::new(name, OLD))))
        .unwrap();
    for name in ["anna", "ben"] {
        old.write_account(name, &factory::generated_small()).unwrap();
    }
    let place = Place::with_old_server(old.tls().port(), old.ca_pem());
    place.add_customer();
    let server = place.serve();
    let browser = Browser::start().unwrap();
    let window = Window::open(&browser, Scripts::On, 500).await;
    let telephone = json!({ "width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": false });
    window.devtools("Emulation.setDeviceMetricsOverride", telephone).await;
    let keyboard = Keyboard { window };
    let window = &keyboard.window;
    let from = format!("imaps://{}", old.tls());

    keyboard.sign_in(&server).await;
    keyboard.choose("a[href='/domains/example.org/mailimport']").await;
    window.find("form.entry-form").await;
    keyboard.add(&from, "anna", OLD).await;
    keyboard.add(&from, "ben", "the wrong one").await;
    keyboard.add(&from, "carl", "nobody's").await;
    keyboard.row("anna", "Ready").await;
    keyboard.row("ben", "Needs attention").await;
    keyboard.row("carl", "Needs attention").await;

    // The pencil opens the form in place, the cursor in it; Escape closes it and gives the focus back.
    keyboard.choose("a[aria-label='Edit ben@example.org']").await;
    window.find("tr.editor form").await;
    keyboard.press(&Key::Escape.to_string()).await;
    assert!(keyboard.is_at("a[aria-label='Edit ben@example.org']").await);
    keyboard.press(&Key::Enter.to_string()).await;
    window.find("tr.editor form").await;
    keyboard.fill("tr.editor input[name=password]", OLD).await;
    keyboard.choose("tr.editor button.primary").await;
    keyboard.row("ben", "Ready").await;
    // The trash can asks, and takes no for an answer.
    keyboard.choose("a[aria-label='Remove carl@example.org']").await;
    window.find("dialog[open]").await;
    keyboard.press(&Key::Escape.to_string()).await;
    assert!(keyboard.is_at("a[aria-label='Remove carl@example.org']").await);
    keyboard.press(&Key::Enter.to_string()).await;
    window.find("dialog[open]").await;
    keyboard.choose("dialog[open] button.danger").await;
    window.until("carl is gone", async |window| window.row("carl").await.is_empty()).await;

    window.until("all are ready", async |window| window.text("#summary").await.contains("2 ready")).await;
    keyboard.choose("#start").await;
    window.until("it has ended", async |window| window.text("table.finished").await.contains("Done")).await;
    keyboard.choose("table.finished a").await;
    window.find("table.imports").await;
    keyboard.choose("table.imports a").await;
    window.until("the report is there", async |window| window.text("main").await.contains("60")).await;
    window.is_no_wider_than_its_window().await;
    keyboard.choose("a[href='/account']").await;
    window.find("input[type=password]").await;
    keyboard.tab_to("form[action='/sign-out'] button").await;
    keyboard.press(&Key::Enter.to_string()).await;
    window.find("form[action='/sign-in']").await;
    window.client.clone().close().await.unwrap();
}
