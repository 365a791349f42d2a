//! Pages and API over a real service: who may what, what no answer lacks, what no answer holds.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

mod api;
mod openapi;
mod rig;
mod routes;
mod tenancy;
