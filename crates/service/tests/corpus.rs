//! The fuzz target's inputs, and mutations of them, through the reader of CSV lists.
#![allow(clippy::unwrap_used, missing_docs, reason = "an expectation of the test")]

use std::path::PathBuf;

use proptest::prelude::*;

fn corpus() -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/csv");
    let files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10);
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn read(octets: &[u8]) {
    let Ok(preview) = service::csv::read(octets, "example.org") else { return };
    assert!(!preview.rows.is_empty() && preview.rows.len() <= service::csv::MAX_ROWS);
    assert!(preview.rows.is_sorted_by(|a, b| a.line < b.line));
}

#[test]
fn every_input_of_the_corpus_is_handled() {
    for input in corpus() {
        read(&input);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]
    #[test]
    fn mutations_of_the_corpus_are_handled(
        parts in prop::collection::vec((0..100_usize, 0..200_usize, 0..200_usize), 1..5),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let corpus = corpus();
        let mut octets = Vec::new();
        for (file, from, length) in parts {
            let input = &corpus[file % corpus.len()];
            let from = from % input.len();
            octets.extend_from_slice(&input[from..(from + length).min(input.len())]);
        }
        for (at, octet) in changes {
            if !octets.is_empty() {
                let at = at.index(octets.len());
                octets[at] = octet;
            }
        }
        read(&octets);
    }
}
