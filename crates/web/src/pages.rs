//! The pages: one struct for each, filled with what `service` says, rendered by its template.
//!
//! They decide how something is shown, never what is allowed or true. What changes while it is looked at is a template of
//! its own, rendered into the page and sent again by itself (see [`live`]).

pub mod account;
pub mod api;
pub mod domains;
pub mod entry;
pub mod error;
pub mod field;
pub mod flash;
pub mod frame;
pub mod import;
pub mod live;
pub mod mailimport;
mod notices;
pub mod operator;
pub mod report;
pub mod run;
pub mod sign_in;

pub use flash::Flash;
pub use frame::{Frame, Live, Pager, Person};
