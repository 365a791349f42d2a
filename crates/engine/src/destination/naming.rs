//! The deterministic name of every imported message: the same at every retry and on every worker.
//!
//! `<secs>.M<n>P<account>F<epoch>.mailimport`: `secs` is the account's founding time, `n` the source UID, `P` a digest of
//! the source account, `F` one of folder and UIDVALIDITY. The ledger can be rebuilt from such names alone, and Dovecot,
//! which numbers new arrivals by the leading seconds and then by the number after `M`, keeps the source's order.
//! Dovecot reads that number as a signed 32-bit one: UIDs from 2^31 on count from zero again in the next second.

use imap::{Uid, UidValidity, WireName};

use crate::ledger::{AccountKey, AccountRecord};

const SUFFIX: &str = ".mailimport";
const HALF: u32 = 1 << 31;

/// Names the messages of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    founded: i64,
    tail: String,
    account: String,
}

impl Naming {
    /// The naming of a folder's messages under one UIDVALIDITY.
    pub fn new(key: &AccountKey, record: &AccountRecord, folder: &WireName, epoch: UidValidity) -> Naming {
        let account = short(&[key.source.as_bytes()]);
        let folder = short(&[folder.as_bytes(), &epoch.0.to_be_bytes()]);
        Naming { founded: record.founded, tail: format!("P{account}F{folder}{SUFFIX}"), account }
    }

    /// The identity of a message.
    pub fn identity(&self, uid: Uid) -> String {
        let uid = uid.get();
        let (secs, number) = if uid < HALF { (self.founded, uid) } else { (self.founded + 1, uid - HALF) };
        let half = if uid < HALF { "" } else { "H" };
        format!("{secs}.M{number}{half}{}", self.tail)
    }

    /// The UID in an identity of this epoch, whatever its seconds: a new ledger may have another founding time.
    pub fn uid(&self, identity: &str) -> Option<Uid> {
        let rest = identity.strip_suffix(self.tail.as_str())?;
        let (secs, number) = rest.split_once(".M")?;
        if secs.is_empty() || !secs.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (number, base) = number.strip_suffix('H').map_or((number, 0), |n| (n, HALF));
        let number: u32 = number.parse().ok().filter(|n| *n < HALF)?;
        Uid::new(number + base)
    }

    /// Whether a name in `tmp` was written by an import of this account.
    pub fn is_ours(&self, name: &str) -> bool {
        name.contains(SUFFIX) && name.contains(&format!("P{}F", self.account))
    }

    /// A name for a message whose UID the server has not told yet.
    pub fn provisional(&self, number: u64) -> String {
        format!("{}.M{number}X{}", self.founded, self.tail)
    }
}

fn short(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().as_str()[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::AccountId;

    fn naming(folder: &str, epoch: u32) -> Naming {
        let key = AccountKey { source: "a@b".into(), destination: "maildir:/x".into() };
        let record = AccountRecord { id: AccountId(1), founded: 1_700_000_000 };
        Naming::new(&key, &record, &WireName::new(folder.as_bytes().to_vec()), UidValidity(epoch))
    }

    #[test]
    fn an_identity_gives_its_uid_back_and_belongs_to_its_epoch_alone() {
        let naming_1 = naming("INBOX", 1);
        for uid in [1, 17, HALF - 1, HALF, u32::MAX] {
            let uid = Uid::new(uid).unwrap();
            let identity = naming_1.identity(uid);
            assert_eq!(naming_1.uid(&identity), Some(uid));
            assert_eq!(naming("INBOX", 2).uid(&identity), None);
            assert_eq!(naming("Sent", 1).uid(&identity), None);
        }
        assert_eq!(naming_1.uid(&naming_1.provisional(3)), None);
        assert_eq!(naming_1.uid("1700000000.M1P1.host"), None);
    }

    #[test]
    fn dovecots_order_is_the_order_of_uids() {
        let naming = naming("INBOX", 1);
        let key = |uid: u32| {
            let identity = naming.identity(Uid::new(uid).unwrap());
            let (secs, rest) = identity.split_once(".M").unwrap();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            (secs.parse::<i64>().unwrap(), digits.parse::<i32>().unwrap())
        };
        let uids = [1, 2, 9, 10, 99, HALF - 1, HALF, HALF + 1, u32::MAX];
        assert!(uids.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
    }
}
