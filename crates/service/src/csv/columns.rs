//! Which column is which: by a header in English or German, in any order, else as documented.

use secrecy::zeroize::Zeroizing;

use super::records::{Expect, Record, Records};
use crate::model::Problem;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Server,
    Username,
    Password,
    Mailbox,
    MailboxPassword,
}

impl Column {
    const ALL: [Column; 5] =
        [Column::Server, Column::Username, Column::Password, Column::Mailbox, Column::MailboxPassword];

    /// Its name in problems.
    fn field(self) -> &'static str {
        match self {
            Column::Server => "server",
            Column::Username => "username",
            Column::Password => "password",
            Column::Mailbox => "mailbox",
            Column::MailboxPassword => "mailbox_password",
        }
    }
}

/// What a name in a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Is(Column),
    /// A password: of the source, unless that is there already or the other one is missing.
    SomePassword,
    /// An address: of the source, unless its user name is there already.
    SomeAddress,
}

/// Where the columns stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    places: [Option<usize>; 5],
    /// How many there are.
    pub(super) count: usize,
    ignored: Vec<String>,
}

impl Columns {
    /// `IMAP server;IMAP username;IMAP password;Mailbox;Password`.
    pub(super) fn documented() -> Columns {
        Columns { places: [Some(0), Some(1), Some(2), Some(3), Some(4)], count: 5, ignored: Vec::new() }
    }

    /// Where a column stands.
    pub(super) fn index(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }

    /// The field of a record.
    pub(super) fn of<'r>(&self, record: &'r Record, column: Column) -> Option<&'r str> {
        self.index(column).and_then(|index| record.fields.get(index)).map(|field| field.as_str())
    }

    /// Fields that a row has at least.
    pub(super) fn fewest(&self) -> usize {
        let needed = [Column::Username, Column::Password, Column::Mailbox];
        needed.iter().filter_map(|column| self.index(*column)).max().map_or(0, |last| last + 1)
    }

    /// Where the first password stands: only what is before it can be told of a row that is cut wrongly.
    pub(super) fn first_password(&self) -> usize {
        let passwords = [Column::Password, Column::MailboxPassword];
        passwords.iter().filter_map(|column| self.index(*column)).min().unwrap_or(self.count)
    }

    /// Says which columns are not read.
    pub(super) fn ignored_note(&self) -> Option<Problem> {
        let names = self.ignored.join(", ");
        (!names.is_empty()).then(|| {
            Problem::new(
                "file",
                "csv_column_ignored",
                format!("These columns are not needed and were not read: {names}"),
            )
            .with("columns", names)
        })
    }
}

/// Reads the header, if the first row that is not blank is one, and steps over it.
pub(super) fn header(records: &mut Records<'_>) -> Option<Result<Columns, Problem>> {
    let mut after = *records;
    let first = std::iter::from_fn(|| after.next(Expect::Several)).find(|record| !record.is_blank())?;
    let columns = named(&first)?;
    *records = after;
    Some(columns)
}

/// A header has at least three names that are known, they are most of it, and no name is an e-mail address.
fn named(record: &Record) -> Option<Result<Columns, Problem>> {
    let names: Vec<&Zeroizing<String>> = record.fields.iter().collect();
    let meanings: Vec<Option<Meaning>> = names.iter().map(|name| meaning(name)).collect();
    let known = meanings.iter().flatten().count();
    let given = names.iter().filter(|name| !name.trim().is_empty()).count();
    if record.fault.is_some()
        || known < 3
        || known * 2 <= given
        || names.iter().any(|name| name.contains('@'))
    {
        return None;
    }
    let mut columns = Columns { places: [None; 5], count: 0, ignored: Vec::new() };
    columns.count = names.iter().rposition(|name| !name.trim().is_empty()).map_or(0, |last| last + 1);
    for (index, (name, meaning)) in names.iter().zip(&meanings).enumerate() {
        if meaning.is_none() && !name.trim().is_empty() {
            columns.ignored.push(name.trim().chars().take(40).collect());
        }
        if let Some(Meaning::Is(column)) = meaning
            && let Err(problem) = columns.put(*column, index)
        {
            return Some(Err(problem));
        }
    }
    Some(columns.settled(&meanings))
}

