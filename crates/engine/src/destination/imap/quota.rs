//! The room that the new mailbox has left (QUOTA, RFC 9208): asked before messages are sent, and again whenever what was
//! sent since may have used it up.

use std::sync::{Mutex, PoisonError};

use imap::WireName;

use super::lane::Lane;
use crate::destination::Failure;
use crate::error::size;

/// What is left, as far as it was asked for. `u64::MAX`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    octets: u64,
    messages: u64,
}

/// The room of a mailbox.
#[derive(Debug, Default)]
pub(super) struct Quota {
    left: Mutex<Option<Left>>,
}

impl Quota {
    /// How many of these messages, from the first one, there is room for. What fits is taken off.
    pub(super) async fn fitting(
        &self,
        lane: &mut Lane,
        folder: &WireName,
        sizes: &[u64],
    ) -> Result<usize, Failure> {
        let known = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = match known.filter(|left| fits(*left, sizes).0 == sizes.len()) {
            Some(left) => left,
            None => ask(lane, folder).await?,
        };
        let (count, rest) = fits(left, sizes);
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        Ok(count)
    }

    /// What is known is wrong.
    pub(super) fn forget(&self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn fits(mut left: Left, sizes: &[u64]) -> (usize, Left) {
    for (at, size) in sizes.iter().enumerate() {
        let (Some(octets), Some(messages)) = (left.octets.checked_sub(*size), left.messages.checked_sub(1))
        else {
            return (at, left);
        };
        left = Left { octets, messages };
    }
    (sizes.len(), left)
}

async fn ask(lane: &mut Lane, folder: &WireName) -> Result<Left, Failure> {
    let mut left = Left { octets: u64::MAX, messages: u64::MAX };
    loop {
        match lane.connection().await?.quota_root(folder).await {
            Ok(quotas) => {
                for resource in quotas.iter().flat_map(|quota| &quota.resources) {
                    let free = resource.limit.saturating_sub(resource.usage);
                    match resource.name.as_str() {
                        // In units of 1,024 octets (RFC 9208, section 5.1).
                        "STORAGE" => left.octets = left.octets.min(free.saturating_mul(1_024)),
                        "MESSAGE" => left.messages = left.messages.min(free),
                        _ => {}
                    }
                }
                return Ok(left);
            }
            Err(imap::Error::Unsupported { .. } | imap::Error::Refused { .. }) => return Ok(left),
            Err(error) => lane.recover(error).await?,
        }
    }
}

/// There is no room for messages of so many octets.
pub(super) fn full(octets: u64) -> Failure {
    let message = format!(
        "The new mailbox is full: at least {} more is needed. Make room there; the import goes on where it stopped.",
        size(octets)
    );
    Failure { class: "quota", message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_fit_in_their_order_by_octets_and_by_number() {
        let left = |octets, messages| Left { octets, messages };
        assert_eq!(fits(left(10, 9), &[4, 4, 4]), (2, left(2, 7)));
        assert_eq!(fits(left(100, 1), &[4, 4]), (1, left(96, 0)));
        assert_eq!(fits(left(8, 2), &[4, 4]), (2, left(0, 0)));
        assert_eq!(fits(left(u64::MAX, u64::MAX), &[4]).0, 1);
    }
}
