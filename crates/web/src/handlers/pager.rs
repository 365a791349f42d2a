//! Pages of a long list: which part is read, and the links to the others.

use serde::Deserialize;
use service::Page;

use crate::pages::Pager;

/// Pages at most: more than any list here can have.
const PAGES: u64 = 1_000_000;

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    number: u64,
    size: u64,
}

/// The number of a page in an address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Number {
    page: Option<String>,
}

impl Number {
    /// The part of a list of pages of this size.
    pub(super) fn of(&self, size: u64) -> Part {
        part(self.page.as_deref(), size)
    }
}

/// The part that `number` names; what is no number is the first.
pub(super) fn part(number: Option<&str>, size: u64) -> Part {
    let number = number.and_then(|text| text.parse().ok()).unwrap_or(1);
    Part { number: u64::clamp(number, 1, PAGES), size }
}

impl Part {
    /// One more than is shown, to see whether there is a next page.
    pub(super) fn ask(self) -> Page {
        Page { offset: self.offset(), limit: self.size + 1 }
    }

    fn offset(self) -> u64 {
        (self.number - 1) * self.size
    }

    /// Passes over what stands on earlier pages of a list that was read as a whole.
    pub(super) fn pass_over<T>(self, items: &mut Vec<T>) {
        let earlier = usize::try_from(self.offset()).unwrap_or(usize::MAX).min(items.len());
        items.drain(..earlier);
    }

    /// Cuts off what stands on later pages, and makes the links; `to` is the address of a page by its number.
    pub(super) fn pager<T>(
        self,
        items: &mut Vec<T>,
        total: Option<u64>,
        to: impl Fn(u64) -> String,
    ) -> Pager {
        let more = items.len() as u64 > self.size;
        items.truncate(usize::try_from(self.size).unwrap_or(usize::MAX));
        Pager {
            from: self.offset() + 1,
            to: self.offset() + items.len() as u64,
            total,
            previous: (self.number > 1).then(|| to(self.number - 1)),
            next: more.then(|| to(self.number + 1)),
        }
    }
}
