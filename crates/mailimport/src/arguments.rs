//! The command line: what can be asked for, in the words that `--help` and the manual pages show.
//!
//! SOURCE and DESTINATION stay plain text here: clap repeats what it cannot read, and an address may hold a password.

#![allow(
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "these texts are help, with [OPTIONAL] parts"
)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::value::Durability;
use crate::quantity;

/// Moves mail accounts in from any IMAP server: nothing lost, nothing doubled.
#[derive(Debug, Parser)]
#[command(name = "mailimport", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the Mailimport page and its API, and does the work
    #[command(after_long_help = SETTINGS)]
    Serve(Box<Serve>),
    /// Does the work beside others, on one PostgreSQL; no page
    #[command(after_long_help = SETTINGS)]
    Worker(Box<Worker>),
    /// Imports one account, or many, now. Run it again to bring what is new, or to go on after a stop
    #[command(after_long_help = EXIT_STATUS)]
    Import(Box<Import>),
    /// Logs in, counts folders and messages, estimates the time; changes nothing
    #[command(after_long_help = EXIT_STATUS)]
    Check(Box<Check>),
    /// Reads both sides again and compares every message; changes nothing
    #[command(after_long_help = EXIT_STATUS)]
    Verify(Box<Verify>),
    /// For operators: users, domains, database, mail server
    Admin(Box<Admin>),
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes all pages into a directory
    Man {
        /// Directory for one file a command
        directory: Option<PathBuf>,
    },
}

const EXIT_STATUS: &str = "\
Exit status:
  0   complete (verify: both sides are equal)
  1   finished with exceptions (verify: the sides differ)
  2   wrong use
  3   the source refused: address, TLS, login (--csv: none of the accounts could start)
  4   the destination refused
  5   interrupted; the same command goes on
  70  internal fault; can be resumed, nothing is lost";

const SOURCE: &str = "Old account: imaps://USER@HOST[:PORT], or imap://USER@HOST[:PORT] for STARTTLS";

const SOURCE_AT_LENGTH: &str = "\
Old account: imaps://USER@HOST[:PORT], or imap://USER@HOST[:PORT] for STARTTLS

imaps is TLS from the first octet (port 993), imap is TLS by STARTTLS (port 143), without which there is no connection. USER is \
percent-encoded where it holds / : % or spaces.

The password comes from MAILIMPORT_SOURCE_PASSWORD, from --source-password-file, or is asked for on a terminal. An OAuth access \
token comes from MAILIMPORT_SOURCE_TOKEN or --source-token-file.";

const DESTINATION: &str = "New mailbox: maildir:PATH, or an account as in SOURCE, imaps://USER@HOST[:PORT] or imap://USER@HOST[:PORT]";

const DESTINATION_AT_LENGTH: &str = "\
New mailbox: maildir:PATH, or an account as in SOURCE, imaps://USER@HOST[:PORT] or imap://USER@HOST[:PORT]

PATH is the Maildir++ root itself (PATH/cur, PATH/.Sent/cur). The password of an account comes from \
MAILIMPORT_DESTINATION_PASSWORD, from --destination-password-file, or is asked for on a terminal.";

const IMPORT_DESTINATION_AT_LENGTH: &str = "\
New mailbox: maildir:PATH, or an account as in SOURCE, imaps://USER@HOST[:PORT] or imap://USER@HOST[:PORT]

PATH is the Maildir++ root itself (PATH/cur, PATH/.Sent/cur). The password of an account comes from \
MAILIMPORT_DESTINATION_PASSWORD, from --destination-password-file, or is asked for on a terminal.

With --csv it is maildir:PATH, and PATH is the root of the new mailboxes, PATH/DOMAIN/MAILBOX/Maildir, with their passwords' \
hashes in PATH/passwd; `mailimport admin dovecot-config` prints how Dovecot serves them.";

const CSV_AT_LENGTH: &str = "\
Many accounts: a CSV file, one account a line

IMAP server;IMAP username;IMAP password;Mailbox;Password, as on the Mailimport page. A password with a semicolon stands in \
quotation marks. Delimiter, encoding and a header are recognised.";

const SETTINGS: &str = "\
Nothing has to be set. Everything that can be is described in mailimport.sample.toml; the environment goes over the file \
(MAILIMPORT_LISTEN for listen, MAILIMPORT_WORK_CHECKS for checks in [work]), and these options over both.

