//! QUOTA (RFC 9208).

use super::super::tokenizer::{Token, Tokenizer};

/// A resource that is limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaResource {
    /// `STORAGE` (in units of 1,024 octets), `MESSAGE`, ...; in capitals.
    pub name: String,
    /// How much is used.
    pub usage: u64,
    /// How much may be.
    pub limit: u64,
}

/// The limits of one quota root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The root's name; often empty.
    pub root: String,
    /// What is limited.
    pub resources: Vec<QuotaResource>,
}

impl Quota {
    /// Reads what follows the word QUOTA.
    pub(crate) fn parse(tokens: &mut Tokenizer<'_>) -> Option<Quota> {
        let root = String::from_utf8_lossy(&tokens.token()?.octets()?).into_owned();
        if tokens.token()? != Token::Open {
            return None;
        }
        let mut resources = Vec::new();
        loop {
            let token = tokens.token()?;
            if token == Token::Close {
                return Some(Quota { root, resources });
            }
            let name = String::from_utf8_lossy(&token.octets()?).to_ascii_uppercase();
            let (usage, limit) = (tokens.token()?.number()?, tokens.token()?.number()?);
            resources.push(QuotaResource { name, usage, limit });
        }
    }
}
