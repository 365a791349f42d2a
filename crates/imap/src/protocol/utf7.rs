//! Modified UTF-7 for folder names (RFC 3501, section 5.1.3).
//!
//! Decoding is strict, so that a name is either understood or reported: it must never turn two
//! different names on the wire into one text without saying so.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a name is not modified UTF-7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUtf7 {
    /// A character outside printable ASCII stands unencoded.
    #[error("a character outside printable ASCII stands unencoded")]
    Unencoded,
    /// An `&` without its `-`.
    #[error("an encoded part has no end")]
    Unterminated,
    /// The part between `&` and `-` is not base64.
    #[error("an encoded part is not base64")]
    Base64,
    /// The part between `&` and `-` is not UTF-16.
    #[error("an encoded part is not UTF-16")]
    Utf16,
    /// Printable ASCII was encoded, or one run was written as two: another name has the same text.
    #[error("the name is not in its only permitted form")]
    NotCanonical,
}

/// Encodes a text.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut run: Vec<u8> = Vec::new();
    for character in text.chars() {
        if matches!(character, ' '..='~') {
            end_run(&mut encoded, &mut run);
            encoded.push(character);
            if character == '&' {
                encoded.push('-');
            }
        } else {
            run.extend(character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    end_run(&mut encoded, &mut run);
    encoded
}

fn end_run(encoded: &mut String, run: &mut Vec<u8>) {
    if !run.is_empty() {
        encoded.push('&');
        BASE64.encode_string(&run, encoded);
        encoded.push('-');
        run.clear();
    }
}

/// Decodes a name.
pub fn decode(name: &str) -> Result<String, InvalidUtf7> {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('&') {
        let (plain, encoded) = rest.split_at(at);
        push_plain(&mut text, plain)?;
        let (inner, after) = encoded[1..].split_once('-').ok_or(InvalidUtf7::Unterminated)?;
        if inner.is_empty() {
            text.push('&');
        } else {
            text.push_str(&decode_run(inner)?);
        }
        rest = after;
    }
    push_plain(&mut text, rest)?;
    if encode(&text) != name {
        return Err(InvalidUtf7::NotCanonical);
    }
    Ok(text)
}

fn push_plain(text: &mut String, plain: &str) -> Result<(), InvalidUtf7> {
    if !plain.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        return Err(InvalidUtf7::Unencoded);
    }
    text.push_str(plain);
    Ok(())
}

fn decode_run(inner: &str) -> Result<String, InvalidUtf7> {
    let octets = BASE64.decode(inner).map_err(|_| InvalidUtf7::Base64)?;
    if octets.len() % 2 != 0 {
        return Err(InvalidUtf7::Utf16);
    }
    let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| InvalidUtf7::Utf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_standard_and_of_real_servers_are_understood() {
        for (wire, text) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("Envoy&AOk-s", "Envoyés"),
            ("Tom &- Jerry", "Tom & Jerry"),
            ("&2D3eAA-", "😀"),
            ("", ""),
        ] {
            assert_eq!(decode(wire).as_deref(), Ok(text));
            assert_eq!(encode(text), wire);
        }
    }

    #[test]
    fn wrong_names_are_refused() {
        for (wire, reason) in [
            ("Envoyés", InvalidUtf7::Unencoded),
            ("a\tb", InvalidUtf7::Unencoded),
            ("&AOk", InvalidUtf7::Unterminated),
            ("&A-", InvalidUtf7::Base64),
            ("&2D0-", InvalidUtf7::Utf16),
            ("&AGE-", InvalidUtf7::NotCanonical),
            ("&AOk-&AOk-", InvalidUtf7::NotCanonical),
        ] {
            assert_eq!(decode(wire), Err(reason), "{wire}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_reads_back(text in ".*") {
            proptest::prop_assert_eq!(decode(&encode(&text)), Ok(text));
        }

        #[test]
        fn what_is_understood_is_the_only_form(name in "[a&+,A-Z-]{0,12}") {
            if let Ok(text) = decode(&name) {
                proptest::prop_assert_eq!(encode(&text), name);
            }
        }
    }
}
