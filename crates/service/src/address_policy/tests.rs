use proptest::prelude::*;

use super::*;
use crate::server_field;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn policy(allowed: &[&str]) -> AddressPolicy {
    let allowed = allowed.iter().map(|range| range.parse().unwrap()).collect();
    AddressPolicy::new(allowed, &[])
        .with_own(OwnAddresses::Listed(vec![ip("93.184.215.14"), ip("2a00:1450::5")]))
}

/// First and last address of each range that is refused, and what stands right outside it.
const REFUSED_V4: &[(&str, &str, Option<&str>, Option<&str>)] = &[
    ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
    ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
    ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
    ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
    ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
    ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
    ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
    ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
    ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
    ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
    ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
    ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
    ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
    ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
    ("240.0.0.0", "255.255.255.255", None, None),
];

const REFUSED_V6: &[(&str, &str, Option<&str>, Option<&str>)] = &[
    ("::", "::1", None, None),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", None, None),
    ("100::", "100::ffff:ffff:ffff:ffff", None, None),
    ("5f00::", "5f00:ffff::", None, None),
    ("1fff:ffff::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2000::")),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2000:ffff::"), Some("2001:200::")),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7:ffff::"), Some("2001:db9::")),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:ffff::"), Some("2003::")),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3ffe:ffff::"), Some("3fff:1000::")),
    ("4000::", "fbff::", Some("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), None),
    ("fc00::", "fdff:ffff::", None, None),
    ("fe80::", "febf:ffff::", None, None),
    ("fec0::", "feff:ffff::", None, None),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
];

#[test]
fn every_range_is_refused_from_its_first_to_its_last_address_and_no_further() {
    let policy = policy(&[]);
    for (first, last, before, behind) in REFUSED_V4.iter().chain(REFUSED_V6) {
        assert!(policy.judge(ip(first)).is_err(), "{first}");
        assert!(policy.judge(ip(last)).is_err(), "{last}");
        for outside in before.iter().chain(behind) {
            assert_eq!(policy.judge(ip(outside)), Ok(ip(outside)));
        }
    }
}

#[test]
fn an_ipv4_address_is_judged_as_such_however_it_is_wrapped() {
    let policy = policy(&[]);
    for (v4, _, before, behind) in REFUSED_V4 {
        let wrapped =
            [format!("::ffff:{v4}"), format!("64:ff9b::{v4}"), format!("::{v4}"), six_to_four_of(v4)];
        // ::0.0.0.0 is the unspecified address.
        assert!(wrapped.iter().all(|address| policy.judge(ip(address)).is_err()), "{v4}");
        for v4 in before.iter().chain(behind) {
            assert_eq!(policy.judge(ip(&format!("::ffff:{v4}"))), Ok(ip(v4)));
            let nat64 = ip(&format!("64:ff9b::{v4}"));
            assert_eq!(policy.judge(nat64), Ok(nat64));
            // Not routed any more (RFC 7526), whatever is in it.
            assert!(policy.judge(ip(&six_to_four_of(v4))).is_err());
        }
    }
}

fn six_to_four_of(v4: &str) -> String {
    let [a, b, c, d] = v4.parse::<Ipv4Addr>().unwrap().octets();
    format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1")
}

#[test]
fn every_spelling_of_this_machine_is_refused() {
    let policy = policy(&["0.0.0.0/0", "::/0"]);
    for text in [
        "0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.0.0.1",
        "0x7f.1",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "１２７.0.0.1",
        "169.254.169.254",
        "2852039166",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "255.255.255.255",
        "[ff02::1]",
    ] {
        let host = server_field::host(text).unwrap_or_else(|| panic!("{text} is a host"));
        let address: IpAddr = host.parse().unwrap_or_else(|_| panic!("{text} is an address"));
        assert!(policy.judge(address).is_err(), "{text} is {address}");
    }
}

#[test]
fn an_address_with_a_zone_is_no_host() {
    for text in
        ["fe80::1%1", "[fe80::1%1]", "[fe80::1%25lo]", "::1%lo", "[::1%1]", "127.0.0.1%1", "%31%32%37.0.0.1"]
    {
        assert_eq!(server_field::host(text), None, "{text}");
    }
}

#[test]
fn ranges_that_are_opened_open_private_networks_and_nothing_of_this_machine() {
    for (allowed, address, expected) in [
        (&["10.0.0.0/8"][..], "10.1.2.3", true),
        (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
        (&["10.0.0.0/8"], "64:ff9b::10.1.2.3", true),
        (&["10.0.0.0/8"], "11.1.2.3", true),
        (&["10.0.0.0/8"], "192.168.1.1", false),
        (&["fd00::/8"], "fd12::1", true),
        (&["fd00::/8"], "fc12::1", false),
        (&["0.0.0.0/0"], "127.0.0.1", false),
        (&["127.0.0.0/8"], "127.0.0.1", false),
        (&["127.0.0.0/31"], "127.0.0.1", false),
        (&["127.0.0.1/32"], "127.0.0.1", true),
        (&["127.0.0.1"], "::ffff:127.0.0.1", true),
        (&["127.0.0.1"], "127.0.0.2", false),
        (&["::1/128"], "::1", true),
        (&["::/0"], "::1", false),
        (&["::/0"], "::ffff:127.0.0.1", false),
        (&["::/0"], "64:ff9b::7f00:1", false),
        (&["::/0"], "fe80::1", false),
        (&["fe80::1/128"], "fe80::1", true),
        (&["169.254.0.0/16"], "169.254.1.1", false),
        (&["169.254.169.254"], "169.254.169.254", true),
        (&["fd00::/8"], "fd00:ec2::254", false),
        (&["100.64.0.0/10"], "100.100.100.200", false),
        (&["100.64.0.0/10"], "100.100.100.201", true),
        // What 6to4 leads to is judged as well.
        (&["2002::/16"], "2002:0808:0808::1", true),
        (&["2002::/16"], "2002:7f00:1::1", false),
        (&["2002::/16"], "2002:0a00:1::1", false),
        (&["2002::/16", "10.0.0.0/8"], "2002:0a00:1::1", true),
    ] {
        assert_eq!(policy(allowed).judge(ip(address)).is_ok(), expected, "{allowed:?} {address}");
    }
}

#[test]
fn our_own_addresses_are_refused_unless_named() {
    for (allowed, expected) in [(&[][..], false), (&["93.184.0.0/16"], false), (&["93.184.215.14"], true)] {
        for address in ["93.184.215.14", "::ffff:93.184.215.14", "64:ff9b::93.184.215.14"] {
            assert_eq!(policy(allowed).judge(ip(address)).is_ok(), expected, "{allowed:?} {address}");
        }
    }
    assert_eq!(policy(&[]).judge(ip("2a00:1450::5")), Err(Refusal::Own(ip("2a00:1450::5"))));
    assert_eq!(policy(&[]).judge(ip("2a00:1450::6")), Ok(ip("2a00:1450::6")));
}

#[test]
fn one_refused_answer_refuses_all_and_good_ones_keep_their_order() {
    let policy = policy(&[]);
    let good = [ip("8.8.8.8"), ip("2a00:1450::1"), ip("::ffff:8.8.8.8")];
    let expected = ["8.8.8.8:993", "[2a00:1450::1]:993"].map(|address| address.parse().unwrap());
    assert_eq!(policy.judge_all(&good, 993), Ok(expected.to_vec()));
    for at in 0..=good.len() {
        let mut mixed = good.to_vec();
        mixed.insert(at, ip("10.0.0.1"));
        assert_eq!(policy.judge_all(&mixed, 993), Err(Refusal::NotGlobal(ip("10.0.0.1"))));
    }
    let many: Vec<IpAddr> = (1..=100).map(|n| IpAddr::V4(Ipv4Addr::new(8, 8, 8, n))).collect();
    assert_eq!(policy.judge_all(&many, 993).unwrap().len(), MAX_ADDRESSES);
    // The last of many is judged too.
    let many_and_one = [many, vec![ip("127.0.0.1")]].concat();
    assert!(policy.judge_all(&many_and_one, 993).is_err());
}

#[test]
fn only_ports_of_mail_and_those_that_were_opened_are_connected_to() {
    let policy = AddressPolicy::new(Vec::new(), &[1993]).with_own(OwnAddresses::Listed(Vec::new()));
    for (port, expected) in [
        (143, true),
        (993, true),
        (1993, true),
        (0, false),
        (22, false),
        (25, false),
        (443, false),
        (1143, false),
    ] {
        assert_eq!(policy.judge_all(&[ip("8.8.8.8")], port).is_ok(), expected, "{port}");
    }
}

/// Whether an address is globally routable, said once more and otherwise than in the policy.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !matches!(
                (a, b, c),
                (0 | 10 | 127 | 224.., _, _)
                    | (100, 64..=127, _)
                    | (169, 254, _)
                    | (172, 16..=31, _)
                    | (192, 0, 0 | 2)
                    | (192, 88, 99)
                    | (192, 168, _)
                    | (198, 18 | 19, _)
                    | (198, 51, 100)
                    | (203, 0, 113)
            )
        }
        IpAddr::V6(v6) => {
            let s = v6.segments();
            let last = Ipv4Addr::from_bits(v6.to_bits() as u32);
            match s {
                [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
                    is_public(IpAddr::V4(last))
                }
                [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
                [first, ..] => (0x2000..=0x3fff).contains(&first),
            }
        }
    }
}

