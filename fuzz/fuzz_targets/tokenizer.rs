//! The tokenizer ends and never panics, whatever it is given.
#![no_main]

use imap::protocol::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut tokens = Tokenizer::new(octets);
    while tokens.token().is_some() {}
    let mut values = Tokenizer::new(octets);
    while values.skip_value() {}
    Tokenizer::new(octets).item_name();
});
