//! The fuzz targets' inputs, and mutations of them, through the same entry points.
#![allow(clippy::unwrap_used, reason = "an expectation of the test")]

extern crate mailimport_imap as imap;

mod decode;
#[path = "../../../fuzz/checks/framing.rs"]
mod framing;
#[path = "../../../fuzz/checks/utf7.rs"]
mod utf7;

use std::path::PathBuf;

use decode::{decode, feed};
use mailimport_imap::protocol::{Limits, Tokenizer};
use proptest::prelude::*;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10);
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn tokenize(octets: &[u8]) {
    let mut tokens = Tokenizer::new(octets);
    while tokens.token().is_some() {}
    let mut values = Tokenizer::new(octets);
    while values.skip_value() {}
    Tokenizer::new(octets).item_name();
}

/// Any cut into reads gives the same events.
fn same_however_cut(wire: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    let limits = Limits::default();
    let whole = decode(wire, wire.len(), &limits);
    let (mut pieces, mut rest) = (Vec::new(), wire);
    for &cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(cut.clamp(1, rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    let cut = feed(pieces.into_iter(), &limits);
    prop_assert_eq!(whole.map(|(events, _)| events), cut.map(|(events, _)| events));
    Ok(())
}

#[test]
fn every_input_of_the_corpus_is_handled() {
    for input in corpus("tokenizer") {
        tokenize(&input);
        same_however_cut(&input, &[1]).unwrap();
    }
    for input in corpus("response") {
        let (piece, wire) = input.split_first().unwrap();
        same_however_cut(wire, &[usize::from(*piece)]).unwrap();
    }
    corpus("framing").iter().for_each(|input| framing::check(input));
    corpus("utf7").iter().for_each(|input| utf7::check(input));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn mutated_answers_are_handled_the_same_however_they_are_cut(
        parts in prop::collection::vec((0..100_usize, 0..200_usize, 0..200_usize), 1..5),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(1..40_usize, 1..10),
    ) {
        let corpus = corpus("tokenizer");
        let mut wire = Vec::new();
        for (file, from, length) in parts {
            let input = &corpus[file % corpus.len()];
            let from = from % input.len();
            wire.extend_from_slice(&input[from..(from + length).min(input.len())]);
        }
        if !wire.is_empty() {
            for (at, octet) in changes {
                let at = at.index(wire.len());
                wire[at] = octet;
            }
        }
        tokenize(&wire);
        same_however_cut(&wire, &cuts)?;
    }

    #[test]
    fn whatever_came_before_the_next_sound_line_is_understood(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        framing::check(&octets);
    }

    #[test]
    fn names_of_any_octets_are_handled(octets in prop::collection::vec(any::<u8>(), 0..60)) {
        utf7::check(&octets);
    }

    #[test]
    fn any_octets_are_handled(wire in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(1..40_usize, 1..10)) {
        tokenize(&wire);
        same_however_cut(&wire, &cuts)?;
    }
}
