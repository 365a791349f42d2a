//! The use cases: prepare, check, start, watch, finish.
//!
//! Everything that a page, the API or the command line can do goes through here. Every call names its actor, and
//! reads and writes only what belongs to that actor's customer. A secret goes in and never comes out.

pub mod address_policy;
mod audit;
mod check;
mod clock;
pub mod csv;
pub mod discovery;
mod entries;
pub mod entry_fields;
mod error;
pub mod failure;
mod handler;
mod idempotency;
mod identity;
mod importing;
mod maintenance;
pub mod model;
pub mod network;
pub mod notices;
mod page;
pub mod password_policy;
pub mod providers;
mod queue;
pub mod reports;
pub mod resolver;
mod rotation;
mod runs;
mod secret;
pub mod server_field;
mod service;
mod settings;
mod vault;
pub mod work;

pub use audit::AuditLine;
pub use entries::{CsvAdded, Readiness};
pub use error::{Conflict, Error, Result};
pub use idempotency::Repeated;
pub use identity::links::{LinkPurpose, OneTimeLink};
pub use identity::sessions::{Session, SignInError, SignedIn};
pub use identity::totp::TotpSetup;
pub use page::Page;
pub use rotation::rotate_key;
pub use runs::{Changes, RunFilter, Watch};
pub use service::Service;
pub use settings::{Reach, SealingKey, Settings};
pub use vault::{Vault, VaultError};
