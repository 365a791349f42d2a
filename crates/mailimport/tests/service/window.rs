//! A window of a real Chromium, used as a person would.

use std::path::Path;
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use testkit::browser::Browser;

use crate::process::{SIGN_IN, Server};

/// The largest time that anything on the page may take, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Whether the browser runs scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// One browser window.
pub(crate) struct Window {
    pub(crate) client: Client,
    scripts: Scripts,
}

impl Window {
    /// Opens a window so wide.
    pub(crate) async fn open(browser: &Browser, scripts: Scripts, width: u32) -> Window {
        let mut capabilities = Capabilities::new();
        let arguments = browser.arguments(width, 900);
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&browser.url()).await.unwrap();
        let window = Window { client, scripts };
        if scripts == Scripts::Off {
            window.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        }
        window
    }

    pub(crate) async fn devtools(&self, command: &str, parameters: Value) {
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

    pub(crate) async fn go(&self, server: &Server, path: &str) {
        self.client.goto(&format!("http://{}{path}", server.address)).await.unwrap();
    }

    /// Waits until the element is there and seen; says what the page shows when it never is.
    pub(crate) async fn find(&self, css: &str) -> Element {
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

    pub(crate) async fn text(&self, css: &str) -> String {
        match self.client.find(Locator::Css(css)).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Looks again until the page says so; without scripts by loading it again, as a person would.
    pub(crate) async fn until(&self, what: &str, is_so: impl AsyncFn(&Window) -> bool) {
        self.until_within(PATIENCE, what, is_so).await;
    }

    /// The same for what takes long on a machine that does much else.
    pub(crate) async fn until_within(
        &self,
        patience: Duration,
        what: &str,
        is_so: impl AsyncFn(&Window) -> bool,
    ) {
        let deadline = Instant::now() + patience;
        while !is_so(self).await {
            assert!(Instant::now() < deadline, "{what}:\n{}", self.text("main").await);
            tokio::time::sleep(Duration::from_millis(200)).await;
            if self.scripts == Scripts::Off {
                self.client.refresh().await.unwrap();
            }
        }
    }

    pub(crate) async fn fill(&self, form: &str, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            let field = self.find(&format!("{form} input[name={name}]")).await;
            field.clear().await.unwrap();
            field.send_keys(value).await.unwrap();
        }
    }

    pub(crate) async fn click(&self, css: &str) {
        while !self.try_click(css).await {}
    }

    /// Whether the element was still the page's own: a live page may renew it at any moment.
    async fn try_click(&self, css: &str) -> bool {
        let element = self.find(css).await;
        // As a person would: not where the bar with the start button covers it.
        let argument = serde_json::to_value(&element).unwrap();
        let script = "arguments[0].scrollIntoView({ block: 'center' })";
        let clicked = match self.client.execute(script, vec![argument]).await {
            Ok(_) => element.click().await,
            Err(error) => Err(error),
        };
        match clicked {
            Err(error) if error.is_stale_element_reference() => false,
            clicked => clicked.map(|()| true).unwrap(),
        }
    }

    pub(crate) async fn sign_in(&self, server: &Server) {
        self.go(server, "/domains/example.org/mailimport").await;
        self.fill("form", &[("name", "kunde"), ("password", SIGN_IN)]).await;
        self.click("form[action='/sign-in'] button.primary").await;
        self.find("#add").await;
    }

    /// What the row of a mailbox says; nothing when there is none.
    pub(crate) async fn row(&self, mailbox: &str) -> String {
        self.text(&format!("tr.entry:has(a[aria-label='Remove {mailbox}@example.org'])")).await
    }

    /// Opens the pencil of a mailbox, in place or as a page of its own, and saves it with these fields.
    pub(crate) async fn mend(&self, mailbox: &str, fields: &[(&str, &str)]) {
        self.click(&format!("tr.entry a[aria-label='Edit {mailbox}@example.org']")).await;
        let form = "form.entry-form[action*='/entries/']";
        self.fill(form, fields).await;
        self.click(&format!("{form} button.primary")).await;
    }

    /// Nothing that axe-core calls serious or critical.
    pub(crate) async fn is_accessible(&self, axe: &Path) {
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

    pub(crate) async fn is_no_wider_than_its_window(&self) {
        let measure = "const root = document.documentElement; return root.scrollWidth - root.clientWidth;";
        let over = self.client.execute(measure, Vec::new()).await.unwrap();
        let at = self.client.current_url().await.unwrap();
        assert_eq!(over, json!(0), "{at} is wider than its window");
    }
}
