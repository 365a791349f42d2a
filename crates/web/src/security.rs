//! What every request goes through, whatever it asks for: who is at the other end, is it a form of ours, what the answer
//! may never lack.
//!
//! Nothing here knows a page. Nothing here may log an address's path: it can hold a one-time link.

pub(crate) mod client;
pub(crate) mod headers;
pub(crate) mod observe;
pub(crate) mod origin;
