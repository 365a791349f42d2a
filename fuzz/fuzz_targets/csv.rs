//! The reader of CSV lists ends and never panics, names lines that exist, and keeps no more rows than it promises.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(preview) = service::csv::read(octets, "example.org") else { return };
    assert!(!preview.rows.is_empty() && preview.rows.len() <= service::csv::MAX_ROWS);
    assert!(preview.rows.is_sorted_by(|a, b| a.line < b.line));
});
