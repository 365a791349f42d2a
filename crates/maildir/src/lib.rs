//! Maildir++ as a live Dovecot serves it: durable, exactly-once delivery.
//!
//! The crate writes messages, flags, keywords, folders and subscriptions into a Maildir++ mailbox that Dovecot may be
//! serving at the same time. It blocks (plain system calls); async callers run it on a blocking thread.
//!
//! It never follows a link out of the mailbox, never overwrites or removes a message that it did not just stage,
//! never shows a message whose data is not on disk, and never breaks a lock whose holder may be alive. It knows nothing
//! of IMAP: folder names arrive in their on-disk spelling. Control and index files must lie in the mailbox itself
//! (Dovecot's default; no `CONTROL=` elsewhere), because that is where Dovecot's locks are taken.

mod deliver;
mod dir;
mod durable;
mod error;
mod flags;
mod folder;
mod keywords;
mod lock;
mod message;
mod name;
mod root;
mod scan;
mod stage;
mod subscriptions;

pub use deliver::{Arrival, Delivered, Delivery, Durability};
pub use error::Error;
pub use flags::{FlagChange, FlagOutcome, FlagResult};
pub use folder::Folder;
pub use keywords::KeywordTable;
pub use message::{Base, BaseError, Flags, KeywordLetters, MessageName, SystemFlags};
pub use name::{FolderName, NameError};
pub use root::{ImportLock, Maildir, Owner};
pub use scan::{Entry, Place};
pub use stage::{Staged, StagedFile};
