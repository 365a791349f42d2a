//! The program killed, interrupted, cut off from its disk and from power, at every moment. What must hold afterwards is
//! in `invariants`; each of them has a control in which it is broken on purpose.
//!
//! `cargo xtask crash --iterations N` runs these more often. They need root, for mounting small disks.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on has failed")]

mod boundary;
mod client;
mod controls;
mod device;
mod disk;
mod invariants;
mod kill;
mod power;
mod scene;
mod stop;
