//! NAMESPACE (RFC 2342; RFC 9051, section 7.3.3).

use super::super::WireName;
use super::super::tokenizer::{Token, Tokenizer};

/// A place where folders live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// What all names in it begin with.
    pub prefix: WireName,
    /// What separates their levels.
    pub separator: Option<char>,
}

/// The namespaces of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// The user's own.
    pub personal: Vec<Namespace>,
    /// Those of other users.
    pub others: Vec<Namespace>,
    /// Shared ones.
    pub shared: Vec<Namespace>,
}

impl Namespaces {
    /// Reads what follows the word NAMESPACE.
    pub(crate) fn parse(tokens: &mut Tokenizer<'_>) -> Option<Namespaces> {
        Some(Namespaces {
            personal: group(tokens)?,
            others: group(tokens).unwrap_or_default(),
            shared: group(tokens).unwrap_or_default(),
        })
    }
}

fn group(tokens: &mut Tokenizer<'_>) -> Option<Vec<Namespace>> {
    let token = tokens.token()?;
    if token.is_nil() {
        return Some(Vec::new());
    }
    if token != Token::Open {
        return None;
    }
    let mut namespaces = Vec::new();
    while tokens.token()? == Token::Open {
        let prefix = WireName::new(tokens.token()?.octets()?.into_owned());
        let separator = tokens.token()?;
        let separator = match separator.is_nil() {
            true => None,
            false => separator.octets()?.first().map(|&octet| char::from(octet)),
        };
        namespaces.push(Namespace { prefix, separator });
        if !tokens.skip_list() {
            return None;
        }
    }
    Some(namespaces)
}
