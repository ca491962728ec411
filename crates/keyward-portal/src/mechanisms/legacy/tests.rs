//! The tests `tw_…` are those of Twisted's tests with these numbers.

use serde_json::Value;

use super::*;

/// A challenge that is not random.
fn fixed(challenge: &str) -> Secret {
    fields::pack(VERSION, &[challenge.as_bytes()])
}

fn answer(text: &str) -> Answer {
    Answer::parse(&text.into()).unwrap()
}

#[test]
fn tw_11_a_challenge_stays_the_same_until_it_is_answered() {
    let Challenge { pending, message } = Legacy::CramMd5.challenge("example.org").unwrap();
    assert_eq!(fields::unpack(VERSION, &pending).unwrap(), [message.expose()]);
    assert_ne!(Legacy::CramMd5.challenge("example.org").unwrap().message, message);
}

#[test]
fn tw_12_the_right_answer() {
    let case: Value = serde_json::from_str(include_str!("../../../vectors/cram_md5.json")).unwrap();
    let text = |name: &str| case[name].as_str().unwrap();
    let answer = answer(&format!("{} {}", text("user"), text("response")));
    assert_eq!(answer.user(), "tim");
    let proves = |password: &str| {
        Legacy::CramMd5.proves(&fixed(text("challenge")), &answer, &password.into()).unwrap()
    };
    assert!(proves(text("secret")));
    assert!(!proves("other") && !proves(""));
}

#[test]
fn tw_13_no_answer() {
    for text in ["", " ", "tim", "tim ", " b913a602c7eda7a495b4e6e7334d3890"] {
        assert!(Answer::parse(&text.into()).is_err(), "{text:?}");
    }
}

#[test]
fn tw_14_a_wrong_answer() {
    let pending = fixed("<1896.697170952@postoffice.reston.mci.net>");
    let answer = answer("tim b913a602c7eda7a495b4e6e7334d3891");
    assert!(!Legacy::CramMd5.proves(&pending, &answer, &"tanstaaftanstaaf".into()).unwrap());
}

#[test]
fn tw_15_an_answer_is_a_name_and_a_response() {
    let hex = "B913a602c7eda7a495b4e6e7334d3890";
    assert_eq!(answer(&format!("tim {hex}")).user(), "tim");
    assert_eq!(answer(&format!("Tim Lee {hex}")).user(), "Tim Lee");
    for wrong in [
        format!("tim\t{hex}"),
        format!("tim  {hex}"),
        format!("tim {hex}00"),
        format!("tim {}", &hex[1..]),
        format!("ti\nm {hex}"),
        format!("{} {hex}", "x".repeat(3000)),
        "tim zz".to_owned(),
    ] {
        assert!(Answer::parse(&wrong.as_str().into()).is_err(), "{wrong:?}");
    }
    assert!(Answer::parse(&Secret::new(vec![0xff; 40])).is_err());
}

#[test]
fn tw_16_each_has_its_kind() {
    assert_eq!(Legacy::from_kind(&PresentedKind::CRAM_MD5), Some(Legacy::CramMd5));
    assert_eq!(Legacy::from_kind(&PresentedKind::APOP), Some(Legacy::Apop));
    assert_eq!(Legacy::from_kind(&PresentedKind::PB), Some(Legacy::Pb));
    assert_eq!(Legacy::from_kind(&PresentedKind::PASSWORD), None);
}

#[test]
fn apop_of_rfc_1939() {
    let pending = fixed("<1896.697170952@dbc.mtview.ca.us>");
    let answer = answer("mrose c4c9334bac560ecc979e58001b3e22fb");
    assert!(Legacy::Apop.proves(&pending, &answer, &"tanstaaf".into()).unwrap());
    assert!(!Legacy::Apop.proves(&pending, &answer, &"other".into()).unwrap());
}

#[test]
fn pb_of_twisted() {
    let bytes: Vec<u8> = (0..16).collect();
    let pending = fields::pack(VERSION, &[&bytes]);
    let answer = answer("ann 77c5c7a4508ca59796ab2a18347a4fbd");
    assert!(Legacy::Pb.proves(&pending, &answer, &"test".into()).unwrap());
    assert!(!Legacy::Pb.proves(&pending, &answer, &"other".into()).unwrap());
    let stored = |password: &str| <[u8; 16]>::from(Md5::digest(password));
    assert!(pb_proves(&pending, &answer, &stored("test")).unwrap());
    assert!(!pb_proves(&pending, &answer, &stored("other")).unwrap());
}

/// The fault T11 of Twisted: a challenge of numbers that can be guessed, for the host None.
#[test]
fn a_challenge_is_random_and_names_the_host() {
    for mechanism in [Legacy::CramMd5, Legacy::Apop] {
        let message = mechanism.challenge("imap.example.org").unwrap().message;
        let text = message.expose_str().unwrap();
        assert_eq!(text.len(), 24 + "<@imap.example.org>".len());
        assert!(text.starts_with('<') && text.ends_with("@imap.example.org>"));
        for host in ["", "a b", "a>", "a\n", "a@b", &"x".repeat(256)] {
            assert!(mechanism.challenge(host).is_err());
        }
    }
    assert_eq!(Legacy::Pb.challenge("").unwrap().message.len(), 24);
}

#[test]
fn what_was_kept_is_parsed_strictly() {
    let answer = answer("tim b913a602c7eda7a495b4e6e7334d3890");
    for pending in ["", "\u{1}", "\u{1}\0\u{2}a", "\u{2}\0\u{1}a", "\u{1}\0\u{1}ab"] {
        assert!(Legacy::Pb.proves(&pending.into(), &answer, &"x".into()).is_err());
    }
}
