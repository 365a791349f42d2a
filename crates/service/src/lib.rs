//! The use cases: prepare, check, start, watch, finish.
//!
//! Everything that a page, the API or the command line can do goes through here. Every call names its actor, and
//! reads and writes only what belongs to that actor's customer. A secret goes in and never comes out.

pub mod csv;
pub mod entry_fields;
pub mod model;
pub mod password_policy;
pub mod server_field;
