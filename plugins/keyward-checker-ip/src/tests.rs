use keyward_plugin::{ErrorKind, Options as _, Value, Values};
use keyward_testkit::TestHost;

use super::*;

keyward_testkit::checker_suite!(
    Ip,
    |_| Values::new().with("allow", Value::List(vec!["127.0.0.0/8".into()])),
    host = |_| TestHost::new().client(Client::new(Presented::new(PresentedKind::CIRCUMSTANCES))),
);

fn open(allow: &[&str], deny: &[&str], default: &str) -> Result<Ip> {
    let list = |texts: &[&str]| Value::List(texts.iter().map(|text| (*text).into()).collect());
    let values = Values::new().with("allow", list(allow)).with("deny", list(deny));
    let values = values.with("default", Value::Text(default.into())).complete(Options::TABLE)?;
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Ip::open(Options::read(&values)?, &host)
}

/// Whether a client at this address is let in.
fn passes(checker: &Ip, attempt: &Attempt) -> bool {
    match checker.check(&Presented::circumstances(attempt), attempt).unwrap() {
        Round::Accepted { identity: None, last: None, until: None } => true,
        Round::Wrong { why: Denial::Restricted, .. } => false,
        round => panic!("it answers {round:?}"),
    }
}

/// Checks that of all these addresses exactly those with a `+` are let in.
#[track_caller]
fn lets_in(checker: &Ip, addresses: &[&str]) {
    for marked in addresses {
        let (mark, address) = marked.split_at(1);
        assert_eq!(passes(checker, &Attempt::from_address(address)), mark == "+", "{address}");
    }
}

#[test]
fn fl_24_without_rules_no_client_is_let_in() {
    lets_in(&open(&[], &[], "deny").unwrap(), &["-192.168.0.1", "-127.0.0.1", "-::1"]);
    lets_in(&open(&[], &[], "allow").unwrap(), &["+192.168.0.1", "+127.0.0.1", "+::1"]);
}

#[test]
fn fl_25_one_address_is_allowed() {
    let checker = open(&["192.168.0.1/32"], &[], "deny").unwrap();
    lets_in(&checker, &["+192.168.0.1", "-192.168.0.2", "-192.168.0.0"]);
    lets_in(&open(&["::1/128"], &[], "deny").unwrap(), &["+::1", "-::2", "-0.0.0.1"]);
}

#[test]
fn fl_26_one_address_is_denied() {
    let checker = open(&[], &["192.168.0.1/32"], "deny").unwrap();
    lets_in(&checker, &["-192.168.0.1", "-192.168.0.2"]);
}

#[test]
fn fl_27_all_but_one_address_are_let_in() {
    let checker = open(&[], &["192.168.0.1/32"], "allow").unwrap();
    lets_in(&checker, &["-192.168.0.1", "+192.168.0.2", "+2001:db8::1"]);
}

#[test]
fn fl_28_deny_wins_where_clients_are_kept_out_and_allow_where_they_are_let_in() {
    let (allow, deny) = (["192.168.0.1/32", "10.0.0.1/32"], ["192.168.0.1/32", "10.0.0.2/32"]);
    let strict = open(&allow, &deny, "deny").unwrap();
    lets_in(&strict, &["-192.168.0.1", "+10.0.0.1", "-10.0.0.2", "-10.0.0.3"]);
    let open_to_all = open(&allow, &deny, "allow").unwrap();
    lets_in(&open_to_all, &["+192.168.0.1", "+10.0.0.1", "-10.0.0.2", "+10.0.0.3"]);
}

#[test]
fn fl_29_a_list_has_several_entries() {
    let checker = open(&["192.168.0.1/32", "192.168.1.1/32", "2001:db8::1/128"], &[], "deny");
    let checker = checker.unwrap();
    lets_in(&checker, &["+192.168.0.1", "+192.168.1.1", "+2001:db8::1", "-192.168.0.2", "-::1"]);
    let checker = open(&[], &["192.168.0.1/32", "192.168.1.1/32"], "allow").unwrap();
    lets_in(&checker, &["-192.168.0.1", "-192.168.1.1", "+192.168.0.2"]);
}

