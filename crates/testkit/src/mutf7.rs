//! Modified UTF-7 (RFC 3501, 5.1.3), written for the judge alone so that it shares no fault with the product.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};

const CODEC: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// The wire form of a folder name.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut run, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            run.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

fn flush(run: &mut String, out: &mut String) {
    if !run.is_empty() {
        let units: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
        out.push('&');
        out.push_str(&CODEC.encode(units));
        out.push('-');
        run.clear();
    }
}

/// The Unicode form of a wire name; a name that is not valid modified UTF-7 stays as it is.
#[must_use]
pub fn decode(wire: &str) -> String {
    try_decode(wire).unwrap_or_else(|| wire.to_owned())
}

fn try_decode(wire: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = wire;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (run, tail) = after.split_once('-')?;
        if run.is_empty() {
            out.push('&');
        } else {
            let bytes = CODEC.decode(run).ok()?;
            let units: Vec<u16> =
                bytes.chunks(2).map(|pair| pair.iter().fold(0, |n, b| n << 8 | u16::from(*b))).collect();
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_to_the_wire_and_back() {
        for (name, wire) in [
            ("Entwürfe", "Entw&APw-rfe"),
            ("A & B", "A &- B"),
            ("台北日本語", "&U,BTF2XlZyyKng-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire), name);
        }
    }
}
