//! Charts, drawn by the server as SVG without a single inline style.
//!
//! Where looking beats reading: speed and progress over time, folders by size. The drawing stretches, the words beside it
//! are HTML and do not; each chart says in a sentence what it shows, and has its numbers in a table behind it.

mod curve;
mod folders;

pub(crate) use curve::{curves, sparkline};
pub(crate) use folders::{FolderSize, folders_by_size};
