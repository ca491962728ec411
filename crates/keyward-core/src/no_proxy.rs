//! The hosts that are reached without a proxy, by the rules of curl's `noproxy.c`.

use core::net::{IpAddr, Ipv6Addr};

/// Whether a list covers this host.
pub(crate) fn covers(list: &str, host: &str, port: u16) -> bool {
    if list.trim() == "*" {
        return !host.is_empty();
    }
    let host = Host::read(host);
    list.split([',', ' ', '\t', '\n']).any(|entry| {
        let (entry, only_port) = split_port(entry);
        only_port.is_none_or(|only| only == port) && host.is_in(entry)
    })
}

enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

impl<'a> Host<'a> {
    fn read(host: &'a str) -> Self {
        address(host).map_or(Self::Name(host.strip_suffix('.').unwrap_or(host)), Self::Address)
    }

    fn is_in(&self, entry: &str) -> bool {
        match self {
            Self::Name(name) => is_below(name, entry),
            Self::Address(address) => is_in_network(*address, entry),
        }
    }
}

/// Reads an address, with or without the brackets that a URL has around an IPv6 address.
fn address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// Whether this name is the entry, or a name below it.
fn is_below(name: &str, entry: &str) -> bool {
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let Some(start) = name.len().checked_sub(entry.len()) else { return false };
    // Bytes, because the difference need not be the start of a character.
    let (before, end) = name.as_bytes().split_at(start);
    !entry.is_empty()
        && end.eq_ignore_ascii_case(entry.as_bytes())
        && (before.is_empty() || before.ends_with(b"."))
}

/// Whether this address is the entry, or in the network that the entry names.
fn is_in_network(host: IpAddr, entry: &str) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    match (host, address(network)) {
        (IpAddr::V4(host), Some(IpAddr::V4(network))) => {
            starts_alike(host.to_bits().into(), network.to_bits().into(), 32, bits)
        }
        (IpAddr::V6(host), Some(IpAddr::V6(network))) => {
            starts_alike(host.to_bits(), network.to_bits(), 128, bits)
        }
        _ => false,
    }
}

/// Whether the first bits of two addresses of this length are equal; without a number, all bits.
fn starts_alike(one: u128, other: u128, length: u32, bits: Option<u32>) -> bool {
    match length.checked_sub(bits.unwrap_or(length)) {
        Some(rest) => (one ^ other).checked_shr(rest).unwrap_or(0) == 0,
        None => false,
    }
}

/// Splits an entry into host and port. An IPv6 address with a port is in brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let split = entry.rsplit_once(':').and_then(|(host, port)| {
        let has_one_colon = !host.contains(':') || host.ends_with(']');
        has_one_colon.then_some((host, Some(port.parse().ok()?)))
    });
    split.unwrap_or((entry, None))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rules_are_those_of_curl() {
        for (list, host, expected) in [
            ("", "example.com", false),
            ("*", "example.com", true),
            ("*", "[::1]", true),
            ("*", "", false),
            ("*,b", "example.com", false),
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com", true),
            ("EXAMPLE.com", "example.com", true),
            ("example.com", "www.example.com", true),
            ("example.com", "notexample.com", false),
            ("example.com", "com", false),
            (".example.com", "example.com", true),
            (".example.com", "www.example.com", true),
            (".example.com", "notexample.com", false),
            ("*.example.com", "www.example.com", false),
            ("example.com.", "example.com", true),
            ("example.com", "example.com.", true),
            (".", "example.com", false),
            ("a, example.com", "example.com", true),
            ("a example.com", "example.com", true),
            ("a,,\texample.com,", "example.com", true),
            ("\u{e4}.com", "x\u{f6}.com", false),
            ("192.168.0.1", "192.168.0.1", true),
            ("192.168.0.1", "192.168.0.11", false),
            ("168.0.1", "192.168.0.1", false),
            ("192.168.0.0/16", "192.168.3.4", true),
            ("192.168.0.0/16", "192.169.3.4", false),
            ("192.168.0.1/32", "192.168.0.1", true),
            ("192.168.0.0/33", "192.168.0.0", false),
            ("192.168.0.0/x", "192.168.0.0", false),
            ("192.168.0.0/16", "www.192.168.0.0", false),
            ("::1", "[::1]", true),
            ("[::1]", "::1", true),
            ("fe80::/10", "[fe80::1]", true),
            ("fe80::/10", "[fd00::1]", false),
            ("fe80::/129", "[fe80::]", false),
            ("127.0.0.1", "[::1]", false),
        ] {
            assert_eq!(covers(list, host, 443), expected, "{host} in `{list}`");
        }
    }

    #[test]
    fn an_entry_with_a_port_is_for_that_port() {
        for (list, host, port, expected) in [
            ("example.com:443", "www.example.com", 443, true),
            ("example.com:443", "www.example.com", 80, false),
            ("[::1]:443", "[::1]", 443, true),
            ("[::1]:443", "[::1]", 80, false),
            ("10.0.0.1:443", "10.0.0.1", 443, true),
            ("::1", "[::1]", 1, true),
            ("example.com:x", "example.com", 443, false),
            ("example.com:99999", "example.com", 443, false),
        ] {
            assert_eq!(covers(list, host, port), expected, "{host}:{port} in `{list}`");
        }
    }

    proptest! {
        #[test]
        fn any_list_and_any_host_are_read(list in "\\PC*", host in "\\PC*", port: u16) {
            covers(&list, &host, port);
        }

        #[test]
        fn a_name_is_covered_by_itself_and_by_each_parent(
            labels in proptest::collection::vec("[a-z][a-z0-9-]{0,5}", 1..6),
            cut in 0_usize..6,
        ) {
            let parent = labels[cut.min(labels.len() - 1)..].join(".");
            prop_assert!(covers(&parent, &labels.join("."), 1));
            let below = format!("x{}", labels.join("."));
            prop_assert!(!covers(&labels.join("."), &below, 1));
        }

        #[test]
        fn an_address_is_in_each_network_around_it(address: u32, bits in 0_u32..=32) {
            let host = core::net::Ipv4Addr::from_bits(address);
            let network = format!("{host}/{bits}");
            prop_assert!(covers(&network, &host.to_string(), 1));
            if bits > 0 {
                let other = core::net::Ipv4Addr::from_bits(address ^ (1 << (32 - bits)));
                prop_assert!(!covers(&network, &other.to_string(), 1));
            }
        }
    }
}
