//! `cargo xtask bench`: how fast it is, beside others that do the same work on the same machine at the same time.
//!
//! Figures of one machine say little; ratios of runs in turn (A B C A B C) say something. Nothing here is a test.

mod contenders;
pub(crate) mod floor;
mod mailboxes;
pub(crate) mod measure;
mod page;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use testkit::imap_client::Client;
use testkit::proxy::Proxy;
use testkit::server::{Dovecot, DovecotOptions, ImapServer, User};

use self::contenders::{Account, Contender, Copy, Programs, Target};
use self::mailboxes::Size;
use self::measure::Cost;
use self::rows::{Action, ROWS, Row, To};
use crate::step::{Failure, announce, cargo, root, run};

const PASSWORD: &str = "bench";

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Runs of each contender in each row; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only rows whose name holds this, such as "S first" or "40 ms" (can be given again)
    #[arg(long, value_name = "TEXT")]
    row: Vec<String>,
    /// An imapsync to measure beside the others; Debian has none
    #[arg(long, value_name = "PATH")]
    imapsync: Option<PathBuf>,
    /// Write docs/performance.md and its charts
    #[arg(long)]
    write: bool,
    /// Measure nothing: make the mailboxes, print how to reach them and wait for the Enter key, so that a profiler can be put
    /// to a single import
    #[arg(long, conflicts_with = "write")]
    hold: bool,
}

/// The costs of each contender in a row, run by run.
type Costs = BTreeMap<Contender, Vec<Cost>>;

/// A row and what it came to.
struct Measured {
    row: Row,
    costs: Costs,
}

/// Measures all rows that are asked for, and prints the table.
pub(crate) fn run_all(options: &Options) -> Result<(), Failure> {
    let is_wanted = |row: &&Row| {
        options.row.is_empty() || options.row.iter().any(|text| row.name().contains(text.as_str()))
    };
    let rows: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
    if rows.is_empty() {
        let names: Vec<String> = ROWS.iter().map(Row::name).collect();
        return Err(format!("There is no such row. There are: {}.", names.join(", ")));
    }
    install(&rows)?;
    let programs = Programs { imapsync: options.imapsync.clone(), ..programs()? };
    let bench = Bench::open(&rows, programs, options.runs)?;
    if options.hold {
        return bench.hold();
    }
    let mut measured = Vec::new();
    for row in rows {
        announce(&format!("{} ({} runs)", row.name(), options.runs));
        measured.push(Measured { row: *row, costs: bench.measure(row)? });
    }
    println!("{}", page::table(&measured));
    if options.write {
        page::write(&root().join("docs"), &measured, options.runs)?;
    }
    Ok(())
}

fn install(rows: &[&Row]) -> Result<(), Failure> {
    let mut packages = vec!["dovecot-imapd", "time"];
    let contenders = rows.iter().flat_map(|row| row.contenders);
    packages.extend(contenders.flat_map(|contender| contender.packages()));
    packages.sort_unstable();
    packages.dedup();
    let missing = testkit::server::missing_packages(&packages);
    if !missing.is_empty() {
        println!("Installing the Debian packages {}.", missing.join(", "));
    }
    testkit::server::install(&packages).map_err(|error| error.to_string())
}

