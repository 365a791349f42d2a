//! Ranges of addresses (CIDR, RFC 4632): `10.0.0.0/8`, `fd00::/8`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    network: IpAddr,
    prefix: u8,
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Not an address with a prefix length.
    #[error("{0:?} is no range of addresses; it looks like 10.0.0.0/8, fd00::/8 or 192.0.2.1")]
    Form(String),
    /// Bits behind the prefix are set: it is unclear whether a range or one address is meant.
    #[error("{0} has bits set behind its prefix; the range is {1}, the address alone is {2}")]
    HostBits(String, Range, IpAddr),
    /// IPv4 addresses are judged as IPv4, however they are wrapped.
    #[error("{0} holds IPv4 addresses in the form of IPv6; please write them as IPv4")]
    Mapped(String),
}

impl Range {
    pub(super) const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Range {
        Range { network: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    pub(super) const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Range {
        Range { network: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix }
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (network, width) = bits(self.network);
        let (address, other_width) = bits(address);
        // A shift by the whole width would overflow.
        let apart = (network ^ address).checked_shr(width - u32::from(self.prefix)).unwrap_or(0);
        width == other_width && apart == 0
    }

    /// Whether it is one address.
    pub fn is_single(&self) -> bool {
        u32::from(self.prefix) == bits(self.network).1
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Range, RangeError> {
        let wrong = || RangeError::Form(text.to_owned());
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        if address.to_canonical() != address {
            return Err(RangeError::Mapped(text.to_owned()));
        }
        let (whole, width) = bits(address);
        let digits = |prefix: &str| prefix.bytes().all(|b| b.is_ascii_digit()).then(|| prefix.parse().ok());
        let prefix: u8 = match prefix {
            Some(prefix) => digits(prefix).flatten().ok_or_else(wrong)?,
            None => width as u8,
        };
        let behind = width.checked_sub(u32::from(prefix)).ok_or_else(wrong)?;
        let masked = whole.checked_shr(behind).unwrap_or(0).checked_shl(behind).unwrap_or(0);
        let network = match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(masked as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(masked)),
        };
        let range = Range { network, prefix };
        if masked != whole {
            return Err(RangeError::HostBits(text.to_owned(), range, address));
        }
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_should_and_nothing_beside() {
        for (range, inside, outside) in [
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255"][..],
                &["9.255.255.255", "11.0.0.0", "::a00:1"][..],
            ),
            ("192.0.2.7", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
            ("172.16.0.0/12", &["172.16.0.1", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::"]),
            ("::/0", &["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &["1.2.3.4"]),
            ("fc00::/7", &["fc00::1", "fdff::1"], &["fe00::1", "fbff::1"]),
            ("2001:db8::1", &["2001:db8::1"], &["2001:db8::2"]),
        ] {
            let range: Range = range.parse().unwrap();
            assert!(inside.iter().all(|address| range.contains(address.parse().unwrap())), "{range}");
            assert!(outside.iter().all(|address| !range.contains(address.parse().unwrap())), "{range}");
        }
    }

    #[test]
    fn only_one_address_is_single() {
        for (text, single) in [
            ("192.0.2.7", true),
            ("192.0.2.7/32", true),
            ("192.0.2.6/31", false),
            ("::1/128", true),
            ("::/127", false),
        ] {
            assert_eq!(text.parse::<Range>().unwrap().is_single(), single, "{text}");
        }
    }

    #[test]
    fn what_is_no_range_says_why() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "010.0.0.0/8",
            "x/8",
            "::1/8/8",
        ] {
            assert!(matches!(text.parse::<Range>(), Err(RangeError::Form(_))), "{text}");
        }
        assert_eq!(
            "10.1.2.3/8".parse::<Range>().unwrap_err().to_string(),
            "10.1.2.3/8 has bits set behind its prefix; the range is 10.0.0.0/8, the address alone is 10.1.2.3"
        );
        assert!(matches!("::ffff:10.0.0.0/104".parse::<Range>(), Err(RangeError::Mapped(_))));
    }
}
