//! Who decides which addresses may be connected to, for programs that dial what strangers name.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use super::options::Endpoint;
use crate::error::Error;

/// The addresses that an [`AddressGuard`] lets pass.
pub type Allowed<'a> = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, Error>> + Send + 'a>>;

/// Resolves a server's name once and judges every answer, at each connect and reconnect.
pub trait AddressGuard: fmt::Debug + Send + Sync {
    /// The addresses to connect to, in this order, and no others. [`Error::AddressRefused`] where one of them is not
    /// allowed, [`Error::Dns`] where there is none.
    fn addresses<'a>(&'a self, endpoint: &'a Endpoint) -> Allowed<'a>;
}
