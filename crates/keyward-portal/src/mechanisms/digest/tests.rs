//! The tests `tw_…` are those of Twisted's tests with these numbers.

use keyward_verifier::ha1;
use md5::Md5;
use serde_json::Value;
use sha2::{Digest, Sha512_256};

use super::*;

const NOW: u64 = 1_700_000_000;
const METHOD: &str = "GET";
const TARGET: &str = "/dir/index.html?a=1,b";

fn now() -> Timestamp {
    Timestamp::from_unix(NOW)
}

fn offer() -> Offer {
    let every = [true, false].into_iter().flat_map(|is_session| {
        [DigestHash::Md5, DigestHash::Sha256, DigestHash::Sha512_256]
            .map(|hash| Algorithm { hash, is_session })
    });
    Offer::new("realm", "key".into()).unwrap().algorithms(every).protecting_body()
}

fn request<'a>() -> Request<'a> {
    Request { method: METHOD, target: TARGET, body: None }
}

/// A client, which calculates on its own.
#[derive(Clone)]
struct Client {
    user: &'static str,
    password: &'static str,
    algorithm: &'static str,
    qop: &'static str,
    nonce: String,
    nc: String,
    method: &'static str,
    uri: &'static str,
    /// What is appended to the header.
    more: &'static str,
}

fn client(nonce: &str) -> Client {
    Client {
        user: "ann",
        password: "correct horse",
        algorithm: "SHA-256",
        qop: "auth",
        nonce: nonce.to_owned(),
        nc: "00000001".to_owned(),
        method: METHOD,
        uri: TARGET,
        more: "",
    }
}

impl Client {
    fn header(&self) -> String {
        let Self { user, algorithm, qop, nonce, nc, method, uri, more, .. } = self;
        let hash = |text: String| match algorithm {
            it if it.to_ascii_uppercase().starts_with("MD5") => hex::<Md5>(&text),
            it if it.starts_with("SHA-512") => hex::<Sha512_256>(&text),
            _ => hex::<Sha256>(&text),
        };
        let mut a1 = hash(format!("{user}:realm:{}", self.password));
        if algorithm.ends_with("-sess") {
            a1 = hash(format!("{a1}:{nonce}:cnonce"));
        }
        let body =
            if *qop == "auth-int" { format!(":{}", hash("body".into())) } else { String::new() };
        let a2 = hash(format!("{method}:{uri}{body}"));
        let response = hash(format!("{a1}:{nonce}:{nc}:cnonce:{qop}:{a2}"));
        format!(
            "Digest username=\"{user}\", realm=\"realm\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}, qop={qop}, nc={nc}, cnonce=\"cnonce\"{more}"
        )
    }

    fn login(&self) -> Result<(bool, Freshness), Malformed> {
        login(&self.header(), now())
    }
}

fn hex<D: Digest>(text: &str) -> String {
    base16ct::lower::encode_string(&D::digest(text))
}

/// What the server does with a header, for the user ann.
fn login(header: &str, now: Timestamp) -> Result<(bool, Freshness), Malformed> {
    let response = Response::parse(&header.into())?;
    let hash = response.algorithm().hash;
    let body = hash.hash(&[b"body"]);
    let request = Request { body: Some(&body), ..request() };
    let freshness = offer().examine(&response, &request, now)?;
    let ha1 = ha1::compute(hash, "ann", "realm", &"correct horse".into());
    Ok((response.proves(&ha1, &request), freshness))
}

const RIGHT: Result<(bool, Freshness), Malformed> = Ok((true, Freshness::Fresh));
const WRONG: Result<(bool, Freshness), Malformed> = Ok((false, Freshness::Fresh));

fn fresh() -> Client {
    client(&offer().nonce(now()).unwrap())
}

fn with(algorithm: &'static str, qop: &'static str) -> Result<(bool, Freshness), Malformed> {
    Client { algorithm, qop, ..fresh() }.login()
}

/// The responses of the RFCs and some more, by their algorithm.
fn vectors(algorithm: &str) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(include_str!("../../../vectors/http_digest.json")).unwrap();
    let all = all["vectors"].as_array().unwrap().clone();
    all.into_iter().filter(|case| case["algorithm"] == algorithm).collect()
}

