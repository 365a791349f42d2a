//! ESEARCH (RFC 9051, section 7.3.4; RFC 4731).

use super::super::tokenizer::{Token, Tokenizer};
use super::super::{ModSeq, UidSet};

/// The answer to a search that asked for a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ESearch {
    /// All that matched; the empty set where nothing did.
    pub all: UidSet,
    /// How many matched, where asked for.
    pub count: Option<u32>,
    /// The highest modification sequence of what matched.
    pub mod_seq: Option<ModSeq>,
}

impl ESearch {
    /// Reads what follows the word ESEARCH.
    pub(crate) fn parse(tokens: &mut Tokenizer<'_>) -> Option<ESearch> {
        let mut answer = ESearch::default();
        while let Some(token) = tokens.token() {
            let Token::Atom(name) = token else {
                // The correlator: (TAG "m1").
                if token != Token::Open || !tokens.skip_list() {
                    return None;
                }
                continue;
            };
            match name.to_ascii_uppercase().as_slice() {
                b"UID" => {}
                b"ALL" => {
                    let set = tokens.token()?.octets()?;
                    answer.all = std::str::from_utf8(&set).ok()?.parse().ok()?;
                }
                b"COUNT" => answer.count = u32::try_from(tokens.token()?.number()?).ok(),
                b"MODSEQ" => answer.mod_seq = tokens.token()?.number().map(ModSeq),
                _ => {
                    if !tokens.skip_value() {
                        return None;
                    }
                }
            }
        }
        Some(answer)
    }
}
