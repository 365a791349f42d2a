//! One mail account from source to destination, exactly once, byte for byte, provable.
//!
//! Five steps, one file each: `survey`, `plan`, `copy`, `settle`, `verify`. The world is seen through four small
//! traits: [`destination::Destination`], [`ledger::Ledger`], [`progress::Progress`], [`clock::Clock`]. The source is always IMAP. The engine knows nothing
//! of databases, customers or HTTP, never writes to the source and never prints.

pub mod account;
mod canonical;
pub mod clock;
mod copy;
pub mod destination;
pub mod error;
mod flag_index;
pub mod folder;
mod held;
mod import;
mod intent;
pub mod ledger;
mod line;
mod listing;
mod pass;
pub mod plan;
pub mod progress;
pub mod report;
mod settle;
mod survey;
mod tally;
mod verify;

pub use import::{check, dry_run};
pub use survey::{Survey, source_folders};