impl Columns {
    fn put(&mut self, column: Column, index: usize) -> Result<(), Problem> {
        let place = &mut self.places[column as usize];
        if place.replace(index).is_none() {
            return Ok(());
        }
        let field = column.field();
        Err(Problem::new(
            "file",
            "csv_column_twice",
            format!("Two columns of the header mean the same: {field}"),
        )
        .with("column", field))
    }

    /// Gives columns whose name may mean two things what is still missing.
    fn settled(mut self, meanings: &[Option<Meaning>]) -> Result<Columns, Problem> {
        let of = |wanted| {
            move |(index, meaning): (usize, &Option<Meaning>)| (*meaning == Some(wanted)).then_some(index)
        };
        for (wanted, choices) in [
            (Meaning::SomePassword, [Column::Password, Column::MailboxPassword]),
            (Meaning::SomeAddress, [Column::Username, Column::Mailbox]),
        ] {
            for index in meanings.iter().enumerate().filter_map(of(wanted)) {
                let free = choices.into_iter().find(|column| self.index(*column).is_none());
                self.put(free.unwrap_or(choices[1]), index)?;
            }
        }
        let needed = [Column::Username, Column::Password, Column::Mailbox];
        let missing: Vec<_> = Column::ALL
            .into_iter()
            .filter(|column| needed.contains(column) && self.index(*column).is_none())
            .map(Column::field)
            .collect();
        if missing.is_empty() {
            return Ok(self);
        }
        let missing = missing.join(", ");
        Err(Problem::new("file", "csv_column_missing", format!("The header lacks these columns: {missing}"))
            .with("columns", missing))
    }
}

/// What a name says, whatever its case, spaces, hyphens and line ends.
fn meaning(name: &str) -> Option<Meaning> {
    if name.len() > 80 {
        return None;
    }
    let name: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    NAMES.iter().find(|(_, names)| names.split(' ').any(|known| known == name)).map(|(meaning, _)| *meaning)
}

const NAMES: &[(Meaning, &str)] = &[
    (
        Meaning::Is(Column::Server),
        "server host hostname servername imap imapserver imaphost imaphostname imapservername imapaddress mailserver \
         oldserver oldhost source sourceserver sourcehost host1 incomingserver incomingmailserver altserver alterserver \
         altermailserver quelle quellserver quellhost imapadresse serveradresse posteingangsserver posteingang",
    ),
    (
        Meaning::Is(Column::Username),
        "user username login loginname account accountname imapuser imapusername imaplogin imapaccount sourceuser sourceusername \
         sourceaccount olduser oldusername user1 benutzer benutzername imapbenutzer imapbenutzername imapkonto anmeldename nutzer \
         nutzername konto kontoname quellbenutzer quellkonto alterbenutzer alterbenutzername",
    ),
    (
        Meaning::Is(Column::Password),
        "imappassword imappass imappw imappasswd imappasswort imapkennwort sourcepassword sourcepass oldpassword serverpassword \
         password1 passwort1 altespasswort alteskennwort quellpasswort quellkennwort passwortalt kennwortalt",
    ),
    (
        Meaning::Is(Column::Mailbox),
        "mailbox mailboxname newmailbox localpart target targetmailbox targetuser destination destinationmailbox user2 newaddress \
         newemail newemailaddress postfach postfachname neuespostfach ziel zielpostfach zielkonto lokalerteil neueadresse \
         neueemail neueemailadresse",
    ),
    (
        Meaning::Is(Column::MailboxPassword),
        "mailboxpassword mailboxpass mailboxpasswort mailboxkennwort newpassword newmailboxpassword targetpassword destinationpassword \
         password2 passwort2 postfachpasswort postfachkennwort neuespasswort neueskennwort zielpasswort zielkennwort passwortneu \
         kennwortneu",
    ),
    (Meaning::SomePassword, "password pass passwd pwd pw passwort kennwort"),
    (Meaning::SomeAddress, "email emailaddress mail mailaddress address emailadresse mailadresse adresse"),
];
