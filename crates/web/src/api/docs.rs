//! The API's documentation.
