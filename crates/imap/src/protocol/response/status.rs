//! STATUS (RFC 9051, section 7.3.4).

use super::super::tokenizer::{Token, Tokenizer};
use super::super::{ModSeq, UidValidity, WireName};

/// What a server says of a folder without opening it. What it did not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Messages.
    pub messages: Option<u32>,
    /// The next UID.
    pub uid_next: Option<u32>,
    /// UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// Messages without `\Seen`.
    pub unseen: Option<u32>,
    /// Messages with `\Deleted` (RFC 9051).
    pub deleted: Option<u32>,
    /// Octets in all (RFC 8438).
    pub size: Option<u64>,
    /// The highest modification sequence (RFC 7162); 0 where the folder keeps none.
    pub highest_mod_seq: Option<ModSeq>,
    /// The folder's object id (RFC 8474).
    pub mailbox_id: Option<String>,
}

impl Status {
    /// Reads what follows the word STATUS: the folder and its numbers.
    pub(crate) fn parse(tokens: &mut Tokenizer<'_>) -> Option<(WireName, Status)> {
        let name = name(tokens)?;
        if tokens.token()? != Token::Open {
            return None;
        }
        let mut status = Status::default();
        loop {
            let token = tokens.token()?;
            if token == Token::Close {
                return Some((name, status));
            }
            let item = token.octets()?.to_ascii_uppercase();
            if matches!(tokens.peek()?, Token::Close) {
                return Some((name, status));
            }
            status.item(&item, tokens)?;
        }
    }

    fn item(&mut self, item: &[u8], tokens: &mut Tokenizer<'_>) -> Option<()> {
        if item == b"MAILBOXID" {
            let listed = tokens.peek()? == Token::Open;
            if listed {
                tokens.token();
            }
            self.mailbox_id = Some(String::from_utf8_lossy(&tokens.token()?.octets()?).into_owned());
            return if listed { tokens.skip_list().then_some(()) } else { Some(()) };
        }
        if tokens.peek()? == Token::Open {
            return tokens.skip_value().then_some(());
        }
        let number = tokens.token()?.number();
        let small = number.and_then(|number| u32::try_from(number).ok());
        match item {
            b"MESSAGES" => self.messages = small,
            b"UIDNEXT" => self.uid_next = small,
            b"UIDVALIDITY" => self.uid_validity = small.map(UidValidity),
            b"UNSEEN" => self.unseen = small,
            b"DELETED" => self.deleted = small,
            b"SIZE" => self.size = number,
            b"HIGHESTMODSEQ" => self.highest_mod_seq = number.map(ModSeq),
            _ => {}
        }
        Some(())
    }
}

/// The folder's name; unquoted ones reach to the last list of the line.
fn name(tokens: &mut Tokenizer<'_>) -> Option<WireName> {
    tokens.skip_spaces();
    if matches!(tokens.peek()?, Token::Quoted(_) | Token::Literal(_)) {
        return Some(WireName::new(tokens.token()?.octets()?.into_owned()));
    }
    let rest = tokens.rest();
    let end = rest.windows(2).rposition(|pair| pair == b" (")?;
    tokens.skip(end);
    Some(WireName::new(rest[..end].trim_ascii_end()))
}
