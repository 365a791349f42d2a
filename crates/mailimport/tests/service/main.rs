//! The service as its operator runs it: a process that is started, asked, stopped and killed.

#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

mod api;
mod canary;
mod crowd;
mod http;
mod journey;
mod keyboard;
mod page;
mod process;
mod sightings;
mod start;
mod visitor;
mod window;
