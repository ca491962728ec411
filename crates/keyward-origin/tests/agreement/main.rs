//! If a URL is accepted, every parser reads the same origin from it.

use std::fs;
use std::net::Ipv6Addr;

use keyward_core::Origin;
use keyward_origin::{Location, Login, MAX_URL, from_parts, parse};
use proptest::prelude::*;
use serde_json::Value;

mod git;
mod readings;

/// The test cases of browsers' parsers.
#[test]
fn the_whatwg_cases_have_one_reading() {
    let cases = vectors("tests/vectors/urltestdata.json");
    let cases = cases.as_array().unwrap().iter().filter_map(|case| case["input"].as_str());
    let (mut all, mut accepted) = (0, 0);
    for input in cases {
        all += 1;
        accepted += usize::from(!readings::check(input).is_empty());
    }
    // Most of them are relative, or exist because parsers disagree.
    assert_eq!((all, accepted), (869, 97));
}

/// If two readings are on record and differ, the URL is refused, so no host is mistaken for
/// another.
#[test]
fn hosts_with_two_recorded_readings_are_refused() {
    let cases = vectors("../../tests/vectors/own/url_provider_confusion.json");
    for case in cases["cases"].as_array().unwrap() {
        let origins = readings::check(case["url"].as_str().unwrap());
        let whatwg = &case["whatwg"];
        if case["python_urlsplit_host"] != whatwg["host"] {
            assert_eq!(origins, [], "{case}");
        }
        for origin in &origins {
            assert_eq!(whatwg["scheme"], origin.scheme, "{case}");
            assert_eq!(whatwg["host"], origin.host, "{case}");
            assert_eq!(whatwg["port"], origin.port, "{case}");
        }
        let allowed = case["allowed_hosts"].as_array().into_iter().flatten();
        let allowed: Vec<_> =
            allowed.map(|host| from_parts("https", host.as_str().unwrap()).unwrap()).collect();
        match case["expect"].as_str().unwrap() {
            "credential may be used" => {
                assert!(!origins.is_empty(), "{case}");
                assert!(origins.iter().all(|origin| allowed.contains(origin)), "{case}");
            }
            _ => assert!(!origins.iter().any(|origin| allowed.contains(origin)), "{case}"),
        }
    }
}

#[test]
fn git_reads_the_same_login() {
    let urls = "https://ann:s%40cret@example.com%3a8080/repo.git https://a:b@x/p?q=1#f[] https://a:b@x?q \
        https://a:b:c@x/a%2fb// https://:pw@x https://a:@x https://a%3ab:c%40%ff@x https://a:b@X:443//x/ \
        https://a:b@%5b%3a%3a1%5d%3a8080 https://a:pässwort@bücher.example/%20y ssh://a:b@x/%2b+";
    for url in urls.split(' ') {
        assert!(git::check(url), "{url}");
    }
    let cases = vectors("tests/vectors/urltestdata.json");
    let inputs = cases.as_array().unwrap().iter().filter_map(|case| case["input"].as_str());
    assert_eq!(inputs.filter(|input| git::check(input)).count(), 13);
}

#[test]
fn a_url_that_is_too_long_is_refused() {
    for piece in ["a", "@", ":", "/", "%", "[", "]", ".", "ü", "%41", "a.", "0", "0x0.", "xn--"] {
        let long = piece.repeat((1 << 20) / piece.len());
        for text in [long.clone(), format!("https://{long}"), format!("https://x/{long}")] {
            assert!(parse(&text).is_err());
            assert!(Location::parse(&text).is_err());
            assert!(Login::parse(&text).is_err());
        }
        assert!(from_parts("https", &long).is_err());
        assert!(from_parts(&long, "x:1").is_err());
        assert!(from_parts("https", &format!("x:{long}")).is_err());
        let origin = from_parts("https", "x").unwrap();
        assert!(Location::new(origin.clone(), Some(&long), None).is_err());
        assert!(piece == "/" || Location::new(origin, None, Some(&long)).is_err());
    }
}

/// Pieces of URLs, also those that parsers read differently.
const PIECES: &str = "https:// HTTP:// ssh:// unknown:// :// // : / @ ? # \\ % %40 %3a %2F %c3%bc %00 \
    [ ] [::1] [0:0::1.2.3.4] 127.0.0.1 0x7f 017 1 . .. - _ a Ann example.com :443 :80 :8080 :0 :65536 \
    ü ß Ü u\u{308} 。 ℀ xn--bcher-kva xn-- \u{ad} \u{202e} \t & + ~ | {";

/// Text made of these pieces, so that it passes the first checks.
fn url_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES.split(' ').collect::<Vec<_>>());
    let pieces = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![pieces.clone(), pieces.prop_map(|rest| format!("https://{rest}"))]
}

fn origin() -> impl Strategy<Value = Origin> {
    let scheme = prop::sample::select(vec!["https", "http", "ssh", "git", "smtp", "x-y"]);
    let host = prop_oneof![
        "[a-z][a-z0-9_]{0,9}(\\.[a-z][a-z0-9_]{0,9}){0,3}",
        any::<Ipv6Addr>().prop_map(|ip| format!("[{ip}]"))
    ];
    (scheme, host, 1..=u16::MAX).prop_map(|(scheme, host, port)| {
        from_parts(scheme, &format!("{host}:{port}")).expect("a plain origin")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text(text in ".*") {
        readings::check(&text);
        readings::check(&format!("https://{text}"));
        let _ = from_parts(&text, &text);
    }

    #[test]
    fn any_pieces_of_urls(text in url_like()) {
        readings::check(&text);
    }

    #[test]
    fn any_host(host in "[a-zA-Z0-9._-]{0,12}|[0-9a-fx.]{1,12}|\\[[0-9a-f:.]{2,20}\\]|\\PC{1,6}") {
        let expect = readings::whatwg(&format!("https://{host}"));
        if let Ok(origin) = from_parts("https", &host) {
            prop_assert_eq!(Some(origin), expect);
        }
    }

    #[test]
    fn a_sibling_equals_its_parsed_text(text in url_like(), of in origin()) {
        let front = Location::new(of, None, None)?;
        let texts = [text.clone(), format!("{front}{text}"), format!("{front}/{text}")];
        for text in texts {
            let parsed = Location::parse(&text).ok();
            let own = parsed.filter(|it| it.origin() == front.origin() && it.to_string() == text);
            prop_assert_eq!(front.sibling(&text), own);
        }
    }

    #[test]
    fn a_location_parses_from_its_text(
        origin in origin(), account in prop::option::of("\\PC{0,20}"), path in prop::option::of("\\PC{0,40}"),
    ) {
        let expect = path.as_deref().unwrap_or_default().trim_matches('/');
        let Ok(location) = Location::new(origin, account.as_deref(), path.as_deref()) else {
            let is_dots = |segment| [".", ".."].contains(&segment);
            prop_assert!(expect.split(['/', '?', '#']).any(is_dots), "{expect:?}");
            return Ok(());
        };
        prop_assert_eq!(location.account(), account.as_deref());
        prop_assert_eq!(location.path().unwrap_or_default(), expect);
        let text = location.to_string();
        prop_assert!(text.len() <= MAX_URL);
        readings::check(&text);
        prop_assert_eq!(Location::parse(&text)?, location.clone());
        prop_assert_eq!(location.sibling(&text), Some(location.clone()));
        prop_assert_eq!(Login::parse(&text)?.location, location);
    }
}

fn vectors(path: &str) -> Value {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_slice(&text).expect("vectors are JSON")
}