#[test]
fn fl_30_networks_and_networks_inside_them() {
    let strict = open(&["192.168.0.0/16"], &["192.168.1.0/24"], "deny").unwrap();
    lets_in(&strict, &["+192.168.0.1", "-192.168.1.255", "+192.168.255.255", "-192.169.0.0"]);
    let open_to_all = open(&["192.168.1.0/24"], &["192.168.0.0/16"], "allow").unwrap();
    lets_in(&open_to_all, &["-192.168.0.1", "+192.168.1.255", "-192.168.2.0", "+192.169.0.0"]);
    let six = open(&["2001:db8::/32"], &["2001:db8:1::/48"], "deny").unwrap();
    lets_in(&six, &["+2001:db8::1", "-2001:db8:1::1", "+2001:DB8:2:0::1", "-2001:db9::1"]);
    let all = open(&["0.0.0.0/0"], &[], "deny").unwrap();
    lets_in(&all, &["+0.0.0.0", "+255.255.255.255", "-::1"]);
}

#[test]
fn fl_31_a_client_without_an_address_that_can_be_read_is_never_let_in() {
    let huge = "1".repeat(1 << 20);
    for checker in [
        open(&["0.0.0.0/0", "::/0"], &[], "deny").unwrap(),
        open(&[], &[], "allow").unwrap(),
        open(&["0.0.0.0/0", "::/0"], &[], "allow").unwrap(),
    ] {
        assert!(passes(&checker, &Attempt::from_address("192.0.2.1")));
        assert!(!passes(&checker, &Attempt::default()));
        for text in [
            "",
            " ",
            "localhost",
            "192.0.2",
            "192.0.2.1 ",
            "192.0.2.1\n",
            "192.0.2.1\0",
            "192.0.2.256",
            "192.0.2.01",
            "0xc0.0.2.1",
            "3221225985",
            "192.0.2.1/32",
            "192.0.2.1:80",
            "[::1]",
            "::1%lo",
            "1::2::3",
            "192.0.2.1,127.0.0.1",
            "unix:",
            &huge,
        ] {
            assert!(!passes(&checker, &Attempt::from_address(text)), "{text:?} passes");
        }
    }
}

#[test]
fn fl_32_a_network_needs_its_mask_and_no_bits_behind_it() {
    for (text, says) in [
        ("192.168.0.1", "length of its mask"),
        ("192.168.0.0/", "length of its mask"),
        ("192.168.0.0/33", "length of its mask"),
        ("192.168.0.0/255.255.0.0", "length of its mask"),
        ("::1", "length of its mask"),
        ("::/129", "length of its mask"),
        ("", "length of its mask"),
        ("office", "length of its mask"),
        ("192.168.0.1/24", "in the network 192.168.0.0/24"),
        ("2001:db8::1/32", "in the network 2001:db8::/32"),
        ("::ffff:192.168.0.1/120", "in the network ::ffff:192.168.0.0/120"),
    ] {
        for (allow, deny) in [(&[text][..], &[][..]), (&[], &[text])] {
            let error = open(allow, deny, "deny").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }
    assert_eq!(open(&[], &[], "maybe").unwrap_err().kind(), ErrorKind::Invalid);
}

/// An IPv4 address is the same client when it is written as one of IPv6.
#[test]
fn an_ipv4_address_in_ipv6_is_the_ipv4_address() {
    let checker = open(&["10.0.0.0/8"], &["10.1.0.0/16"], "deny").unwrap();
    lets_in(&checker, &["+::ffff:10.0.0.1", "-::ffff:10.1.0.1", "+::ffff:a00:1", "-::10.0.0.1"]);
    let mapped = open(&["::ffff:10.0.0.0/104"], &["::ffff:10.1.0.0/112"], "deny").unwrap();
    lets_in(&mapped, &["+10.0.0.1", "-10.1.0.1", "+::ffff:10.0.0.1", "-::ffff:10.1.0.1"]);
    let open_to_all = open(&[], &["10.0.0.0/8"], "allow").unwrap();
    lets_in(&open_to_all, &["-::ffff:10.0.0.1", "+::ffff:11.0.0.1"]);
    // The networks of IPv6 contain no IPv4 address.
    lets_in(&open(&["::/0"], &[], "deny").unwrap(), &["-10.0.0.1", "-::ffff:10.0.0.1", "+::1"]);
}
