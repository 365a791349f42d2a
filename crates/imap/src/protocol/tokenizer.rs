//! Cuts one response line into IMAP's tokens (RFC 9051, section 9).
//!
//! Tolerates extra and missing spaces, 8-bit octets, brackets in atoms and unterminated strings; it
//! always advances or ends, and nesting beyond 32 is cut off rather than followed.

use std::borrow::Cow;

use super::framing::{Line, LiteralAt};

/// How deep parentheses may nest; deeper ones make the response unintelligible.
pub(super) const MAX_DEPTH: usize = 32;

/// A token of a response line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// An atom, a number, `NIL`, a flag.
    Atom(&'a [u8]),
    /// A quoted string without its quotes and escapes.
    Quoted(Cow<'a, [u8]>),
    /// A literal that was kept.
    Literal(&'a [u8]),
    /// A body literal, handed on while it arrived; its length in octets.
    Streamed(u64),
}

impl<'a> Token<'a> {
    /// The octets of an atom or string.
    pub fn octets(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Token::Atom(octets) | Token::Literal(octets) => Some(Cow::Borrowed(octets)),
            Token::Quoted(octets) => Some(octets),
            Token::Open | Token::Close | Token::Streamed(_) => None,
        }
    }

    /// Whether this is the atom `NIL`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Token::Atom(octets) if octets.eq_ignore_ascii_case(b"NIL"))
    }

    /// A number written as atom or string.
    pub fn number(self) -> Option<u64> {
        let octets = self.octets()?;
        let digits = !octets.is_empty() && octets.iter().all(u8::is_ascii_digit);
        digits.then(|| std::str::from_utf8(&octets).ok()?.parse().ok()).flatten()
    }
}

/// Reads tokens from one response line.
#[derive(Clone, Debug)]
pub struct Tokenizer<'a> {
    octets: &'a [u8],
    literals: &'a [LiteralAt],
    position: usize,
}

impl<'a> Tokenizer<'a> {
    /// A tokenizer for text without literals.
    pub fn new(octets: &'a [u8]) -> Tokenizer<'a> {
        Tokenizer { octets, literals: &[], position: 0 }
    }

    pub(crate) fn over(line: &'a Line) -> Tokenizer<'a> {
        Tokenizer { octets: line.octets(), literals: line.literals(), position: 0 }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.position..).unwrap_or_default()
    }

    /// Whether all has been read but spaces.
    pub fn at_end(&mut self) -> bool {
        self.skip_spaces();
        self.rest().is_empty()
    }

    /// Whether a body ended exactly here and something other than a space follows.
    pub(crate) fn is_glued_to_body(&self) -> bool {
        if self.rest().first().is_none_or(u8::is_ascii_whitespace) {
            return false;
        }
        self.literals.iter().any(|literal| literal.streamed.is_some() && literal.end == self.position)
    }

    /// Skips spaces and tabs.
    pub fn skip_spaces(&mut self) {
        self.position += self.rest().iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    }

    pub(crate) fn skip(&mut self, octets: usize) {
        self.position = (self.position + octets).min(self.octets.len());
    }

    /// The next token; `None` at the end.
    pub fn token(&mut self) -> Option<Token<'a>> {
        self.skip_spaces();
        if let Some(literal) = self.literal_here() {
            self.position = literal.end;
            return Some(match literal.streamed {
                Some(octets) => Token::Streamed(octets),
                None => Token::Literal(self.octets.get(literal.start..literal.end).unwrap_or_default()),
            });
        }
        match *self.rest().first()? {
            b'(' => {
                self.skip(1);
                Some(Token::Open)
            }
            b')' => {
                self.skip(1);
                Some(Token::Close)
            }
            b'"' => Some(Token::Quoted(self.quoted())),
            _ => Some(Token::Atom(self.atom())),
        }
    }

