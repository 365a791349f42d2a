//! Every page with fixture data, in both languages: what they say, that nothing unsafe passes, and a gallery to look at.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap states an expectation")]

mod fixtures;
mod gallery;
mod pages;