fn check_vectors(algorithm: &str, number: usize) {
    let cases = vectors(algorithm);
    assert_eq!(cases.len(), number);
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap();
        let parsed = Algorithm::from_name(algorithm).unwrap();
        let ha1 =
            ha1::compute(parsed.hash, text("username"), text("realm"), &text("password").into());
        if !parsed.is_session {
            assert_eq!(ha1.expose_str(), case["ha1"].as_str());
        }
        let old = text("qop").is_empty();
        let protection = if old { "" } else { ", qop=auth" };
        let header = format!(
            "Digest username={}, realm={}, nonce=\"{}\", uri=\"{}\", response={}, algorithm={}, nc={}, cnonce=\"{}\"{protection}",
            quoted(text("username")),
            quoted(text("realm")),
            text("nonce"),
            text("uri"),
            text("response"),
            text("algorithm"),
            text("nc"),
            text("cnonce"),
        );
        let Ok(response) = Response::parse(&header.into()) else {
            assert!(old, "{}", case["id"]);
            continue;
        };
        let request = Request { method: text("method"), target: text("uri"), body: None };
        assert!(!old && response.proves(&ha1, &request), "{}", case["id"]);
        assert_eq!(response.user(), text("username"));
    }
}

#[test]
fn tw_17_responses_with_md5() {
    check_vectors("MD5", 4);
}

#[test]
fn tw_18_responses_with_md5_sess() {
    check_vectors("MD5-sess", 1);
}

#[test]
fn tw_19_responses_with_sha_256() {
    check_vectors("SHA-256", 3);
}

#[test]
fn tw_20_responses_with_sha_256_sess() {
    check_vectors("SHA-256-sess", 1);
}

#[test]
fn tw_21_responses_with_sha_512_256() {
    check_vectors("SHA-512-256", 3);
}

#[test]
fn tw_22_responses_with_sha_512_256_sess() {
    check_vectors("SHA-512-256-sess", 1);
}

#[test]
fn tw_23_the_body_is_protected_with_md5() {
    assert_eq!(with("MD5", "auth-int"), RIGHT);
}

#[test]
fn tw_24_the_body_is_protected_with_md5_sess() {
    assert_eq!(with("MD5-sess", "auth-int"), RIGHT);
}

#[test]
fn tw_25_the_body_is_protected_with_sha_256() {
    assert_eq!(with("SHA-256", "auth-int"), RIGHT);
    assert_eq!(with("SHA-256-sess", "auth-int"), RIGHT);
}

#[test]
fn tw_26_the_body_is_protected_with_sha_512_256() {
    assert_eq!(with("SHA-512-256", "auth-int"), RIGHT);
}

#[test]
fn tw_27_without_count_or_nonce_of_the_client_it_is_refused() {
    let header = fresh().header();
    for part in [", nc=00000001", ", cnonce=\"cnonce\"", ", qop=auth"] {
        assert!(header.contains(part));
        assert!(login(&header.replace(part, ""), now()).is_err(), "{part}");
    }
}

#[test]
fn tw_28_values_can_be_quoted_or_not() {
    let header = fresh().header();
    assert_eq!(login(&header, now()), RIGHT);
    let quoted =
        header.replace("qop=auth", "qop=\"auth\"").replace("nc=00000001", "nc = \"00000001\"");
    assert_eq!(login(&quoted, now()), RIGHT);
    let plain = header.replace("\"ann\"", "ann").replace("\"realm\"", "realm");
    assert_eq!(login(&plain.replace("Digest ", "dIGEST  ,, "), now()), RIGHT);
}

#[test]
fn tw_29_a_comma_in_a_quoted_uri() {
    assert!(TARGET.contains(','));
    assert_eq!(fresh().login(), RIGHT);
}

#[test]
fn tw_30_the_case_of_an_algorithm_does_not_matter() {
    assert_eq!(with("md5", "auth"), RIGHT);
    assert_eq!(Algorithm::from_name("sha-512-256-SESS").unwrap().name(), "SHA-512-256-sess");
}

#[test]
fn tw_31_the_algorithm_is_md5_if_none_is_named() {
    let header = Client { algorithm: "MD5", ..fresh() }.header();
    assert_eq!(login(&header.replace(", algorithm=MD5", ""), now()), RIGHT);
}

/// The address of the client is not part of a nonce: it can change while a client is in use.
#[test]
fn tw_32_the_address_of_the_client_is_not_needed() {
    assert!(!offer().nonce(now()).unwrap().contains("127"));
    assert_eq!(fresh().login(), RIGHT);
}

#[test]
fn tw_33_one_challenge_has_several_responses_with_rising_counts() {
    let first = fresh();
    for count in 1..4 {
        let nc = format!("{count:08x}");
        let header = Client { nc, ..first.clone() }.header();
        assert_eq!(login(&header, now()), RIGHT);
        let response = Response::parse(&header.into()).unwrap();
        assert_eq!(response.claim(), (first.nonce.as_str(), count));
    }
    // The key of a session is that of the first response.
    let second = Client { algorithm: "MD5-sess", nc: "00000002".into(), ..first };
    assert_eq!(second.login(), Ok((true, Freshness::Stale)));
}

#[test]
fn tw_34_another_method_fails() {
    assert_eq!(Client { method: "POST", ..fresh() }.login(), WRONG);
}

