//! The canonical form of a message, by which it is known again at a server that changes the ends of its lines.
//!
//! Dovecot stores `\r\r\n` as `\r\n` and changes a CR at the very end, many servers store a bare LF as `\r\n` or end the last
//! line: the canonical form folds every `\r*\n` into one `\n` and has no line end at its end. Only its digest exists; nothing
//! is ever sent or stored in this form.

use crate::ledger::Digest;

/// Digests the canonical form of octets that come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Canonical {
    hasher: blake3::Hasher,
    /// Ends of lines of which it is not known yet whether anything follows.
    ends: usize,
    /// CRs behind them, of which it is not known yet whether an LF follows.
    returns: usize,
    folded: Vec<u8>,
}

impl Canonical {
    pub(crate) fn update(&mut self, octets: &[u8]) {
        self.folded.clear();
        let mut lines = octets.split(|octet| *octet == b'\n').peekable();
        while let Some(line) = lines.next() {
            let content = line.iter().rposition(|octet| *octet != b'\r').map_or(0, |last| last + 1);
            if content > 0 {
                self.folded.resize(self.folded.len() + std::mem::take(&mut self.ends), b'\n');
                self.folded.resize(self.folded.len() + std::mem::take(&mut self.returns), b'\r');
                self.folded.extend_from_slice(&line[..content]);
            }
            self.returns += line.len() - content;
            if lines.peek().is_some() {
                self.returns = 0;
                self.ends += 1;
            }
        }
        self.hasher.update(&self.folded);
    }

    pub(crate) fn finish(self) -> Digest {
        *self.hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(pieces: &[&[u8]]) -> Digest {
        let mut canonical = Canonical::default();
        pieces.iter().for_each(|piece| canonical.update(piece));
        canonical.finish()
    }

    #[test]
    fn ends_of_lines_do_not_count_and_everything_else_does() {
        let plain = of(&[b"a\nb\n"]);
        for same in [&b"a\r\nb\r\n"[..], b"a\r\r\nb\n", b"a\r\r\r\nb\r\n", b"a\nb", b"a\nb\r", b"a\nb\n\r"] {
            assert_eq!(of(&[same]), plain, "{}", same.escape_ascii());
        }
        for other in [&b"a\n\nb\n"[..], b"a\rb\n", b"\na\nb\n", b"a\r\n b\n", b"a\r b\n", b"a\n\rb\n"] {
            assert_ne!(of(&[other]), plain, "{}", other.escape_ascii());
        }
        assert_ne!(of(&[b"a\rb"]), of(&[b"ab"]));
        assert_ne!(of(&[b"a\rb"]), of(&[b"a\r\rb"]));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_are_cut(
            text in "[a\r\n]{0,40}", first in 0_usize..40, second in 0_usize..40,
        ) {
            let (first, second) = (first.min(text.len()), second.min(text.len()));
            let (first, second) = (first.min(second), first.max(second));
            let octets = text.as_bytes();
            let cut = of(&[&octets[..first], &octets[first..second], &octets[second..]]);
            // Folded by the simplest means.
            let mut folded = text.clone();
            while folded.contains("\r\n") {
                folded = folded.replace("\r\n", "\n");
            }
            let folded = folded.trim_end_matches(['\r', '\n']);
            prop_assert_eq!(cut, *blake3::hash(folded.as_bytes()).as_bytes());
        }
    }
}
