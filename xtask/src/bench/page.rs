//! The figures for people: a table, a chart for each row, a page.

use std::fmt::Write as _;
use std::path::Path;

use super::Measured;
use super::contenders::Contender;
use super::measure::{Cost, median};
use crate::step::Failure;

impl Measured {
    fn middle(&self, contender: Contender, of: impl Fn(&Cost) -> f64) -> Option<f64> {
        Some(median(self.costs.get(&contender)?.iter().map(of).collect()))
    }

    /// The median of the ratios of runs in the same turn.
    fn ratio(&self, contender: Contender) -> Option<f64> {
        let yardstick = self.costs.get(&self.row.yardstick())?;
        let pairs = self.costs.get(&contender)?.iter().zip(yardstick);
        Some(median(pairs.map(|(one, other)| one.wall / other.wall).collect()))
    }
}

/// The table, in Markdown.
pub(super) fn table(rows: &[Measured]) -> String {
    let mut text = String::from(
        "| row | contender | time | ratio | CPU | memory | on the wire | turns |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for measured in rows {
        let lines = measured.row.contenders.iter().filter_map(|contender| line(measured, *contender));
        for (at, line) in lines.enumerate() {
            let name = if at == 0 { measured.row.name() } else { String::new() };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {name} | {line} |");
        }
    }
    text
}

fn line(measured: &Measured, contender: Contender) -> Option<String> {
    let middle = |of: fn(&Cost) -> f64| measured.middle(contender, of);
    let wire = if measured.row.round_trip == 0 {
        " | ".to_owned()
    } else {
        #[expect(clippy::cast_precision_loss, reason = "megabytes, for reading")]
        let megabytes = middle(|cost| cost.received as f64)? / 1e6;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let turns = middle(|cost| cost.round_trips as f64)?;
        format!("{megabytes:.1} MB | {turns:.0}")
    };
    Some(format!(
        "{} | {:.3} s | {:.2} | {:.2} s | {:.0} MiB | {wire}",
        contender.name(),
        middle(|cost| cost.wall)?,
        measured.ratio(contender)?,
        middle(|cost| cost.cpu)?,
        middle(|cost| cost.memory)?,
    ))
}

/// Writes the page and its chart.
pub(super) fn write(docs: &Path, rows: &[Measured], runs: u32) -> Result<(), Failure> {
    let put = |name: &str, text: &str| {
        std::fs::write(docs.join(name), text).map_err(|error| format!("docs/{name}: {error}"))
    };
    put("performance.svg", &chart(rows))?;
    let page = format!(
        "# How fast it is\n\n\
         {}\n\n\
         ```sh\ncargo xtask bench --runs {runs} --write\n```\n\n\
         wrote this page. Each contender ran {runs} times in each row, in turn with the others; the table has the medians. *Ratio* is \
         the median of the ratios to the floor of the same turn (to mbsync where there is no floor); below 1 is faster.\n\n\
         The **floor** is a bare client that does only what is physically needed: it asks for everything at once, writes each \
         message to `tmp`, brings each folder to the disk once and renames; over IMAP it appends 200 messages at a time; *again* it \
         logs in and asks for the state of all folders once. It keeps no record, compares nothing and makes no mailbox.\n\n\
         *S* is 2,000 messages with 107 MB in nine folders, *L* 20,000 with 101 MB in five; *20 accounts* are 500 messages each, by \
         one process, which also checks the accounts, makes the mailboxes and hashes their passwords. All connections are TLS to \
         Dovecots on the same machine; milliseconds are a round trip that a proxy adds, and the octets and *turns* (how often the \
         program spoke after a server had) are what passed through it. Memory is the largest resident set of the program itself. \
         What limits the rows in which mailimport is far from the floor is said in [design/scale.md](design/scale.md).\n\n\
         ![Ratios to the floor](performance.svg)\n\n{}",
        machine(),
        table(rows)
    );
    put("performance.md", &page)
}

/// What it ran on, without saying where.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let day = std::process::Command::new("date").arg("+%Y-%m-%d").output();
    let day = day.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!(
        "Measured on {day}, on a machine with {cores} cores, Debian's Dovecot, mailimport {}.",
        env!("CARGO_PKG_VERSION")
    )
}

const BAR: f64 = 14.0;
const LEFT: f64 = 300.0;
const WIDTH: f64 = 900.0;
/// The ratio at the right edge; longer bars are cut and say so by their figure.
const MOST: f64 = 8.0;

/// Bars of the ratios, row by row.
fn chart(rows: &[Measured]) -> String {
    let mut bars = String::new();
    let mut y = 20.0;
    for measured in rows {
        y += BAR;
        // Writing to a String cannot fail.
        let _ = writeln!(bars, "<text x=\"8\" y=\"{y}\" font-weight=\"bold\">{}</text>", measured.row.name());
        for contender in measured.row.contenders {
            let Some(ratio) = measured.ratio(*contender) else { continue };
            y += BAR + 4.0;
            let (length, text) = ((ratio.min(MOST) / MOST * (WIDTH - LEFT - 60.0)).max(1.0), y - 3.0);
            let colour = if *contender == Contender::Mailimport { "#0b6e4f" } else { "#9aa5b1" };
            let top = y - BAR;
            let _ = writeln!(
                bars,
                "<text x=\"24\" y=\"{text}\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{text}\">{ratio:.2}</text>",
                contender.name(),
                LEFT + length + 6.0,
            );
        }
        y += BAR;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" \
         role=\"img\" aria-label=\"Times as multiples of the floor's\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{bars}</svg>\n",
        height = y + BAR,
    )
}
