#![no_main]
// The binary's own modules, of which only a part is used here.
#![allow(dead_code)]

#[path = "../checks/report.rs"]
mod check;
#[path = "../../crates/mailimport/src/document.rs"]
mod document;
#[path = "../../crates/mailimport/src/human.rs"]
mod human;
#[path = "../../crates/mailimport/src/quantity.rs"]
mod quantity;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