#[test]
fn tw_35_no_name_or_an_empty_one() {
    let header = fresh().header();
    assert!(login(&header.replace("username=\"ann\", ", ""), now()).is_err());
    assert!(login(&header.replace("\"ann\"", "\"\""), now()).is_err());
}

#[test]
fn tw_36_no_nonce() {
    let first = fresh();
    let part = format!("nonce=\"{}\", ", first.nonce);
    assert!(login(&first.header().replace(&part, ""), now()).is_err());
}

/// There is no opaque: the nonce has all that Twisted keeps in it.
#[test]
fn tw_37_an_opaque_is_neither_sent_nor_needed() {
    let challenges = offer().challenges("x", Freshness::Fresh);
    assert!(challenges.iter().all(|challenge| !challenge.contains("opaque")));
    assert_eq!(Client { more: ", opaque=\"x\"", ..fresh() }.login(), RIGHT);
}

#[test]
fn tw_38_a_hash_is_enough() {
    let ha1 = Secret::from(hex::<Sha256>("ann:realm:correct horse"));
    let response = Response::parse(&fresh().header().into()).unwrap();
    assert!(response.proves(&ha1, &request()));
    let wrong = Secret::from(hex::<Sha256>("ann:realm:wrong"));
    assert!(!response.proves(&wrong, &request()));
    assert!(
        !response.proves(&decoy(&"key".into(), DigestHash::Sha256, "ann", "realm"), &request())
    );
}

#[test]
fn tw_39_a_nonce_that_cannot_be_read() {
    let right = fresh().nonce;
    for nonce in ["x", "%", &right[1..], &format!("{right}A"), &right.replace(&right[..1], "=")] {
        assert!(client(nonce).login().is_err(), "{nonce}");
    }
}

#[test]
fn tw_40_a_nonce_of_another_realm() {
    let foreign = Offer::new("other", "key".into()).unwrap().nonce(now()).unwrap();
    assert!(client(&foreign).login().is_err());
}

/// Twisted's nonce belongs to a client; ours belongs to the servers that have the same key.
#[test]
fn tw_41_a_nonce_of_another_server() {
    let foreign = Offer::new("realm", "other".into()).unwrap().nonce(now()).unwrap();
    assert!(client(&foreign).login().is_err());
    let same = Offer::new("realm", "key".into()).unwrap().nonce(now()).unwrap();
    assert_eq!(client(&same).login(), RIGHT);
}

#[test]
fn tw_42_a_nonce_that_is_too_old() {
    let header = fresh().header();
    let later = |seconds| login(&header, Timestamp::from_unix(NOW + seconds));
    assert_eq!(later(300), RIGHT);
    assert_eq!(later(301), Ok((true, Freshness::Stale)));
    // A clock can be wrong, but not by much.
    assert_eq!(login(&header, Timestamp::from_unix(NOW - 60)), RIGHT);
    assert_eq!(login(&header, Timestamp::from_unix(NOW - 61)), Ok((true, Freshness::Stale)));
}

#[test]
fn tw_43_a_nonce_that_was_changed() {
    let right = fresh().nonce;
    for index in 0..right.len() {
        let mut changed = right.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        assert!(client(std::str::from_utf8(&changed).unwrap()).login().is_err());
    }
}

/// A function takes either the password or its hash, so a caller cannot give both.
#[test]
fn tw_44_a_hash_is_calculated_from_all_its_parts() {
    let ha1 =
        ha1::compute(DigestHash::Md5, "Mufasa", "testrealm@host.com", &"Circle Of Life".into());
    assert_eq!(ha1.expose(), b"939e7578ed9e3c518a452acee763bce9");
}

#[test]
fn tw_45_and_66_a_challenge_has_no_line_end_and_no_address() {
    let offer = Offer::new("a \"realm\\", "key".into()).unwrap();
    let nonce = offer.nonce(now()).unwrap();
    assert_eq!(
        offer.challenges(&nonce, Freshness::Fresh),
        [format!(
            "Digest realm=\"a \\\"realm\\\\\", qop=\"auth\", algorithm=SHA-256, nonce=\"{nonce}\", charset=UTF-8"
        )]
    );
    assert!(nonce.bytes().all(|byte| byte.is_ascii_graphic()));
    let both = [DigestHash::Sha256, DigestHash::Md5].map(Algorithm::from);
    let challenges = offer.algorithms(both).protecting_body().challenges(&nonce, Freshness::Stale);
    assert!(
        challenges[0].contains("algorithm=SHA-256,") && challenges[1].contains("algorithm=MD5,")
    );
    assert!(
        challenges.iter().all(|it| it.contains("stale=true") && it.contains("\"auth, auth-int\""))
    );
    assert!(Offer::new("a\nb", "key".into()).is_err());
}

