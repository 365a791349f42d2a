//! From octets to text: byte order marks, UTF-16 without one, UTF-8, and else Windows-1252 with a warning.
//!
//! No octet is ever replaced in silence: it may be part of a password.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use secrecy::zeroize::Zeroizing;

use crate::model::Problem;

/// Octets looked at to tell UTF-16 by its zeros.
const SAMPLE: usize = 4_096;

/// A file's text.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: Zeroizing<String>,
    pub(super) encoding: &'static str,
    /// Says that the encoding was guessed.
    pub(super) note: Option<Problem>,
}

pub(super) fn decode(octets: &[u8]) -> Result<Decoded, Problem> {
    // A workbook (ZIP, OLE2) or a PDF was chosen instead of its export.
    if [&b"PK\x03\x04"[..], b"\xd0\xcf\x11\xe0", b"%PDF"].iter().any(|magic| octets.starts_with(magic)) {
        let message = "This is not a CSV file. In Excel, choose Save as and CSV UTF-8.";
        return Err(Problem::new("file", "csv_not_text", message));
    }
    let (encoding, rest) = match Encoding::for_bom(octets) {
        Some((encoding, length)) => (Some(encoding), &octets[length..]),
        None => (utf16_without_mark(octets), octets),
    };
    let encoding = encoding.or_else(|| std::str::from_utf8(rest).is_ok().then_some(UTF_8));
    let Some(encoding) = encoding else { return Ok(guessed(rest)) };
    let text = strict(encoding, rest).ok_or_else(|| {
        let message = format!(
            "The file says that it is {} but it is not; please save it anew as UTF-8.",
            encoding.name()
        );
        Problem::new("file", "csv_encoding", message).with("encoding", encoding.name())
    })?;
    Ok(Decoded { text: without_end_mark(text), encoding: encoding.name(), note: None })
}

/// The note on a row whose letters were guessed.
pub(super) fn guessed_in_row() -> Problem {
    Problem::new(
        "",
        "csv_encoding_guessed",
        "The file does not say how letters such as ü are written; please compare them, in passwords too.",
    )
}

fn strict(encoding: &'static Encoding, octets: &[u8]) -> Option<Zeroizing<String>> {
    encoding
        .decode_without_bom_handling_and_without_replacement(octets)
        .map(|text| Zeroizing::new(text.into_owned()))
}

/// Windows-1252, as product and spreadsheets have it; what the detector thinks instead is only said.
fn guessed(octets: &[u8]) -> Decoded {
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(octets);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(octets, true);
    let likely = detector.guess(None, Utf8Detection::Deny);
    let mut message =
        "The file does not say how letters such as ü are written; it was read as Windows-1252. \
                       Please compare them, or save the file as UTF-8."
            .to_owned();
    let mut note = Problem::new("file", "csv_encoding_guessed", "");
    if likely != WINDOWS_1252 {
        message += &format!(" It may be {} instead.", likely.name());
        note = note.with("likely", likely.name());
    }
    note.message = message;
    Decoded {
        text: without_end_mark(Zeroizing::new(text.into_owned())),
        encoding: WINDOWS_1252.name(),
        note: Some(note),
    }
}

/// UTF-16 shows by the zero halves of delimiters, digits and letters.
fn utf16_without_mark(octets: &[u8]) -> Option<&'static Encoding> {
    let sample = &octets[..octets.len().min(SAMPLE) & !1];
    let pairs = sample.len() / 2;
    let zeros = |half: usize| sample.iter().skip(half).step_by(2).filter(|octet| **octet == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let mostly = |many: usize, few: usize| many * 2 > pairs && few * 10 < pairs;
    match () {
        () if mostly(second, first) => Some(UTF_16LE),
        () if mostly(first, second) => Some(UTF_16BE),
        () => None,
    }
}

/// DOS ended a text with control-Z.
fn without_end_mark(mut text: Zeroizing<String>) -> Zeroizing<String> {
    if text.ends_with('\u{1a}') {
        text.pop();
    }
    text
}
