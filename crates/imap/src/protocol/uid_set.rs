//! Message identifiers and sets of them (RFC 9051, section 2.3.1).
//!
//! A set is kept as sorted, disjoint, non-touching ranges, so that "every message of a folder
//! with two million" costs eight bytes. It must never hold 0 (no UID) nor `*` (whose meaning
//! depends on the server's state).

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A message's unique identifier within one folder and one UIDVALIDITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// The UID with this number, or `None` for 0, which is no UID.
    pub const fn new(number: u32) -> Option<Uid> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Uid(number)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A folder's UIDVALIDITY. 0 is forbidden by RFC 9051 but exists in the wild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidValidity(pub u32);

impl fmt::Display for UidValidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A modification sequence (RFC 7162); 63 bits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModSeq(pub u64);

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of UIDs. Its text form is IMAP's sequence-set: `1:3,7`; the empty set is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UidSet {
    /// Inclusive, ascending, with at least one number between neighbours.
    ranges: Vec<(u32, u32)>,
}

/// Why a text is not a set of UIDs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of UIDs: {0:?}")]
pub struct InvalidUidSet(pub String);

impl UidSet {
    /// The empty set.
    pub const fn new() -> UidSet {
        UidSet { ranges: Vec::new() }
    }

    /// The set of all UIDs from `first` to `last`, in either order.
    pub fn range(first: Uid, last: Uid) -> UidSet {
        let (low, high) = (first.get().min(last.get()), first.get().max(last.get()));
        UidSet { ranges: vec![(low, high)] }
    }

    /// Adds one UID.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds all UIDs from `first` to `last`, in either order (RFC 9051: `7:3` is `3:7`).
    pub fn insert_range(&mut self, first: Uid, last: Uid) {
        let (mut low, mut high) = (first.get().min(last.get()), first.get().max(last.get()));
        // All ranges that overlap or touch [low, high] melt into one.
        let start = self.ranges.partition_point(|&(_, end)| end < low && end + 1 < low);
        let end = start + self.ranges[start..].partition_point(|&(begin, _)| begin <= high.saturating_add(1));
        if let Some(&(begin, _)) = self.ranges[start..end].first() {
            low = low.min(begin);
        }
        if let Some(&(_, finish)) = self.ranges[start..end].last() {
            high = high.max(finish);
        }
        self.ranges.splice(start..end, [(low, high)]);
    }

    /// Removes one UID; says whether it was there.
    pub fn remove(&mut self, uid: Uid) -> bool {
        let number = uid.get();
        let at = self.ranges.partition_point(|&(_, end)| end < number);
        let Some(&(low, high)) = self.ranges.get(at) else { return false };
        if number < low {
            return false;
        }
        let left = (low < number).then(|| (low, number - 1));
        let right = (number < high).then(|| (number + 1, high));
        self.ranges.splice(at..=at, left.into_iter().chain(right));
        true
    }

