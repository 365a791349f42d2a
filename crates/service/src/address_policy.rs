//! Which addresses this service connects to, because it dials what strangers name (server-side request forgery).
//!
//! The address is judged, never the text: `0`, `127.1`, `2130706433` and `0x7f000001` all reach this machine. If one answer of
//! a name is refused, all are. Everything that is not globally routable is refused unless the operator has opened it;
//! what belongs to this machine or to its network alone is opened only one by one. Nothing here looks anything up.

mod own;
mod range;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use self::own::OwnAddresses;
pub use self::range::{Range, RangeError};
use crate::server_field::{IMAP, IMAPS};

/// Addresses of one name that are tried at most.
const MAX_ADDRESSES: usize = 6;

/// Never reached through a range that is opened: this machine, its link, the services of its cloud, no single host.
const ONE_BY_ONE: &[Range] = &[
    Range::v4([0, 0, 0, 0], 8),
    Range::v4([127, 0, 0, 0], 8),
    Range::v4([169, 254, 0, 0], 16),
    Range::v4([224, 0, 0, 0], 4),
    Range::v4([240, 0, 0, 0], 4),
    // Metadata and agents of clouds outside the link-local range (Alibaba, Oracle, Azure).
    Range::v4([100, 100, 100, 200], 32),
    Range::v4([192, 0, 0, 192], 32),
    Range::v4([168, 63, 129, 16], 32),
    Range::v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
    Range::v6([0, 0, 0, 0, 0, 0, 0, 1], 128),
    Range::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    Range::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
    // Metadata of clouds (Amazon, Google).
    Range::v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
    Range::v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
];

/// Not globally routable (IANA's special-purpose registries, RFC 6890); of IPv6 everything outside 2000::/3 beside.
const NOT_GLOBAL: &[Range] = &[
    Range::v4([10, 0, 0, 0], 8),
    Range::v4([100, 64, 0, 0], 10),
    Range::v4([172, 16, 0, 0], 12),
    Range::v4([192, 0, 0, 0], 24),
    Range::v4([192, 0, 2, 0], 24),
    Range::v4([192, 88, 99, 0], 24),
    Range::v4([192, 168, 0, 0], 16),
    Range::v4([198, 18, 0, 0], 15),
    Range::v4([198, 51, 100, 0], 24),
    Range::v4([203, 0, 113, 0], 24),
    Range::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    Range::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    Range::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    Range::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// What is globally routable of IPv6 at all.
const GLOBAL_V6: Range = Range::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// Through it IPv4 is reached from IPv6 (NAT64, RFC 6052).
const NAT64: Range = Range::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
/// IPv4-compatible addresses (RFC 4291, section 2.5.5.1).
const COMPATIBLE: Range = Range::v6([0; 8], 96);

/// Why an address or a port is refused. For logs and the operator; customers are told nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The port is no IMAP port that is open here.
    Port(u16),
    /// This machine, its link, its cloud's services, or no single host.
    OneByOne(IpAddr),
    /// Not globally routable.
    NotGlobal(IpAddr),
    /// An address of this machine.
    Own(IpAddr),
    /// Not named as one that is talked to without encryption.
    Unencrypted(IpAddr),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Port(port) => write!(f, "port {port} is not among those that may be connected to"),
            Refusal::OneByOne(address) => {
                write!(f, "{address} may be connected to only when it is allowed by itself")
            }
            Refusal::NotGlobal(address) => write!(f, "{address} is in no network that may be connected to"),
            Refusal::Unencrypted(address) => {
                write!(f, "{address} is talked to without encryption only when it is allowed by name")
            }
            Refusal::Own(address) => write!(f, "{address} belongs to this machine"),
        }
    }
}

/// The judge.
#[derive(Debug, Clone)]
pub struct AddressPolicy {
    allowed: Vec<Range>,
    ports: Vec<u16>,
    own: OwnAddresses,
}

