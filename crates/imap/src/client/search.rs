//! UID SEARCH (RFC 9051, section 6.4.4), by ESEARCH where offered (RFC 4731).

use super::Connection;
use crate::error::{Error, FramingFault};
use crate::protocol::{Command, ModSeq, Response, SearchDate, UidSet};

/// What to look for in the open folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchQuery {
    /// Every message.
    All,
    /// Messages with these UIDs. The text of the set must fit one command line; see [`UidSet::chunks`].
    Uid(UidSet),
    /// Messages that arrived on this day or later.
    Since(SearchDate),
    /// Messages that arrived before this day.
    Before(SearchDate),
    /// Messages with `\Deleted`.
    Deleted,
    /// Messages without `\Deleted`.
    Undeleted,
    /// Messages changed at this modification sequence or later (CONDSTORE).
    ModSeq(ModSeq),
    /// Messages larger than this many octets.
    Larger(u32),
    /// Messages that match all of these.
    And(Vec<SearchQuery>),
    /// Messages that do not match this.
    Not(Box<SearchQuery>),
}

impl SearchQuery {
    fn encode(&self) -> String {
        match self {
            SearchQuery::All => "ALL".to_owned(),
            SearchQuery::Uid(uids) => format!("UID {uids}"),
            SearchQuery::Since(day) => format!("SINCE {day}"),
            SearchQuery::Before(day) => format!("BEFORE {day}"),
            SearchQuery::Deleted => "DELETED".to_owned(),
            SearchQuery::Undeleted => "UNDELETED".to_owned(),
            SearchQuery::ModSeq(mod_seq) => format!("MODSEQ {mod_seq}"),
            SearchQuery::Larger(octets) => format!("LARGER {octets}"),
            SearchQuery::And(queries) if queries.is_empty() => "ALL".to_owned(),
            SearchQuery::And(queries) => {
                let keys: Vec<String> = queries.iter().map(SearchQuery::encode).collect();
                format!("({})", keys.join(" "))
            }
            SearchQuery::Not(query) => format!("NOT {}", query.encode()),
        }
    }

    /// Whether it can be sent: an empty set of UIDs has no form in the protocol.
    fn has_empty_set(&self) -> bool {
        match self {
            SearchQuery::Uid(uids) => uids.is_empty(),
            SearchQuery::And(queries) => queries.iter().any(SearchQuery::has_empty_set),
            SearchQuery::Not(query) => query.has_empty_set(),
            _ => false,
        }
    }
}

impl Connection {
    /// The UIDs of the messages that match.
    ///
    /// # Errors
    /// [`Error::Framing`] when the answer made no sense or, for [`SearchQuery::All`] in a folder that
    /// has messages, never came: that must not be taken for an empty folder.
    pub async fn search(&mut self, query: &SearchQuery) -> Result<UidSet, Error> {
        if query.has_empty_set() {
            return Err(Error::Unsendable { what: "an empty set of messages" });
        }
        let options = if self.offers("ESEARCH") { "RETURN (ALL) " } else { "" };
        let command = Command::new("UID SEARCH").text(&format!("{options}{}", query.encode()));
        let fault = |fault| Error::Framing { command: "UID SEARCH", fault };
        let mut found: Option<UidSet> = None;
        let mut garbled = false;
        self.execute(command, |response| {
            let part = match response {
                Response::Search(uids) => uids,
                Response::ESearch(answer) => answer.all,
                Response::Unintelligible { word } => {
                    garbled |= word.ends_with("SEARCH");
                    return Ok(());
                }
                _ => return Ok(()),
            };
            found = Some(found.take().unwrap_or_default().union(&part));
            Ok(())
        })
        .await?;
        if garbled {
            return Err(fault(FramingFault::UnintelligibleAnswer));
        }
        if found.is_none() && *query == SearchQuery::All && self.exists != Some(0) {
            return Err(fault(FramingFault::AnswerMissing));
        }
        Ok(found.unwrap_or_default())
    }
}
