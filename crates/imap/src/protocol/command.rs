//! Commands to octets (RFC 9051, section 6 and 4.3).
//!
//! A string that cannot stand in quotes goes as a literal. Nothing that would end a line early can
//! get into a command: CR and LF only ever travel inside literals, NUL never.

use crate::error::Error;

/// A command being built.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    name: &'static str,
    parts: Vec<Part>,
    expected: u64,
}

#[derive(Debug, Clone)]
enum Part {
    Text(Vec<u8>),
    Literal(Vec<u8>),
}

/// Whether the server takes literals without being asked (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literals {
    /// Each waits for the server's `+`.
    Synchronizing,
    /// Up to 4,096 octets need not wait (LITERAL-).
    Small,
    /// None needs to wait (LITERAL+).
    All,
}

impl Command {
    pub(crate) fn new(name: &'static str) -> Command {
        Command { name, parts: vec![Part::Text(name.as_bytes().to_vec())], expected: 0 }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Says how many responses it may ask for at most.
    pub(crate) fn expecting(mut self, responses: usize) -> Command {
        self.expected = responses as u64;
        self
    }

    pub(crate) fn expected(&self) -> u64 {
        self.expected
    }

    /// Adds a space and text of our own making.
    pub(crate) fn text(mut self, text: &str) -> Command {
        self.push(b" ");
        self.push(text.as_bytes());
        self
    }

    /// Adds a space and a string from outside: quoted, or as a literal.
    pub(crate) fn string(mut self, octets: &[u8], what: &'static str) -> Result<Command, Error> {
        if octets.contains(&0) {
            return Err(Error::Unsendable { what });
        }
        self.push(b" ");
        if octets.len() <= 1_000 && octets.iter().all(|octet| matches!(octet, b' '..=b'~')) {
            self.push(b"\"");
            for &octet in octets {
                if matches!(octet, b'"' | b'\\') {
                    self.push(b"\\");
                }
                self.push(&[octet]);
            }
            self.push(b"\"");
        } else {
            self.parts.push(Part::Literal(octets.to_vec()));
        }
        Ok(self)
    }

    fn push(&mut self, octets: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.extend_from_slice(octets),
            _ => self.parts.push(Part::Text(octets.to_vec())),
        }
    }

    /// The octets to send; before each piece but the first the server's `+` must have come.
    pub(crate) fn encode(&self, tag: u32, literals: Literals) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut piece = format!("m{tag} ").into_bytes();
        for part in &self.parts {
            match part {
                Part::Text(text) => piece.extend_from_slice(text),
                Part::Literal(octets) => {
                    let waits = match literals {
                        Literals::Synchronizing => true,
                        Literals::Small => octets.len() > 4_096,
                        Literals::All => false,
                    };
                    let plus = if waits { "" } else { "+" };
                    piece.extend_from_slice(format!("{{{}{plus}}}\r\n", octets.len()).as_bytes());
                    if waits {
                        pieces.push(std::mem::take(&mut piece));
                    }
                    piece.extend_from_slice(octets);
                }
            }
        }
        piece.extend_from_slice(b"\r\n");
        pieces.push(piece);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(value: &[u8], literals: Literals) -> Vec<String> {
        let command = Command::new("EXAMINE").string(value, "a name").unwrap();
        let pieces = command.encode(7, literals);
        pieces.into_iter().map(|piece| String::from_utf8_lossy(&piece).into_owned()).collect()
    }

    #[test]
    fn strings_are_quoted_or_become_literals() {
        assert_eq!(sent(b"a \"b\\", Literals::All), ["m7 EXAMINE \"a \\\"b\\\\\"\r\n"]);
        assert_eq!(sent(b"", Literals::All), ["m7 EXAMINE \"\"\r\n"]);
        assert_eq!(sent(b"a\r\nb", Literals::Synchronizing), ["m7 EXAMINE {4}\r\n", "a\r\nb\r\n"]);
        assert_eq!(sent(b"a\r\nb", Literals::Small), ["m7 EXAMINE {4+}\r\na\r\nb\r\n"]);
        assert_eq!(sent("é".as_bytes(), Literals::All), ["m7 EXAMINE {2+}\r\né\r\n"]);
        assert!(Command::new("EXAMINE").string(b"a\0b", "a name").is_err());
    }
}
