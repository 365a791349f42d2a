//! `--csv`: many accounts at once, by the same service that stands behind the page, on a database of the command's own.
//!
//! Each call begins a new list and a new run; what an earlier one brought stands in the ledger, so the same command goes on
//! after any stop. A line that cannot be used, or whose check fails, makes no mailbox. Passwords are sealed with a key that
//! only this process knows.

mod document;
mod list;
mod show;

use std::path::Path;
use std::sync::Arc;

use engine::account::Adoption;
use engine::plan::Selection;
use engine::report::Side;
use mailhost::DomainName;
use service::model::{EntryState, Import as Imported, RunId};
use tokio_util::sync::CancellationToken;

use self::document::Document;
use self::list::{Failed, List, Place};
use self::show::Show;
use super::{print, print_json, runtime};
use crate::arguments::{Check, Format, Import, OutputOptions};
use crate::config::value::Durability;
use crate::exit::Exit;
use crate::setup::{self, WrongUse};
use crate::{interrupt, location, logs, owner};

/// The largest file that is read: what the service takes, and one octet to tell that there is more.
const LARGEST: u64 = service::csv::MAX_OCTETS as u64 + 1;

/// What both commands need, read and found usable.
struct Job {
    octets: Vec<u8>,
    domain: DomainName,
    place: Place,
    output: Output,
}

/// How it is shown.
struct Output {
    format: Format,
    quiet: bool,
}

/// `mailimport import --csv FILE --domain DOMAIN DESTINATION`.
pub(crate) fn import(arguments: &Import, csv: &Path) -> Result<Exit, WrongUse> {
    let root = location::maildir(&arguments.source)?;
    let adoption = if arguments.adopt { Adoption::ByDigest } else { Adoption::OwnNames };
    let job = Job {
        octets: read(csv)?,
        domain: domain(arguments.domain.as_deref())?,
        place: Place {
            owner: owner::owner(&root, arguments.mail_user.as_deref())?,
            state: setup::maildir_ledger(arguments.ledger.state.as_ref(), &root),
            root,
            limits: setup::destination_limits(arguments.keep_free, arguments.durability),
            engine: setup::settings(&arguments.line, adoption),
            selection: setup::selection(&arguments.selection)?,
            trust: setup::trust(&arguments.account)?,
        },
        output: Output::of(&arguments.output),
    };
    run(job, &arguments.output, Extent::Import)
}

/// `mailimport check --csv FILE`: the same list, checked in a place of its own that is gone afterwards.
pub(crate) fn check(arguments: &Check, csv: &Path) -> Result<Exit, WrongUse> {
    let octets = read(csv)?;
    let domain = match &arguments.domain {
        Some(domain) => self::domain(Some(domain))?,
        None => domain_in(&octets),
    };
    let aside = tempfile::tempdir()?;
    let job = Job {
        octets,
        domain,
        place: Place {
            root: aside.path().join("mail"),
            owner: None,
            state: aside.path().join("state.db"),
            limits: setup::destination_limits(0, Durability::default()),
            engine: setup::patient(&arguments.patience),
            selection: Selection::default(),
            trust: setup::trust(&arguments.account)?,
        },
        output: Output::of(&arguments.output),
    };
    run(job, &arguments.output, Extent::Check)
}

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Connections are checked.
    Check,
    /// What is verified is imported.
    Import,
}

impl Output {
    fn of(options: &OutputOptions) -> Output {
        Output { format: options.format, quiet: options.quiet }
    }
}

fn run(job: Job, options: &OutputOptions, extent: Extent) -> Result<Exit, WrongUse> {
    let show = Arc::new(Show::new(job.output.quiet));
    logs::start(options, show.all());
    let format = job.output.format;
    // Before anything is made for it.
    service::csv::read(&job.octets, job.domain.as_str()).map_err(|problem| WrongUse(problem.message))?;
    let blank = Document::new(&job.domain, &job.place.root, extent);
    let done = runtime()?.block_on(async {
        let cancel = interrupt::listen()?;
        Ok::<_, WrongUse>(work(job, &show, extent, &cancel).await)
    })?;
    show.finish();
    let document = match done {
        Ok(document) => document,
        Err(Failed::Unusable(why)) => return Err(WrongUse(why)),
        Err(Failed::Destination(why)) => blank.failed(Side::Destination, "destination", why),
        Err(Failed::Internal(why)) => blank.failed(Side::Internal, "internal", why),
    };
    match format {
        Format::Json => print_json(&document),
        Format::Human => print(&document.for_people()),
    }
    Ok(document.exit())
}

async fn work(job: Job, show: &Show, extent: Extent, cancel: &CancellationToken) -> Result<Document, Failed> {
    let list = List::open(&job.place, &job.domain, cancel).await?;
    let done = on_the_list(&list, &job, show, extent, cancel).await;
    list.close().await;
    done
}

async fn on_the_list(
    list: &List,
    job: &Job,
    show: &Show,
    extent: Extent,
    cancel: &CancellationToken,
) -> Result<Document, Failed> {
    let mut document = Document::new(&job.domain, &job.place.root, extent);
    for note in list.add(&job.octets).await? {
        show.say(&note.message);
    }
    let entries = list.checked(show, cancel).await?;
    let verified = entries.iter().filter(|entry| entry.state == EntryState::Verified).count();
    for entry in &entries {
        document.add_entry(entry);
    }
    if cancel.is_cancelled() {
        document.interrupted();
        return Ok(document);
    }
    if extent == Extent::Import && verified > 0 {
        let run: RunId = list.start().await?;
        let imports: Vec<Imported> = list.ended(run, show, cancel).await?;
        imports.iter().for_each(|import| document.add_import(import));
        if cancel.is_cancelled() {
            document.interrupted();
        }
    }
    Ok(document)
}

fn read(path: &Path) -> Result<Vec<u8>, WrongUse> {
    use std::io::Read;
    let mut octets = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut octets))
        .map_err(|error| WrongUse(format!("{} cannot be read: {error}", path.display())))?;
    Ok(octets)
}

fn domain(text: Option<&str>) -> Result<DomainName, WrongUse> {
    let text = text.ok_or_else(|| {
        WrongUse("--csv needs --domain, the part after the @ of the new mailboxes".to_owned())
    })?;
    text.parse().map_err(|_| WrongUse(format!("{text:?} is no domain, such as example.org")))
}

/// A check needs no domain; a mailbox that is written with one tells it.
fn domain_in(octets: &[u8]) -> DomainName {
    // A name for documentation, RFC 2606.
    const ANY: &str = "example.org";
    let any = || ANY.parse().expect("it is a domain's name");
    let rows = service::csv::read(octets, ANY).map_or(Vec::new(), |preview| preview.rows);
    let written = rows.iter().find_map(|row| row.entry.mailbox.rsplit_once('@')?.1.parse().ok());
    written.unwrap_or_else(any)
}
