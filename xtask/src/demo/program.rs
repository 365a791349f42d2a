//! The release binary `mailimport`: built by cargo, run as a person would run it.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::interrupt::Interrupt;
use crate::step::{Failure, cargo};

/// The binary, and where it is to take mail from.
#[derive(Debug)]
pub(super) struct Program {
    binary: PathBuf,
    interrupt: Interrupt,
}

/// One mailbox, as the command line names it.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// `imaps://...`
    pub(super) source: String,
    /// The root of the Maildir.
    pub(super) maildir: &'a Path,
    /// The authority that signed the old server's certificate.
    pub(super) ca: &'a Path,
    /// The old password.
    pub(super) password: &'a str,
    /// Who is to own the mail, when root runs this.
    pub(super) mail_user: Option<String>,
}

impl Program {
    /// Builds it and asks cargo where it is.
    pub(super) fn build(interrupt: &Interrupt) -> Result<Self, Failure> {
        let mut command = cargo(&["build", "--release", "--locked", "--package", "mailimport"]);
        command.arg("--message-format=json-render-diagnostics").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = interrupt.start(&mut command)?;
        let output = child.stdout.take();
        let reader = std::thread::spawn(move || output.and_then(|output| executable(BufReader::new(output))));
        let status = interrupt.ended(&mut child)?;
        let binary = reader.join().ok().flatten();
        match binary {
            Some(binary) if status.success() => Ok(Self { binary, interrupt: interrupt.clone() }),
            _ => Err(format!("mailimport could not be built (cargo ended with {status}).")),
        }
    }

    /// Imports and shows the report for people. Fails unless the import is complete.
    pub(super) fn import(&self, job: &Job) -> Result<(), Failure> {
        let mut command = self.command("import", job);
        if !std::io::stderr().is_terminal() {
            command.arg("--quiet");
        }
        let mut child = self.interrupt.start(&mut command)?;
        let status = self.interrupt.ended(&mut child)?;
        if status.success() { Ok(()) } else { Err(format!("The import ended with {status}.")) }
    }

    /// Imports without a word and gives the report as a document.
    pub(super) fn import_again(&self, job: &Job) -> Result<Value, Failure> {
        self.document(self.command("import", job))
    }

    /// Verifies without a word and gives the report as a document.
    pub(super) fn verify(&self, job: &Job) -> Result<Value, Failure> {
        self.document(self.command("verify", job))
    }

    fn document(&self, mut command: Command) -> Result<Value, Failure> {
        command.args(["--quiet", "--format", "json"]).stdout(Stdio::piped());
        let mut child = self.interrupt.start(&mut command)?;
        let output = child.stdout.take();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            output.map_or(Ok(0), |mut output| output.read_to_string(&mut text)).map(|_| text)
        });
        let status = self.interrupt.ended(&mut child)?;
        let text = reader.join().ok().and_then(Result::ok).unwrap_or_default();
        if !status.success() {
            return Err(format!("mailimport ended with {status}:\n{text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("The report cannot be read: {error}"))
    }

    /// The program without arguments, in a clean environment.
    pub(super) fn plain(&self) -> Command {
        let mut command = Command::new(&self.binary);
        let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("MAILIMPORT_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command
    }

    /// What it prints, when it ends well.
    pub(super) fn output(
        &self,
        arguments: &[&str],
        set: impl FnOnce(&mut Command),
    ) -> Result<String, Failure> {
        let mut command = self.plain();
        set(command.args(arguments).stdin(Stdio::null()));
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("mailimport {} ended with {}: {said}", arguments.join(" "), output.status))
    }

    fn command(&self, what: &str, job: &Job) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(job.arguments(what));
        // Of the two secrets only one may be there.
        command.env("MAILIMPORT_SOURCE_PASSWORD", job.password).env_remove("MAILIMPORT_SOURCE_TOKEN");
        command.stdin(Stdio::null());
        command
    }
}

impl Job<'_> {
    /// The arguments of `mailimport import` or `mailimport verify`.
    pub(super) fn arguments(&self, what: &str) -> Vec<String> {
        let mut arguments = vec![
            what.to_owned(),
            self.source.clone(),
            format!("maildir:{}", self.maildir.display()),
            "--tls-ca".to_owned(),
            self.ca.display().to_string(),
        ];
        if let (Some(user), "import") = (&self.mail_user, what) {
            arguments.extend(["--mail-user".to_owned(), user.clone()]);
        }
        arguments
    }
}

/// Reads cargo's messages to their end for the path of the binary.
fn executable(messages: impl BufRead) -> Option<PathBuf> {
    let messages = messages.lines().map_while(Result::ok);
    let binaries = messages.filter_map(|line| {
        let message: Value = serde_json::from_str(&line).ok()?;
        let ours = message.pointer("/target/name")? == "mailimport";
        let path = message.get("executable")?.as_str()?;
        ours.then(|| PathBuf::from(path))
    });
    binaries.last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"mailimport_engine"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"mailimport"},"executable":"/x/release/mailimport"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n",
        );
        assert_eq!(executable(messages.as_bytes()), Some(PathBuf::from("/x/release/mailimport")));
    }

    #[test]
    fn a_build_without_a_binary_has_none() {
        assert_eq!(executable(&b"{\"reason\":\"build-finished\",\"success\":false}\n"[..]), None);
    }
}
