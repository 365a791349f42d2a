//! What the use cases speak of: customers, domains, entries, runs, imports, in the words of the product.
//!
//! Plain data without rules; pages, API and command line show exactly these.

pub mod account;
pub mod entry;
pub mod id;
pub mod notice;
pub mod problem;
pub mod run;

pub use account::{Actor, Customer, Domain, Language, Role, Scope, Theme, Token, Via};
pub use entry::{CheckOutcome, Entry, EntryState, Estimate, FoundBy, FoundServer, NewEntry, ProviderHint};
pub use id::{CustomerId, DomainId, EntryId, ImportId, RunId, TokenId};
pub use notice::{
    Channel, MailboxEnd, Notice, NoticeOutcome, NoticeSettings, NoticeState, NoticeWishes, RunEnd,
};
pub use problem::{Failure, Problem, Side};
pub use run::{
    FolderProgress, Import, ImportState, Progress, Run, RunState, RunSummary, Sample, StateCounts,
};
