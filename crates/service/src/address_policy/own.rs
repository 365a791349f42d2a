//! Whether an address belongs to this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The addresses of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnAddresses {
    /// As the system says at that moment.
    AskSystem,
    /// These.
    Listed(Vec<IpAddr>),
}

impl OwnAddresses {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match self {
            OwnAddresses::AskSystem => reaches_itself(address) || can_be_bound(address),
            OwnAddresses::Listed(own) => own.contains(&address),
        }
    }
}

/// What we send to our own address comes from that address. Connecting a datagram socket sends nothing.
fn reaches_itself(address: IpAddr) -> bool {
    let source = || {
        let socket = UdpSocket::bind(SocketAddr::new(unspecified(address), 0))?;
        // The port does not matter: the kernel only chooses a route.
        socket.connect(SocketAddr::new(address, 9))?;
        socket.local_addr()
    };
    source().is_ok_and(|local| local.ip().to_canonical() == address.to_canonical())
}

/// Only own addresses can be bound to, unless the system lets every address be (`ip_nonlocal_bind`).
fn can_be_bound(address: IpAddr) -> bool {
    let binds = |address: IpAddr| UdpSocket::bind(SocketAddr::new(address, 0)).is_ok();
    // Reserved for documentation (RFC 5737, RFC 3849): nobody's.
    let nobodys = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    };
    binds(address) && !binds(nobodys)
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_knows_its_own_addresses_from_others() {
        let own = OwnAddresses::AskSystem;
        // The address from which this machine would talk to the world, if it has one.
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        if socket.connect("8.8.8.8:9").is_ok() {
            assert!(own.contains(socket.local_addr().unwrap().ip()));
        }
        assert!(own.contains("127.0.0.1".parse().unwrap()));
        for other in ["8.8.8.8", "192.0.2.1", "2001:db8::1", "2a00:1450::1"] {
            assert!(!own.contains(other.parse().unwrap()), "{other}");
        }
    }
}