/// Addresses of which many are near a border of a range.
pub(crate) fn addresses() -> impl Strategy<Value = IpAddr> {
    let borders: Vec<&str> =
        REFUSED_V4.iter().chain(REFUSED_V6).flat_map(|(first, last, ..)| [*first, *last]).collect();
    let near = (prop::sample::select(borders), -3_i128..=3).prop_map(|(border, by)| match ip(border) {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits().wrapping_add(by as u32))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits().wrapping_add(by as u128))),
    });
    let wrapped = |prefix: u128| {
        any::<u32>().prop_map(move |v4| IpAddr::V6(Ipv6Addr::from_bits(prefix | u128::from(v4))))
    };
    prop_oneof![
        near,
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits((0x2000_u128 << 112) | (bits >> 3)))),
        wrapped(0xffff << 32),
        wrapped(0),
        wrapped(0x0064_ff9b << 96),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_address_passes_that_is_not_public(address in addresses()) {
        let policy = AddressPolicy::new(Vec::new(), &[]).with_own(OwnAddresses::Listed(Vec::new()));
        let special = ["168.63.129.16", "::ffff:168.63.129.16"].map(ip);
        if let Ok(passed) = policy.judge(address) {
            prop_assert!(is_public(address) && is_public(passed), "{}", address);
        } else {
            prop_assert!(!is_public(address) || special.contains(&address), "{}", address);
        }
    }

    #[test]
    fn whatever_ranges_are_opened_this_machine_stays_closed(prefix_v4 in 0_u8..=31, prefix_v6 in 0_u8..=127, address in addresses()) {
        let range = |address: IpAddr, prefix: u8| {
            let text = format!("{address}/{prefix}");
            text.parse::<Range>().or_else(|error| match error {
                RangeError::HostBits(_, range, _) => Ok(range),
                other => Err(other),
            })
        };
        let prefix = if address.is_ipv4() { prefix_v4 } else { prefix_v6 };
        let mut opened: Vec<Range> = range(address, prefix).into_iter().collect();
        opened.extend(["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"].map(|text| text.parse::<Range>().unwrap()));
        let policy = AddressPolicy::new(opened, &[]).with_own(OwnAddresses::Listed(Vec::new()));
        for own in ["127.0.0.1", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "::127.0.0.1", "2002:7f00:1::"] {
            prop_assert!(policy.judge(ip(own)).is_err(), "{}", own);
        }
    }
}