SIGTERM and Ctrl-C stop in good order: imports put away what they have in hand, and the next start goes on.";

/// `mailimport serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
    /// Where to listen [default: as the settings say, listen; 127.0.0.1:8993]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
}

/// `mailimport worker`.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
}

/// `mailimport import`.
#[derive(Debug, Args)]
#[command(override_usage = "mailimport import [OPTIONS] <SOURCE> <DESTINATION>\n       \
                            mailimport import [OPTIONS] --csv <FILE> --domain <DOMAIN> <DESTINATION>")]
pub(crate) struct Import {
    #[arg(value_name = "SOURCE", help = SOURCE, long_help = SOURCE_AT_LENGTH)]
    // With --csv it is the one and only place, the DESTINATION.
    pub(crate) source: String,
    #[arg(
        value_name = "DESTINATION", required_unless_present = "csv", conflicts_with = "csv",
        help = DESTINATION, long_help = IMPORT_DESTINATION_AT_LENGTH,
    )]
    pub(crate) destination: Option<String>,
    #[arg(
        long, value_name = "FILE", requires = "domain", help_heading = "Many accounts",
        help = "Many accounts: a CSV file, one account a line", long_help = CSV_AT_LENGTH,
        conflicts_with_all = [
            "source_password_file", "source_token_file", "source_master_user", "allow_plaintext", "dry_run",
            "destination_password_file", "destination_master_user", "destination_allow_plaintext",
            "destination_tls_ca", "destination_tls_pin", "keep_refused",
        ],
    )]
    pub(crate) csv: Option<PathBuf>,
    /// The part after the @ of the new mailboxes
    #[arg(long, value_name = "DOMAIN", requires = "csv", help_heading = "Many accounts")]
    pub(crate) domain: Option<String>,
    #[command(flatten)]
    pub(crate) account: SourceOptions,
    #[command(flatten)]
    pub(crate) new_account: DestinationOptions,
    /// Directory for messages that the new server refuses [default: refused, beside the ledger]
    #[arg(long, value_name = "DIR", help_heading = "New account")]
    pub(crate) keep_refused: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ledger: LedgerOption,
    #[command(flatten)]
    pub(crate) selection: SelectionOptions,
    #[command(flatten)]
    pub(crate) line: LineOptions,
    /// Show where each folder would go; changes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Messages that are in the new mailbox already, with the same octets, are not brought again, whoever put them there
    #[arg(long)]
    pub(crate) adopt: bool,
    /// How much of the disk of a maildir: destination stays free, such as 2GB; with less the import stops, and can be resumed
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = quantity::octets)]
    pub(crate) keep_free: u64,
    /// How messages reach the disk of a maildir: destination before they appear there
    #[arg(long, value_enum, default_value_t)]
    pub(crate) durability: Durability,
    /// Owner of all that is made in a maildir: destination, when root runs this [default: the owner of its directory]
    #[arg(long, value_name = "USER[:GROUP]")]
    pub(crate) mail_user: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// `mailimport check`.
#[derive(Debug, Args)]
#[command(
    override_usage = "mailimport check [OPTIONS] <SOURCE>\n       mailimport check [OPTIONS] --csv <FILE>"
)]
pub(crate) struct Check {
    #[arg(
        value_name = "SOURCE", required_unless_present = "csv", help = SOURCE, long_help = SOURCE_AT_LENGTH,
        conflicts_with = "csv",
    )]
    pub(crate) source: Option<String>,
    #[arg(
        long, value_name = "FILE", help_heading = "Many accounts", help = "Many accounts: a CSV file, one account a line",
        long_help = CSV_AT_LENGTH,
        conflicts_with_all =
            ["source_password_file", "source_token_file", "source_master_user", "allow_plaintext"],
    )]
    pub(crate) csv: Option<PathBuf>,
    /// The part after the @ of the new mailboxes, where they are to be told from others
    #[arg(long, value_name = "DOMAIN", requires = "csv", help_heading = "Many accounts")]
    pub(crate) domain: Option<String>,
    #[command(flatten)]
    pub(crate) account: SourceOptions,
    #[command(flatten)]
    pub(crate) patience: PatienceOption,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// `mailimport verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[arg(value_name = "SOURCE", help = SOURCE, long_help = SOURCE_AT_LENGTH)]
    pub(crate) source: String,
    #[arg(value_name = "DESTINATION", help = DESTINATION, long_help = DESTINATION_AT_LENGTH)]
    pub(crate) destination: String,
    #[command(flatten)]
    pub(crate) account: SourceOptions,
    #[command(flatten)]
    pub(crate) new_account: DestinationOptions,
    #[command(flatten)]
    pub(crate) ledger: LedgerOption,
    #[command(flatten)]
    pub(crate) selection: SelectionOptions,
    #[command(flatten)]
    pub(crate) line: LineOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// `mailimport admin`.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Admin {
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

