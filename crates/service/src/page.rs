//! A part of a long list.

/// Which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows to pass over.
    pub offset: u64,
    /// Rows at most.
    pub limit: u64,
}

impl Page {
    /// The beginning, `limit` rows at most.
    pub fn first(limit: u64) -> Page {
        Page { offset: 0, limit }
    }
}
