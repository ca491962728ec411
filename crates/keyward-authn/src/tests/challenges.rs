//! What is read from `WWW-Authenticate`.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::Challenge;

/// Shows challenges as `scheme(token) name=value; …`.
fn read(header: &str) -> String {
    let show = |challenge: &Challenge| {
        let token = challenge.token.as_ref().map(|token| format!("({token})")).unwrap_or_default();
        let names = ["realm", "nonce", "qop", "charset", "error"];
        let values = names.iter().filter_map(|name| Some((name, challenge.parameter(name)?)));
        let values = values.map(|(name, value)| format!(" {name}={value}"));
        format!("{}{token}{}", challenge.scheme, values.collect::<String>())
    };
    Challenge::read([header]).iter().map(show).collect::<Vec<_>>().join(" | ")
}

#[test]
fn the_forms_that_servers_send() {
    for (header, expected) in [
        ("Basic realm=\"x\"", "basic realm=x"),
        ("basic REALM = \"x y\" , charset=\"UTF-8\"", "basic realm=x y charset=UTF-8"),
        ("Basic", "basic"),
        ("Negotiate", "negotiate"),
        ("Negotiate YWJj==", "negotiate(YWJj==)"),
        ("Negotiate a2, NTLM, Basic realm=r", "negotiate(a2) | ntlm | basic realm=r"),
        (
            "Digest realm=\"a,b\", nonce=n==, qop=\"auth,auth-int\"",
            "digest realm=a,b nonce=n== qop=auth,auth-int",
        ),
        ("Basic realm=\"a \\\"b\\\" \\\\\"", "basic realm=a \"b\" \\"),
        (
            "Bearer error=\"invalid_token\", Basic realm=x",
            "bearer error=invalid_token | basic realm=x",
        ),
        (", ,Basic realm=x,,Bearer", "basic realm=x | bearer"),
        (
            "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
            "newauth realm=apps | basic realm=simple",
        ),
        // Two values of one parameter: none of them counts, unless they are the same.
        ("Basic realm=a, realm=b", "basic"),
        ("Basic realm=a, realm=a", "basic realm=a"),
        ("Basic realm=", "basic(realm=)"),
        // What does not end, or is no challenge.
        ("Basic realm=\"x, Bearer", "basic realm="),
        ("", ""),
        ("\"quoted\"", ""),
        ("=x", ""),
    ] {
        assert_eq!(read(header), expected, "{header}");
    }
}

#[test]
fn a_hostile_header_takes_no_time_and_no_memory() {
    for part in ["a ", "a,", "a b=\"", "a b=c,", "\\\"", "é", "a b=\"\\"] {
        let header = part.repeat((1 << 20) / part.len());
        let started = std::time::Instant::now();
        assert!(Challenge::read([header.as_str()]).len() <= 32);
        assert!(started.elapsed().as_secs() < 5, "{part}");
    }
}

/// Row G14 of DataLad's cases: DataLad-next's table of challenges.
#[test]
fn g14_challenges_are_read_as_datalad_next_reads_them() {
    for (header, expected) in [
        ("Negotiate", "negotiate"),
        ("Negotiate YWJj==", "negotiate(YWJj==)"),
        ("Negotiate YWJj==, Basic realm=\"x\"", "negotiate(YWJj==) | basic realm=x"),
        (
            "Basic realm=\"x\", Digest realm=\"y\", nonce=\"n\"",
            "basic realm=x | digest realm=y nonce=n",
        ),
        ("Basic realm=\"x\", Basic realm=\"y\"", "basic realm=x | basic realm=y"),
    ] {
        assert_eq!(read(header), expected, "{header}");
    }
}

/// Writes a parameter as a server does: quoted, or as it is if that is possible.
fn written((name, value, quoted): &(String, String, bool)) -> String {
    let is_word = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match *quoted || !is_word {
        true => format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        false => format!("{name} = {value}"),
    }
}

proptest! {
    /// What a server writes is read, whatever the values contain.
    #[test]
    fn what_a_server_writes_is_read(
        offers in vec(("[a-z][a-z0-9-]{0,8}", vec(("[a-z]{1,6}", any::<String>(), any::<bool>()), 1..4)), 1..6),
        in_one in any::<bool>(),
    ) {
        let lines = offers.iter().map(|(scheme, parameters)| {
            let parameters: Vec<_> = parameters.iter().map(written).collect();
            format!("{scheme} {}", parameters.join(", "))
        });
        let lines: Vec<_> = lines.collect();
        let one = [lines.join(" , ")];
        let headers = if in_one { &one[..] } else { &lines[..] };
        let found = Challenge::read(headers.iter().map(String::as_str));
        prop_assert_eq!(found.len(), offers.len());
        for (challenge, (scheme, parameters)) in found.iter().zip(&offers) {
            prop_assert_eq!(&challenge.scheme, scheme);
            for (name, value, _) in parameters {
                let mut same = parameters.iter().filter(|(known, ..)| known == name);
                let expected = same.all(|(_, other, _)| other == value).then_some(value.as_str());
                prop_assert_eq!(challenge.parameter(name), expected);
            }
        }
    }
}
