//! The service's tables, one file each, as SeaORM sees them; how they are laid out stands in `migration`.
//!
//! Columns that hold JSON or a sealed secret are opaque here: `service` gives them their meaning.

#![allow(missing_docs, reason = "SeaORM derives columns and keys from the documented rows")]

pub mod audit;
pub mod customer;
pub mod domain;
pub mod entry;
pub mod idempotency;
pub mod import;
pub mod job;
pub mod notice;
pub mod notice_setting;
pub mod one_time_link;
pub mod removed_entry;
pub mod run;
pub mod sample;
pub mod session;
pub mod token;