impl AddressPolicy {
    /// Allows the globally routable addresses and these ranges, and the ports 143, 993 and these.
    pub fn new(allow_cidrs: Vec<Range>, further_ports: &[u16]) -> AddressPolicy {
        let mut ports = vec![IMAP, IMAPS];
        ports.extend(further_ports);
        AddressPolicy { allowed: allow_cidrs, ports, own: OwnAddresses::AskSystem }
    }

    /// The same for a machine with these addresses.
    #[must_use]
    pub fn with_own(mut self, own: OwnAddresses) -> AddressPolicy {
        self.own = own;
        self
    }

    /// Judges all addresses of a server at once, and gives those to connect to, in order.
    ///
    /// # Errors
    ///
    /// Why the first refused one is refused.
    pub fn judge_all(&self, addresses: &[IpAddr], port: u16) -> Result<Vec<SocketAddr>, Refusal> {
        if !self.ports.contains(&port) {
            return Err(Refusal::Port(port));
        }
        self.judge_addresses(addresses, port)
    }

    /// The same for a port that we have chosen ourselves.
    pub(crate) fn judge_addresses(
        &self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let mut found: Vec<SocketAddr> = Vec::new();
        for address in addresses {
            let address = SocketAddr::new(self.judge(*address)?, port);
            if !found.contains(&address) {
                found.push(address);
            }
        }
        found.truncate(MAX_ADDRESSES);
        Ok(found)
    }

    /// Whether the operator has opened anything that is not public.
    pub(crate) fn opens_any(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// Whether the operator has opened this port.
    pub(crate) fn opens_port(&self, port: u16) -> bool {
        !matches!(port, IMAP | IMAPS) && self.ports.contains(&port)
    }

    /// Judges addresses that are talked to without encryption: only those that the operator has named.
    pub(crate) fn judge_unencrypted(
        &self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let judged = self.judge_addresses(addresses, port)?;
        let is_named =
            |address: &IpAddr| self.allowed.iter().any(|range| range.contains(address.to_canonical()));
        match addresses.iter().find(|address| !is_named(address)) {
            Some(stranger) => Err(Refusal::Unencrypted(*stranger)),
            None => Ok(judged),
        }
    }

    /// Judges an address, and gives it in the form to connect to.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn judge(&self, address: IpAddr) -> Result<IpAddr, Refusal> {
        let address = address.to_canonical();
        let judged = inner_v4(address).map_or(address, IpAddr::V4);
        // 6to4 is refused as such; where it was opened, what it leads to counts too.
        if let Some(through) = six_to_four(judged) {
            self.judge(IpAddr::V4(through))?;
        }
        let is = |ranges: &[Range]| ranges.iter().any(|range| range.contains(judged));
        let by_itself = self.allowed.iter().any(|range| range.is_single() && range.contains(judged));
        let in_range = self.allowed.iter().any(|range| range.contains(judged));
        match () {
            () if by_itself => Ok(address),
            () if is(ONE_BY_ONE) => Err(Refusal::OneByOne(judged)),
            () if (is(NOT_GLOBAL) || !is_global_form(judged)) && !in_range => Err(Refusal::NotGlobal(judged)),
            () if self.own.contains(judged) || self.own.contains(address) => Err(Refusal::Own(judged)),
            () => Ok(address),
        }
    }
}

fn is_global_form(address: IpAddr) -> bool {
    address.is_ipv4() || GLOBAL_V6.contains(address)
}

/// The IPv4 address that an IPv6 address stands for: NAT64 and IPv4-compatible (mapped ones are unwrapped before).
fn inner_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let special = v6 == Ipv6Addr::UNSPECIFIED || v6 == Ipv6Addr::LOCALHOST;
    let wraps = NAT64.contains(address) || (COMPATIBLE.contains(address) && !special);
    let [.., a, b, c, d] = v6.octets();
    wraps.then(|| Ipv4Addr::new(a, b, c, d))
}

/// The IPv4 address through which 6to4 packets would be sent (RFC 3056).
fn six_to_four(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [0x20, 0x02, a, b, c, d, ..] = v6.octets() else { return None };
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
pub(crate) mod tests;
