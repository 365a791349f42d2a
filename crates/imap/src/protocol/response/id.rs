//! ID (RFC 2971).

use super::super::tokenizer::{Token, Tokenizer};

/// Reads what follows the word ID: field and value; values that are NIL are left out.
pub(crate) fn parse(tokens: &mut Tokenizer<'_>) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    if tokens.token()? != Token::Open {
        return Some(fields);
    }
    let text = |token: Token<'_>| token.octets().map(|raw| String::from_utf8_lossy(&raw).into_owned());
    loop {
        let field = tokens.token()?;
        if field == Token::Close {
            return Some(fields);
        }
        let value = tokens.token()?;
        if value == Token::Close {
            return Some(fields);
        }
        if !value.is_nil() {
            fields.push((text(field)?, text(value)?));
        }
    }
}
