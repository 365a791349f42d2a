//! Random secrets that are handed out once and kept as digests: sessions, one-time links, API tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;

/// 256 random bits, as text for cookies and addresses.
pub(crate) fn new_secret() -> String {
    let mut octets = [0; 32];
    rand::rng().fill_bytes(&mut octets);
    URL_SAFE_NO_PAD.encode(octets)
}

/// What is kept of it. A fast digest will do: nobody guesses 256 random bits.
pub(crate) fn kept(secret: &str) -> Vec<u8> {
    blake3::hash(secret.as_bytes()).as_bytes().to_vec()
}