    /// Whether the UID is in the set.
    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.ranges.partition_point(|&(_, end)| end < uid.get());
        self.ranges.get(at).is_some_and(|&(low, _)| low <= uid.get())
    }

    /// How many UIDs the set has.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(low, high)| u64::from(high - low) + 1).sum()
    }

    /// Whether the set has none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The smallest UID.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().and_then(|&(low, _)| Uid::new(low))
    }

    /// The largest UID.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().and_then(|&(_, high)| Uid::new(high))
    }

    /// The UIDs in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.ranges.iter().flat_map(|&(low, high)| (low..=high).filter_map(Uid::new))
    }

    /// The ranges (first and last UID, both included) in ascending order.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = (Uid, Uid)> + '_ {
        self.ranges.iter().filter_map(|&(low, high)| Some((Uid::new(low)?, Uid::new(high)?)))
    }

    /// What is in either set.
    pub fn union(&self, other: &UidSet) -> UidSet {
        let mut all: Vec<(u32, u32)> = self.ranges.iter().chain(&other.ranges).copied().collect();
        all.sort_unstable();
        UidSet { ranges: melt(all) }
    }

    /// What is in this set and not in the other.
    pub fn difference(&self, other: &UidSet) -> UidSet {
        let mut ranges = Vec::with_capacity(self.ranges.len());
        let mut cuts = other.ranges.iter().copied().peekable();
        for &(mut low, high) in &self.ranges {
            let mut exhausted = false;
            while let Some(&(cut_low, cut_high)) = cuts.peek() {
                if cut_high < low {
                    cuts.next();
                    continue;
                }
                if cut_low > high {
                    break;
                }
                if cut_low > low {
                    ranges.push((low, cut_low - 1));
                }
                if cut_high >= high {
                    exhausted = true;
                    break;
                }
                low = cut_high + 1;
            }
            if !exhausted {
                ranges.push((low, high));
            }
        }
        UidSet { ranges }
    }

    /// What is in both sets.
    pub fn intersection(&self, other: &UidSet) -> UidSet {
        let mut ranges = Vec::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            let (low, high) = (a.max(c), b.min(d));
            if low <= high {
                ranges.push((low, high));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        UidSet { ranges }
    }

    /// The set in pieces of at most `n` UIDs each (`n` of 0 counts as 1), in ascending order.
    pub fn chunks(&self, n: usize) -> impl Iterator<Item = UidSet> {
        let limit = u64::try_from(n.max(1)).unwrap_or(u64::MAX);
        self.pieces(move |piece, low, high| {
            let room = limit - piece.len();
            u32::try_from(room).unwrap_or(u32::MAX).min((high - low).saturating_add(1))
        })
    }

    /// The set in pieces whose text form has at most `octets` octets each (never less than one range).
    pub fn wire_pieces(&self, octets: usize) -> impl Iterator<Item = UidSet> {
        let mut used = 0;
        self.pieces(move |piece, low, high| {
            if piece.is_empty() {
                used = 0;
            }
            let text = range_text(low, high).len() + 1;
            if used > 0 && used + text > octets {
                return 0;
            }
            used += text;
            (high - low).saturating_add(1)
        })
    }

    /// Cuts the set; `take` says how many UIDs of the range `low..=high` the growing piece accepts.
    fn pieces(&self, mut take: impl FnMut(&UidSet, u32, u32) -> u32) -> impl Iterator<Item = UidSet> {
        let mut ranges = self.ranges.clone().into_iter();
        let mut open: Option<(u32, u32)> = None;
        std::iter::from_fn(move || {
            let mut piece = UidSet::new();
            while let Some((low, high)) = open.take().or_else(|| ranges.next()) {
                let count = take(&piece, low, high);
                if count == 0 {
                    open = Some((low, high));
                    break;
                }
                let end = low.saturating_add(count - 1).min(high);
                piece.ranges.push((low, end));
                if end < high {
                    open = Some((end + 1, high));
                    break;
                }
            }
            (!piece.is_empty()).then_some(piece)
        })
    }
}

/// Joins sorted ranges that overlap or touch.
fn melt(sorted: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
    for (low, high) in sorted {
        match ranges.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => ranges.push((low, high)),
        }
    }
    ranges
}

