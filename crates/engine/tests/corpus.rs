//! The fuzz target's inputs, and mutations of them: what a server lists becomes folders that a Maildir takes.
#![allow(clippy::unwrap_used, missing_docs, reason = "an expectation of the test")]

#[path = "../../../fuzz/checks/folders.rs"]
mod folders;

use std::path::PathBuf;

use proptest::prelude::*;

fn corpus() -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/folders");
    let files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10);
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_input_of_the_corpus_is_handled() {
    corpus().iter().for_each(|input| folders::check(input));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn mutations_of_the_corpus_are_handled(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
    ) {
        let corpus = corpus();
        let mut octets = corpus[file.index(corpus.len())].clone();
        for (at, octet) in changes {
            if !octets.is_empty() {
                let at = at.index(octets.len());
                octets[at] = octet;
            }
        }
        folders::check(&octets);
    }
}