    /// The next token without reading it.
    pub fn peek(&self) -> Option<Token<'a>> {
        self.clone().token()
    }

    /// Skips one value: a token or a whole list. False when nesting is too deep or the line ends first.
    pub fn skip_value(&mut self) -> bool {
        match self.token() {
            Some(Token::Open) => self.skip_list(),
            Some(Token::Close) | None => false,
            Some(_) => true,
        }
    }

    /// Skips to the end of a list whose `(` has been read.
    pub fn skip_list(&mut self) -> bool {
        let mut depth = 1;
        while depth > 0 {
            match self.token() {
                Some(Token::Open) if depth == MAX_DEPTH => return false,
                Some(Token::Open) => depth += 1,
                Some(Token::Close) => depth -= 1,
                Some(_) => {}
                None => return false,
            }
        }
        true
    }

    /// The name of a FETCH item, with its section: `BODY[HEADER.FIELDS (DATE)]<0>` is one name.
    pub fn item_name(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let plain = rest.iter().take_while(|&&octet| is_item_octet(octet)).count();
        let mut length = plain;
        if rest.get(plain) == Some(&b'[') {
            // A section never contains `]` but inside a quoted header name, which no server sends.
            let Some(section) = rest[plain..].iter().position(|&octet| octet == b']') else {
                self.skip(rest.len());
                return rest;
            };
            length = plain + section + 1;
            if rest.get(length) == Some(&b'<') {
                let partial = rest[length..].iter().take_while(|&&octet| octet != b'>').count();
                length = (length + partial + 1).min(rest.len());
            }
        }
        self.skip(length);
        &rest[..length]
    }

    fn literal_here(&self) -> Option<&'a LiteralAt> {
        let at = self.literals.binary_search_by_key(&self.position, |literal| literal.marker).ok()?;
        self.literals.get(at)
    }

    fn next_marker(&self) -> usize {
        let at = self.literals.partition_point(|literal| literal.marker < self.position);
        self.literals.get(at).map_or(self.octets.len(), |literal| literal.marker)
    }

    fn atom(&mut self) -> &'a [u8] {
        let end = self.next_marker().max(self.position + 1).min(self.octets.len());
        let window = self.octets.get(self.position..end).unwrap_or_default();
        let length = window
            .iter()
            .position(|octet| matches!(octet, b' ' | b'\t' | b'(' | b')' | b'"'))
            .unwrap_or(window.len())
            .max(1);
        self.skip(length);
        &window[..length.min(window.len())]
    }

    fn quoted(&mut self) -> Cow<'a, [u8]> {
        self.skip(1);
        let rest = self.rest();
        let plain = rest.iter().take_while(|octet| !matches!(octet, b'"' | b'\\')).count();
        if rest.get(plain) != Some(&b'\\') {
            self.skip(plain + 1);
            return Cow::Borrowed(&rest[..plain]);
        }
        let mut text = rest[..plain].to_vec();
        let mut at = plain;
        while let Some(&octet) = rest.get(at) {
            at += 1;
            match (octet, rest.get(at)) {
                (b'"', _) => break,
                (b'\\', Some(&escaped @ (b'"' | b'\\'))) => {
                    text.push(escaped);
                    at += 1;
                }
                // RFC 9051 permits only \" and \\; others are meant literally by those who send them.
                _ => text.push(octet),
            }
        }
        self.skip(at);
        Cow::Owned(text)
    }
}

fn is_item_octet(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'(' | b')' | b'[' | b']' | b'"' | b'{' | b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Token<'_>> {
        let mut tokenizer = Tokenizer::new(text.as_bytes());
        std::iter::from_fn(|| tokenizer.token()).collect()
    }

    #[test]
    fn tokens_are_cut_as_servers_mean_them() {
        let quoted = |text: &'static str| Token::Quoted(Cow::Borrowed(text.as_bytes()));
        assert_eq!(
            all("a  (b)c"),
            [Token::Atom(b"a"), Token::Open, Token::Atom(b"b"), Token::Close, Token::Atom(b"c")]
        );
        assert_eq!(all(r#""a \"b\\" x"#), [quoted("a \"b\\"), Token::Atom(b"x")]);
        assert_eq!(all(r#""C:\dir""#), [quoted("C:\\dir")]);
        assert_eq!(all("\"open"), [quoted("open")]);
        assert_eq!(all("OIB-[Gmail]/x"), [Token::Atom(b"OIB-[Gmail]/x")]);
        assert_eq!(all(""), []);
    }

    #[test]
    fn a_section_belongs_to_its_item() {
        for (text, name, rest) in [
            ("BODY[] x", "BODY[]", " x"),
            ("BODY[HEADER.FIELDS (DATE FROM)] x", "BODY[HEADER.FIELDS (DATE FROM)]", " x"),
            ("BODY[]<0> x", "BODY[]<0>", " x"),
            ("BODY[TEXT x", "BODY[TEXT x", ""),
            ("FLAGS(\\Seen)", "FLAGS", "(\\Seen)"),
        ] {
            let mut tokenizer = Tokenizer::new(text.as_bytes());
            assert_eq!(tokenizer.item_name(), name.as_bytes());
            assert_eq!(tokenizer.rest(), rest.as_bytes());
        }
    }

    #[test]
    fn nesting_is_followed_only_so_deep() {
        let nested = |depth: usize| "(".repeat(depth) + &")".repeat(depth);
        assert!(Tokenizer::new(nested(MAX_DEPTH).as_bytes()).skip_value());
        assert!(!Tokenizer::new(nested(MAX_DEPTH + 1).as_bytes()).skip_value());
    }
}