/// The faults T7 and T8 of Twisted: another target, realm, algorithm or protection is refused.
#[test]
fn what_was_not_offered_is_refused() {
    let small = Offer::new("realm", "key".into()).unwrap();
    let examine = |client: &Client| {
        let response = Response::parse(&client.header().into()).unwrap();
        small.examine(&response, &request(), now())
    };
    assert_eq!(examine(&fresh()), Ok(Freshness::Fresh));
    for refused in [
        Client { algorithm: "MD5", ..fresh() },
        Client { algorithm: "SHA-256-sess", ..fresh() },
        Client { qop: "auth-int", ..fresh() },
        Client { uri: "/dir/index.html", ..fresh() },
        Client { uri: "http://host/dir/index.html?a=1,b", ..fresh() },
    ] {
        assert!(examine(&refused).is_err());
    }
    let realm = fresh().header().replace("realm=\"realm\"", "realm=\"other\"");
    assert!(login(&realm, now()).is_err());
    let body = Client { qop: "auth-int", ..fresh() };
    let response = Response::parse(&body.header().into()).unwrap();
    assert!(offer().examine(&response, &request(), now()).is_err());
}

/// The fault T9 of Twisted: these were errors of the server.
#[test]
fn headers_that_are_refused() {
    let header = fresh().header();
    for (part, other) in [
        ("SHA-256", "SHA-1"),
        ("qop=auth", "qop=other"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=00000000"),
        ("nc=00000001", "nc=+0000001"),
        ("nc=00000001", "nc=0000000g"),
        ("username=\"ann\"", "username=\"ann\", username=\"bob\""),
        ("username=\"ann\"", "username=\"ann"),
        ("username=\"ann\"", "username=\"a\r\nnn\""),
        ("username=\"ann\"", "username=\"ann\", username*=UTF-8''ann"),
        ("username=\"ann\"", "username*=ann"),
        ("username=\"ann\"", "username*=UTF-8''%"),
        ("username=\"ann\"", "username*=UTF-8''%g0"),
        ("username=\"ann\"", "username*=UTF-8''%ff"),
        ("username=\"ann\"", "username*=ISO-8859-1''ann"),
        ("username=\"ann\"", "username"),
        ("username=\"ann\"", "username="),
        ("username=\"ann\",", "username=\"ann\""),
        ("Digest ", "Digest"),
        ("Digest ", "Basic "),
        ("cnonce=\"cnonce\"", "cnonce=\"\""),
    ] {
        assert!(header.contains(part));
        assert!(login(&header.replace(part, other), now()).is_err(), "{other}");
    }
    for header in ["", "Digest", "Digest ", "Digest ,", "Digest a", "Digest a=\"\\"] {
        assert!(login(header, now()).is_err(), "{header}");
    }
    assert!(Client { more: ", userhash=true", ..fresh() }.login().is_err());
    assert_eq!(Client { more: ", userhash=false", ..fresh() }.login(), RIGHT);
    let long = format!("{header}, x=\"{}\"", "x".repeat(8192));
    assert!(login(&long, now()).is_err());
    let many: String = (0..40).map(|number| format!(", x{number}=1")).collect();
    assert!(login(&format!("{header}{many}"), now()).is_err());
}

#[test]
fn names_in_other_alphabets() {
    let header = fresh().header();
    for written in ["username*=UTF-8''J%C3%A4s%C3%B8n%20Doe", "username=\"J\u{e4}s\u{f8}n Doe\""] {
        let header = header.replace("username=\"ann\"", written);
        assert_eq!(Response::parse(&header.into()).unwrap().user(), "J\u{e4}s\u{f8}n Doe");
    }
    let escaped = header.replace("\"ann\"", "\"a\\\"n\\\\n\"");
    assert_eq!(Response::parse(&escaped.into()).unwrap().user(), "a\"n\\n");
}

#[test]
fn the_server_proves_that_it_knows_the_password() {
    let first = fresh();
    let response = Response::parse(&first.header().into()).unwrap();
    let ha1 = hex::<Sha256>("ann:realm:correct horse");
    let a2 = hex::<Sha256>(&format!(":{TARGET}"));
    let proof = hex::<Sha256>(&format!("{ha1}:{}:00000001:cnonce:auth:{a2}", first.nonce));
    let expected = format!("qop=auth, rspauth=\"{proof}\", cnonce=\"cnonce\", nc=00000001");
    assert_eq!(response.info(&ha1.into()).expose_str(), Some(expected.as_str()));
}

proptest::proptest! {
    #[test]
    fn any_header_is_read_or_refused(bytes in proptest::collection::vec(0_u8.., 0..100), text in "Digest ([a-z]{1,3} ?= ?(\"[a\\\\\",]{0,3}\"|[a-z]{0,2}) ?, ?){0,4}") {
        let _ = Response::parse(&bytes.into());
        let _ = Response::parse(&text.into());
    }
}
