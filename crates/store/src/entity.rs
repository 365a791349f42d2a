//! The tables as SeaORM sees them. What each column means stands in `migration`; what a row means, in `row`.

pub(crate) mod account;
pub(crate) mod epoch;
pub(crate) mod intent;
pub(crate) mod message;