fn range_text(low: u32, high: u32) -> String {
    if low == high { low.to_string() } else { format!("{low}:{high}") }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<T: IntoIterator<Item = Uid>>(uids: T) -> UidSet {
        let mut set = UidSet::new();
        set.extend(uids);
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<T: IntoIterator<Item = Uid>>(&mut self, uids: T) {
        let mut sorted = true;
        for uid in uids {
            let number = uid.get();
            match self.ranges.last_mut() {
                Some(last) if sorted && (last.0..=last.1).contains(&number) => {}
                Some(last) if sorted && last.1 < number && number - last.1 == 1 => last.1 = number,
                Some(last) => {
                    sorted &= last.1 < number;
                    self.ranges.push((number, number));
                }
                None => self.ranges.push((number, number)),
            }
        }
        if !sorted {
            self.ranges.sort_unstable();
            self.ranges = melt(std::mem::take(&mut self.ranges));
        }
    }
}

impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, &(low, high)) in self.ranges.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            if low == high {
                write!(f, "{low}")?;
            } else {
                write!(f, "{low}:{high}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for UidSet {
    type Err = InvalidUidSet;

    /// Reads `1:3,7`. `*` and 0 are refused; the empty text is the empty set.
    fn from_str(text: &str) -> Result<UidSet, InvalidUidSet> {
        if text.is_empty() {
            return Ok(UidSet::new());
        }
        let refused = || InvalidUidSet(text.chars().take(80).collect());
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit());
            digits.then(|| part.parse::<NonZeroU32>().ok()).flatten().map(NonZeroU32::get)
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once(':').unwrap_or((part, part));
            let (first, last) = (number(first).ok_or_else(refused)?, number(last).ok_or_else(refused)?);
            ranges.push((first.min(last), first.max(last)));
        }
        ranges.sort_unstable();
        Ok(UidSet { ranges: melt(ranges) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    fn set(numbers: &BTreeSet<u32>) -> UidSet {
        numbers.iter().copied().map(uid).collect()
    }

    fn numbers(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(Uid::get).collect()
    }

    #[test]
    fn texts_are_read_or_refused() {
        for (text, shown) in [
            ("", ""),
            ("7", "7"),
            ("1:3,7", "1:3,7"),
            ("3:1,2:5,6", "1:6"),
            ("4294967295,1", "1,4294967295"),
            ("1:4294967295", "1:4294967295"),
        ] {
            assert_eq!(text.parse::<UidSet>().unwrap().to_string(), shown);
        }
        for text in ["*", "1:*", "0", "0:4", "a", "1,", ",1", "1::2", "-1", "+1", "4294967296", " 1"] {
            assert!(text.parse::<UidSet>().is_err(), "{text}");
        }
        assert_eq!("1:4294967295".parse::<UidSet>().unwrap().len(), 4_294_967_295);
    }

    #[test]
    fn the_whole_range_can_be_cut_and_changed() {
        let mut all: UidSet = "1:4294967295".parse().unwrap();
        assert_eq!(all.wire_pieces(10).map(|piece| piece.to_string()).collect::<Vec<_>>(), ["1:4294967295"]);
        assert_eq!(all.chunks(1 << 31).count(), 2);
        all.insert(uid(u32::MAX));
        assert!(all.remove(uid(u32::MAX)) && all.remove(uid(1)) && !all.remove(uid(1)));
        assert_eq!(all.to_string(), "2:4294967294");
    }

    proptest! {
        #[test]
        fn sets_behave_like_sets(
            a in prop::collection::btree_set(1..60_u32, 0..40),
            b in prop::collection::btree_set(1..60_u32, 0..40),
            size in 1..20_usize, octets in 1..30_usize, change in 1..60_u32,
        ) {
            let (left, right) = (set(&a), set(&b));
            prop_assert_eq!(numbers(&left.union(&right)), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(numbers(&left.difference(&right)), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(numbers(&left.intersection(&right)), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(left.len(), a.len() as u64);
            prop_assert_eq!(left.first().map(Uid::get), a.first().copied());
            prop_assert_eq!(left.last().map(Uid::get), a.last().copied());
            prop_assert_eq!(left.contains(uid(change)), a.contains(&change));
            prop_assert_eq!(&left.to_string().parse::<UidSet>().unwrap(), &left);
            prop_assert!(left.iter().rev().map(Uid::get).eq(a.iter().rev().copied()));

            let chunks: Vec<UidSet> = left.chunks(size).collect();
            prop_assert!(chunks.iter().rev().skip(1).all(|chunk| chunk.len() == size as u64));
            prop_assert!(chunks.iter().flat_map(UidSet::iter).map(Uid::get).eq(a.iter().copied()));
            let pieces: Vec<UidSet> = left.wire_pieces(octets).collect();
            prop_assert!(pieces.iter().all(|p| p.to_string().len() <= octets || p.ranges().count() == 1));
            prop_assert!(pieces.iter().flat_map(UidSet::iter).map(Uid::get).eq(a.iter().copied()));

            let (mut grown, mut shrunk) = (left.clone(), left.clone());
            grown.insert(uid(change));
            prop_assert_eq!(shrunk.remove(uid(change)), a.contains(&change));
            let mut model = a.clone();
            model.insert(change);
            prop_assert_eq!(&grown, &set(&model));
            model.remove(&change);
            prop_assert_eq!(&shrunk, &set(&model));
        }

        #[test]
        fn the_order_of_insertion_does_not_matter(mut list in prop::collection::vec(1..40_u32, 0..40)) {
            let collected: UidSet = list.iter().copied().map(uid).collect();
            let mut inserted = UidSet::new();
            list.iter().for_each(|&number| inserted.insert(uid(number)));
            list.sort_unstable();
            let sorted: UidSet = list.into_iter().map(uid).collect();
            prop_assert_eq!(&collected, &sorted);
            prop_assert_eq!(&inserted, &sorted);
        }
    }
}
