//! The page of the demo: `mailimport serve`, a customer with a domain, the old accounts as a CSV, and a run of it that is
//! checked, started and watched through the API, as a program of the customer's would.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::PASSWORD;
use super::interrupt::Interrupt;
use super::mailboxes::Mailbox;
use super::program::Program;
use crate::step::Failure;

/// Who signs in at the page, and with what.
pub(super) const CUSTOMER: &str = "demo";
pub(super) const SIGN_IN: &str = "demo-of-mailimport";
/// The new mailboxes' domain and password.
pub(super) const DOMAIN: &str = "example.org";
pub(super) const NEW_PASSWORD: &str = "New-Mailbox-1";
/// How often the API is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Where everything of the page lies, and what it is told.
pub(super) struct Place<'a> {
    /// A directory of its own.
    pub(super) directory: &'a Path,
    /// The old server.
    pub(super) old: SocketAddr,
    /// The authority that signed its certificate.
    pub(super) ca: &'a Path,
    /// Who is to own the mail, when root runs this.
    pub(super) mail_user: Option<String>,
}

impl Place<'_> {
    /// The root of the new mailboxes.
    pub(super) fn mail(&self) -> PathBuf {
        self.directory.join("mail")
    }

    /// The old accounts, ready to be sent at the page.
    pub(super) fn csv(&self) -> PathBuf {
        self.directory.join("accounts.csv")
    }

    /// Settings by the environment, as a container would have them. The old server is on this machine, which has to be
    /// allowed by name.
    pub(super) fn settings(&self, command: &mut Command) {
        command
            .env("MAILIMPORT_DATA_DIR", self.directory.join("data"))
            .env("MAILIMPORT_LISTEN", "127.0.0.1:0")
            .env("MAILIMPORT_MAIL_ROOT", self.mail())
            .env("MAILIMPORT_MAIL_USER", self.mail_user.as_deref().unwrap_or_default())
            .env("MAILIMPORT_SOURCE_ALLOW", "127.0.0.1/32,::1/128")
            .env("MAILIMPORT_SOURCE_FURTHER_PORTS", self.old.port().to_string())
            .env("MAILIMPORT_SOURCE_AUTHORITIES", self.ca)
            .env("MAILIMPORT_LOG_LEVEL", "warn");
    }
}

/// A running `mailimport serve`; it ends when this is dropped.
pub(super) struct Page {
    child: Child,
    /// Where browsers find it.
    pub(super) base: String,
    token: String,
    domain: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Page {
    /// Makes a customer with a domain, and starts serving.
    pub(super) fn open(program: &Program, place: &Place, interrupt: &Interrupt) -> Result<Page, Failure> {
        let password = place.directory.join("sign-in");
        std::fs::write(&password, SIGN_IN).map_err(|error| error.to_string())?;
        let password = password.display().to_string();
        let admin =
            |arguments: &[&str]| program.output(&[&["admin"], arguments].concat(), |c| place.settings(c));
        admin(&["users", "add", CUSTOMER, "--password-file", &password])?;
        admin(&["domains", "add", DOMAIN, CUSTOMER])?;
        let token = admin(&["tokens", "add", CUSTOMER, "demo"])?.trim().to_owned();
        let mut command = program.plain();
        place.settings(command.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()));
        let mut child = interrupt.start(&mut command)?;
        let output = child.stdout.take();
        let mut page = Page { child, base: String::new(), token, domain: String::new() };
        let said = output.and_then(|output| BufReader::new(output).lines().next()?.ok()).unwrap_or_default();
        let base =
            said.strip_prefix("mailimport is at ").ok_or("mailimport serve did not say where it is.")?;
        page.base = base.to_owned();
        let domains = page.get("/api/v1/domains")?;
        page.domain = text(&domains, "/0/id")?;
        Ok(page)
    }

    /// Sends the CSV; gives when every connection was checked how many are verified.
    pub(super) fn prepare(&self, csv: &str, interrupt: &Interrupt) -> Result<u64, Failure> {
        let added = self.post(&format!("/api/v1/domains/{}/entries/csv", self.domain), "text/csv", csv)?;
        if added["with_problems"] != 0 {
            return Err(format!("The CSV has problems: {added}"));
        }
        loop {
            interrupt.check()?;
            let ready = self.get(&format!("/api/v1/domains/{}/readiness", self.domain))?;
            if ready["need_attention"] != 0 {
                return Err(format!("A connection could not be verified: {ready}"));
            }
            if ready["pending"] == 0 {
                return ready["verified"].as_u64().ok_or_else(|| format!("No number of entries: {ready}"));
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    /// Presses *Start mailimport*; gives the run when it has ended.
    pub(super) fn run(&self, interrupt: &Interrupt) -> Result<Value, Failure> {
        let run = self.post(&format!("/api/v1/domains/{}/runs", self.domain), "application/json", "")?;
        let address = format!("/api/v1/runs/{}", text(&run, "/id")?);
        loop {
            interrupt.check()?;
            let run = self.get(&address)?;
            match run["state"].as_str() {
                Some("running" | "paused") => std::thread::sleep(ASK_EVERY),
                _ => return Ok(run),
            }
        }
    }

    fn get(&self, address: &str) -> Result<Value, Failure> {
        let request = ureq::get(format!("{}{address}", self.base));
        let answer = request.header("Authorization", format!("Bearer {}", self.token)).call();
        document(address, answer)
    }

    fn post(&self, address: &str, kind: &str, body: &str) -> Result<Value, Failure> {
        let request = ureq::post(format!("{}{address}", self.base)).header("Content-Type", kind);
        let answer = request.header("Authorization", format!("Bearer {}", self.token)).send(body);
        document(address, answer)
    }
}

fn document(
    address: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, Failure> {
    let mut answer = answer.map_err(|error| format!("{address}: {error}"))?;
    answer.body_mut().read_json().map_err(|error| format!("{address}: {error}"))
}

fn text(document: &Value, at: &str) -> Result<String, Failure> {
    let text = document.pointer(at).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("There is nothing at {at} in {document}"))
}

/// The old accounts as the CSV that a customer would write.
pub(super) fn csv(mailboxes: &[Mailbox], old: SocketAddr) -> String {
    let mut text = "IMAP server;IMAP username;IMAP password;Mailbox;Password\r\n".to_owned();
    for mailbox in mailboxes {
        let user = mailbox.user;
        text += &format!("imaps://localhost:{};{user};{PASSWORD};{user};{NEW_PASSWORD}\r\n", old.port());
    }
    text
}