/// What the operator does.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Who may sign in
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Whose domains are whose
    Domains {
        #[command(subcommand)]
        command: DomainsCommand,
    },
    /// Keys to the API
    Tokens {
        #[command(subcommand)]
        command: TokensCommand,
    },
    /// Makes a new sealing key and seals all stored passwords with it; the service must be stopped meanwhile
    RotateKey,
    /// Brings the database up to date and lists what was done to it since it is there
    Migrations,
    /// Prints the configuration with which Dovecot serves the mailboxes
    DovecotConfig(DovecotConfig),
}

/// `mailimport admin users`.
#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Lists all
    List,
    /// Adds a customer, and prints the link by which they set their password
    Add {
        /// Name to sign in with
        name: String,
        /// Where to write to when an import ends
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// File that holds the password (a newline at its end does not count); there is no link then
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Prints a link by which a user sets a new password; earlier links end
    Link {
        /// Name
        name: String,
    },
    /// Lets a user sign in no more; what is being imported goes on
    Disable {
        /// Name
        name: String,
    },
    /// Lets a user sign in again
    Enable {
        /// Name
        name: String,
    },
}

/// `mailimport admin domains`.
#[derive(Debug, Subcommand)]
pub(crate) enum DomainsCommand {
    /// Lists all, with their users
    List,
    /// Gives a user a domain
    Add {
        /// Such as example.org
        domain: String,
        /// Whose it is
        user: String,
    },
    /// Takes a domain away with its prepared list and its finished imports; no mailbox is touched
    Remove {
        /// Such as example.org
        domain: String,
    },
}

/// `mailimport admin tokens`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Lists a user's tokens: id, name, what they allow
    List {
        /// Whose
        user: String,
    },
    /// Makes a token and prints it, once
    Add {
        /// Whose
        user: String,
        /// What it is for
        name: String,
        /// What it allows
        #[arg(long = "scope", value_name = "SCOPE", value_enum, value_delimiter = ',', default_values = ["read", "write"])]
        scopes: Vec<ScopeName>,
        /// Ends by itself after so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// Ends a token
    Revoke {
        /// Whose
        user: String,
        /// Which, as the list shows it
        id: String,
    },
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    /// Reading lists, imports and reports
    Read,
    /// Preparing, starting and steering imports
    Write,
    /// What only operators do
    Admin,
}

/// `mailimport admin dovecot-config`.
#[derive(Debug, Args)]
pub(crate) struct DovecotConfig {
    /// The mailboxes: maildir:ROOT [default: those of the settings, mail.root]
    #[arg(value_name = "DESTINATION")]
    pub(crate) destination: Option<String>,
    /// Which Dovecot reads it; `dovecot --version` tells
    #[arg(long = "for", value_name = "VERSION", value_enum, default_value_t = DovecotRelease::V2_4)]
    pub(crate) version: DovecotRelease,
    /// Certificate that Dovecot shows, with the chain to its issuer (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: PathBuf,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// Languages of Dovecot's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DovecotRelease {
    /// Dovecot 2.3, as in Debian 12
    #[value(name = "2.3")]
    V2_3,
    /// Dovecot 2.4, as in Debian 13
    #[value(name = "2.4")]
    V2_4,
}

