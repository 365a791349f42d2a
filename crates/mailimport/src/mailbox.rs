//! DESTINATION, read and found usable: a Maildir or an account, with its ledger beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::account::{Settings, Source};
use engine::destination::{Failure, ImapDestination, ImapPlace, Limits, MaildirDestination};
use engine::progress::Progress;
use maildir::Owner;
use tokio_util::sync::CancellationToken;

use crate::arguments::{DestinationOptions, LedgerOption};
use crate::location::{self, Destination, Plaintext};
use crate::owner;
use crate::setup::{self, WrongUse};

/// The new mailbox.
pub(crate) enum Mailbox {
    /// A directory.
    Maildir {
        /// The Maildir++ root.
        path: PathBuf,
        /// To whom it belongs.
        owner: Option<Owner>,
    },
    /// An account at an IMAP server.
    Account(Box<Source>),
}

/// What it takes to read DESTINATION.
pub(crate) struct Words<'a> {
    /// As on the command line.
    pub(crate) destination: &'a str,
    /// How to log in.
    pub(crate) options: &'a DestinationOptions,
    /// `--mail-user`.
    pub(crate) mail_user: Option<&'a str>,
}

impl Mailbox {
    /// Reads it. May ask for a password.
    pub(crate) fn read(words: &Words<'_>) -> Result<Mailbox, WrongUse> {
        let plaintext = match words.options.destination_allow_plaintext {
            true => Plaintext::Allowed,
            false => Plaintext::Refused,
        };
        match location::destination(words.destination, plaintext)? {
            Destination::Maildir(path) => {
                if words.options != &DestinationOptions::default() {
                    return Err(WrongUse(
                        "--destination-... is for an account, and DESTINATION is maildir:PATH".into(),
                    ));
                }
                Ok(Mailbox::Maildir { owner: owner::owner(&path, words.mail_user)?, path })
            }
            Destination::Imap(_) if words.mail_user.is_some() => {
                Err(WrongUse("--mail-user is for maildir:PATH, and DESTINATION is an account".into()))
            }
            Destination::Imap(account) => setup::destination_account(account, words.options)
                .map(|account| Mailbox::Account(Box::new(account))),
        }
    }

    /// As people write it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Mailbox::Maildir { path, .. } => format!("maildir:{}", path.display()),
            Mailbox::Account(account) => ImapDestination::describe_account(account),
        }
    }

    /// Where the ledger is.
    pub(crate) fn ledger(&self, option: &LedgerOption) -> Result<PathBuf, WrongUse> {
        match self {
            Mailbox::Maildir { path, .. } => Ok(setup::maildir_ledger(option.state.as_ref(), path)),
            Mailbox::Account(account) => setup::account_ledger(option.state.as_ref(), account),
        }
    }
}

/// The Maildir, for reading.
pub(crate) fn open_maildir(path: &Path, ledger: &Path) -> Result<MaildirDestination, Failure> {
    Ok(MaildirDestination::open(path)?.with_ledger_at(ledger))
}

/// What an account as destination needs beside the account.
pub(crate) struct Surroundings<'a> {
    /// The ledger: what else has to be kept is kept beside it.
    pub(crate) ledger: &'a Path,
    /// `--keep-refused`.
    pub(crate) refused: Option<&'a Path>,
    /// Patience and the like.
    pub(crate) settings: &'a Settings,
    /// Who is told of pauses.
    pub(crate) progress: Arc<dyn Progress>,
    /// Ctrl-C.
    pub(crate) cancel: CancellationToken,
}

/// The account as destination; makes the ledger's directory where it is missing.
pub(crate) fn account(account: &Source, around: Surroundings<'_>) -> Result<ImapDestination, Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let directory = around.ledger.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| Failure {
        class: "ledger",
        message: format!("The directory of the ledger, {}, cannot be made: {error}.", directory.display()),
    })?;
    let mut lock = around.ledger.as_os_str().to_owned();
    lock.push(".lock");
    Ok(ImapDestination::new(ImapPlace {
        account: account.clone(),
        settings: around.settings.clone(),
        limits: Limits::default(),
        spool: directory.to_owned(),
        refused: around.refused.map_or_else(|| directory.join("refused"), Path::to_owned),
        lock: Some(lock.into()),
        progress: around.progress,
        cancel: around.cancel,
    }))
}
