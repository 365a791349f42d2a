//! How often something may be tried in a minute, for each key; bounded, in memory of this process.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// Keys remembered at most. When it is full the ones tried longest ago are forgotten: a stranger who can use more
/// addresses than this is not stopped by counting addresses.
const KEYS: usize = 50_000;

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: usize,
    attempts: Mutex<HashMap<u64, VecDeque<Instant>>>,
    keys: std::hash::RandomState,
}

impl Throttle {
    pub(crate) fn new(limit: u32) -> Throttle {
        Throttle { limit: limit as usize, attempts: Mutex::default(), keys: std::hash::RandomState::new() }
    }

    /// Counts an attempt, or says how long to wait.
    pub(crate) fn attempt(&self, key: impl Hash) -> Result<(), Duration> {
        self.attempt_at(key, Instant::now())
    }

    fn attempt_at(&self, key: impl Hash, now: Instant) -> Result<(), Duration> {
        let key = std::hash::BuildHasher::hash_one(&self.keys, key);
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= KEYS && !attempts.contains_key(&key) {
            attempts.retain(|_, times| times.back().is_some_and(|last| now - *last < WINDOW));
            if attempts.len() >= KEYS {
                attempts.clear();
            }
        }
        let times = attempts.entry(key).or_default();
        while times.front().is_some_and(|first| now - *first >= WINDOW) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= self.limit => Err(WINDOW - (now - *first)),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_allows_so_many_and_each_key_counts_alone() {
        let throttle = Throttle::new(2);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(throttle.attempt_at("a", at(0)), Ok(()));
        assert_eq!(throttle.attempt_at("a", at(10)), Ok(()));
        assert_eq!(throttle.attempt_at("a", at(20)), Err(Duration::from_secs(40)));
        assert_eq!(throttle.attempt_at("b", at(20)), Ok(()));
        assert_eq!(throttle.attempt_at("a", at(60)), Ok(()));
        assert_eq!(throttle.attempt_at("a", at(61)), Err(Duration::from_secs(9)));
    }
}
