//! Pages and API over a real service: who may what, what no answer lacks, what no answer holds.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

mod api;
mod events;
mod forms;
mod headers;
mod notifications;
mod openapi;
mod repeat;
mod rig;
mod routes;
mod server;
mod sign_in;
mod tenancy;