/// Where the settings of the service are.
#[derive(Debug, Args)]
pub(crate) struct ServiceOptions {
    /// Settings [default: $MAILIMPORT_CONFIG, or /etc/mailimport/mailimport.toml where that exists]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where database and sealing key are [default: as the settings say, data_dir]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How to log in at the old server.
#[derive(Debug, Args)]
pub(crate) struct SourceOptions {
    /// File that holds the password (a newline at its end does not count)
    #[arg(long, value_name = "FILE", conflicts_with = "source_token_file", help_heading = "Old account")]
    pub(crate) source_password_file: Option<PathBuf>,
    /// File that holds an OAuth access token
    #[arg(long, value_name = "FILE", help_heading = "Old account")]
    pub(crate) source_token_file: Option<PathBuf>,
    /// Log in as this master user, with its password, to read USER's mail
    #[arg(long, value_name = "MASTER", conflicts_with = "source_token_file", help_heading = "Old account")]
    pub(crate) source_master_user: Option<String>,
    /// Go without encryption (imap:// only): password and mail can be read on the way
    #[arg(long, help_heading = "Old account")]
    pub(crate) allow_plaintext: bool,
    /// Trust this certificate authority too (PEM; can be given again)
    #[arg(long, value_name = "FILE", help_heading = "Old account")]
    pub(crate) tls_ca: Vec<PathBuf>,
    /// Accept exactly the certificate with this fingerprint, instead of checking issuer, name and dates
    #[arg(long, value_name = "sha256:HEX", conflicts_with = "tls_ca", help_heading = "Old account")]
    pub(crate) tls_pin: Option<String>,
}

/// How to log in at the new server.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct DestinationOptions {
    /// File that holds the new account's password (a newline at its end does not count)
    #[arg(long, value_name = "FILE", help_heading = "New account")]
    pub(crate) destination_password_file: Option<PathBuf>,
    /// Log in as this master user, with its password, to write USER's mail
    #[arg(long, value_name = "MASTER", help_heading = "New account")]
    pub(crate) destination_master_user: Option<String>,
    /// Go without encryption (imap:// only): password and mail can be read on the way
    #[arg(long, help_heading = "New account")]
    pub(crate) destination_allow_plaintext: bool,
    /// Trust this certificate authority too (PEM; can be given again)
    #[arg(long, value_name = "FILE", help_heading = "New account")]
    pub(crate) destination_tls_ca: Vec<PathBuf>,
    /// Accept exactly the certificate with this fingerprint, instead of checking issuer, name and dates
    #[arg(
        long,
        value_name = "sha256:HEX",
        conflicts_with = "destination_tls_ca",
        help_heading = "New account"
    )]
    pub(crate) destination_tls_pin: Option<String>,
}

/// Where it is kept what became of each message.
#[derive(Debug, Args)]
pub(crate) struct LedgerOption {
    /// The ledger: what became of each message [default: mailimport-ledger.db in the root of the Maildir; for an account
    /// a file in $XDG_STATE_HOME/mailimport or ~/.local/state/mailimport]
    #[arg(long, value_name = "FILE", visible_alias = "ledger")]
    pub(crate) state: Option<PathBuf>,
}

/// What of it.
#[derive(Debug, Args)]
pub(crate) struct SelectionOptions {
    /// Only folders that match; * stays within a level, ** does not (can be given again)
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub(crate) include: Vec<String>,
    /// Not the folders that match; stronger than --include (can be given again)
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub(crate) exclude: Vec<String>,
    /// Only messages received on this day or later, such as 2024-12-31
    #[arg(long, value_name = "DATE", help_heading = "Selection")]
    pub(crate) since: Option<String>,
    /// Only messages up to this size, such as 10MB or 5MiB
    #[arg(long, value_name = "SIZE", help_heading = "Selection")]
    pub(crate) max_size: Option<String>,
    /// Give a folder another name; what lies below it follows (can be given again)
    #[arg(long, value_name = "OLD=NEW", help_heading = "Selection")]
    pub(crate) map: Vec<String>,
}

/// How long to wait.
#[derive(Debug, Args)]
pub(crate) struct PatienceOption {
    /// How many seconds to wait for a server that is silent or refuses for the moment
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,
}

/// How to talk to the old server.
#[derive(Debug, Args)]
pub(crate) struct LineOptions {
    #[command(flatten)]
    pub(crate) patience: PatienceOption,
    /// Connections to the old server, 1 to 16
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) connections: u8,
    /// Octets of mail a second at most, for each account, such as 500kB
    #[arg(long, value_name = "BYTES/S", value_parser = quantity::octets_a_second)]
    pub(crate) rate: Option<u64>,
    /// Compress the wire where the server offers it; helps on slow lines only
    #[arg(long)]
    pub(crate) compress: bool,
}

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct OutputOptions {
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Say more on standard error; again for more
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// No progress and no warnings on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// One JSON document
    Json,
}
