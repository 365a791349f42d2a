//! Modified UTF-7: every text reads back, and what is understood has one spelling only.

use imap::{NameEncoding, WireName, utf7};

/// The octets as a text to encode, and as a name from the wire to decode.
pub(crate) fn check(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let encoded = utf7::encode(&text);
    assert!(encoded.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{encoded:?} is not printable ASCII");
    assert_eq!(utf7::decode(&encoded).as_deref(), Ok(&*text));

    let name = WireName::new(octets);
    let decoded = name.decode(NameEncoding::ModifiedUtf7);
    if decoded.valid {
        assert_eq!(utf7::encode(&decoded.text).as_bytes(), octets, "two names on the wire read the same");
    }
    let utf8 = name.decode(NameEncoding::Utf8);
    assert_eq!(utf8.valid, std::str::from_utf8(octets).is_ok());
    // A name of any octets can be shown: at worst each octet is a character.
    assert!(octets.is_empty() || !(decoded.text.is_empty() && utf8.text.is_empty()));
}