/// Builds what is measured.
pub(crate) fn programs() -> Result<Programs, Failure> {
    announce("build");
    run(&mut cargo(&["build", "--release", "--locked", "--workspace", "--bins"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let program = |name| target.join("release").join(name);
    Ok(Programs { mailimport: program("mailimport"), xtask: program("xtask"), imapsync: None })
}

/// The old server with its mailboxes, the new server with empty ones, and room for the copies.
///
/// Copies stay until the end: for minutes after a file system has lost many files, making new ones takes several times as
/// long (ext4 does not give out their inodes again at once), and whoever came next would pay for it.
struct Bench {
    old: Dovecot,
    new: Dovecot,
    directory: TempDir,
    programs: Programs,
    runs: u32,
}

impl Bench {
    fn open(rows: &[&Row], programs: Programs, runs: u32) -> Result<Bench, Failure> {
        announce("mailboxes");
        let failed = |error: testkit::Error| error.to_string();
        let mut sizes: Vec<Size> = rows.iter().map(|row| row.mailbox).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let users = sizes.iter().flat_map(|size| size.users());
        let users = users.map(|user| User::new(&user, PASSWORD));
        let old = Dovecot::start(&DovecotOptions::with_users(users)).map_err(failed)?;
        for size in sizes {
            println!("   {}", size.describe());
            for user in size.users() {
                old.write_account(&user, &size.account()).map_err(failed)?;
                warm(&old, &user).map_err(failed)?;
            }
        }
        let over_imap = rows.iter().filter(|row| row.to == To::Imap);
        let users = over_imap.flat_map(|row| {
            let copies = row.contenders.iter();
            copies.flat_map(move |contender| (0..runs).map(move |run| near_user(row, *contender, run)))
        });
        let users = users.map(|user| User::new(&user, PASSWORD));
        let new = Dovecot::start(&DovecotOptions::with_users(users)).map_err(failed)?;
        // Not in memory: what reaches a disk is measured too.
        let directory = tempfile::Builder::new().prefix("mib").tempdir_in("/var/tmp");
        let directory = directory.map_err(|error| error.to_string())?;
        Ok(Bench { old, new, directory, programs, runs })
    }

    fn hold(&self) -> Result<(), Failure> {
        println!(
            "Password {PASSWORD}:\n\n\
             MAILIMPORT_SOURCE_PASSWORD={PASSWORD} {} import --tls-ca {} imaps://s@{} maildir:DIRECTORY\n\n\
             Enter ends the server.",
            self.programs.mailimport.display(),
            self.old.ca_pem().display(),
            self.old.tls()
        );
        std::io::stdin().read_line(&mut String::new()).map(|_| ()).map_err(|error| error.to_string())
    }

    fn measure(&self, row: &Row) -> Result<Costs, Failure> {
        let lines = [Line::open(self.old.tls(), row)?, Line::open(self.new.tls(), row)?];
        let contenders = row.contenders.iter().copied();
        let contenders: Vec<Contender> = contenders
            .filter(|contender| *contender != Contender::Imapsync || self.programs.imapsync.is_some())
            .collect();
        let mut costs = Costs::new();
        if row.action != Action::First {
            for contender in &contenders {
                self.once(row, Action::First, (*contender, 0), &lines)?;
            }
        }
        for run in 0..self.runs {
            if row.action == Action::New {
                self.bring_new(row.mailbox).map_err(|error| error.to_string())?;
            }
            for contender in &contenders {
                let run = if row.action == Action::First { run } else { 0 };
                let cost = self.once(row, row.action, (*contender, run), &lines)?;
                println!("   {:<28} {:>7.3} s", contender.name(), cost.wall);
                costs.entry(*contender).or_default().push(cost);
            }
        }
        Ok(costs)
    }

    /// One run of one contender. Runs of the same number go to the same place.
    fn once(
        &self,
        row: &Row,
        action: Action,
        (contender, run): (Contender, u32),
        [old, new]: &[Line; 2],
    ) -> Result<Cost, Failure> {
        let name = near_user(row, contender, run);
        let place = self.directory.path().join(&name);
        let near = || Account { server: new.reach, user: name.clone() };
        let copy = Copy {
            from: old.reach,
            users: row.mailbox.users(),
            to: if row.to == To::Imap { Target::Imap(near()) } else { Target::Maildir },
            ca: self.old.ca_pem(),
            to_ca: self.new.ca_pem(),
            password: PASSWORD,
            action,
            place,
        };
        let mut command = contender.command(&self.programs, &copy)?;
        // What the one before has left to be written is not this one's work.
        rustix::fs::sync();
        let before = (old.received() + new.received(), old.round_trips() + new.round_trips());
        let cost = measure::run(&mut command, self.directory.path())?;
        let received = (old.received() + new.received()).saturating_sub(before.0);
        let round_trips = (old.round_trips() + new.round_trips()).saturating_sub(before.1);
        Ok(Cost { received, round_trips, ..cost })
    }

    /// One per cent more in INBOX.
    fn bring_new(&self, mailbox: Size) -> testkit::Result<()> {
        let one_per_cent = if mailbox == Size::L { 200 } else { 20 };
        for user in mailbox.users() {
            let mut client = Client::login(self.old.plain(), &user, PASSWORD)?;
            for number in 0..one_per_cent {
                let text = format!("Subject: new {number}\r\n\r\n{}", "what is new\r\n".repeat(800));
                client.append("INBOX", &[], 1_700_000_000, text.as_bytes())?;
            }
        }
        Ok(())
    }
}

/// What a run fills: a directory here, a user's mailbox at the new server.
fn near_user(row: &Row, contender: Contender, run: u32) -> String {
    let name = format!("{}-{}-{run}", row.name(), contender.name());
    name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_lowercase()
}

/// The way to a server: straight, or through a proxy that makes it longer.
struct Line {
    reach: std::net::SocketAddr,
    proxy: Option<Proxy>,
}

impl Line {
    fn open(server: std::net::SocketAddr, row: &Row) -> Result<Line, Failure> {
        if row.round_trip == 0 {
            return Ok(Line { reach: server, proxy: None });
        }
        let proxy = Proxy::start(server).map_err(|error| error.to_string())?;
        // Half on the way there, half on the way back.
        proxy.delay(Duration::from_micros(row.round_trip * 500));
        Ok(Line { reach: proxy.addr(), proxy: Some(proxy) })
    }

    fn received(&self) -> u64 {
        self.proxy.as_ref().map_or(0, |proxy| proxy.octets_from_server() + proxy.octets_from_client())
    }

    fn round_trips(&self) -> u64 {
        self.proxy.as_ref().map_or(0, Proxy::round_trips)
    }
}

/// Makes Dovecot's indexes, so that nobody pays for them who comes first.
fn warm(server: &Dovecot, user: &str) -> testkit::Result<()> {
    let mut client = Client::login(server.plain(), user, PASSWORD)?;
    client.digest_only();
    for folder in client.list()?.iter().filter(|folder| folder.selectable) {
        client.fetch_all(&folder.wire)?;
    }
    Ok(())
}
