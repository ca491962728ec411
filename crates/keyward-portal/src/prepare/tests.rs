use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/string_prep.json")).unwrap()
}

fn prepared(password: &str) -> String {
    prepare_password(&password.into()).expose_str().unwrap().to_owned()
}

#[test]
fn passwords_of_rfc_8265() {
    for case in vectors()["opaque_string"].as_array().unwrap() {
        let (given, is_allowed) = (case["inp"].as_str().unwrap(), case["ok"].as_bool().unwrap());
        let expected = case["out"].as_str().unwrap_or(given);
        assert_eq!(prepared(given), expected);
        let allowed = !given.is_empty() && FreeformClass::default().allows(given).is_ok();
        assert_eq!(allowed, is_allowed, "{given:?}");
    }
}

#[test]
fn a_password_becomes_nfc_as_the_profile_says() {
    use precis_profiles::OpaqueString;

    for password in ["e\u{301}\u{3000}x", "\u{212b}", "\u{1e9b}\u{323}", "caf\u{e9} \u{a0}"] {
        assert_eq!(prepared(password), OpaqueString::enforce(password).unwrap(), "{password:?}");
    }
}

#[test]
fn a_password_that_the_profile_refuses_stays_as_it_is() {
    for password in ["", "a\tb", "\u{e9}\u{301}\n", "\u{e000}e\u{301}"] {
        assert_eq!(prepared(password), password);
    }
    assert_eq!(prepare_password(&Secret::new(vec![0xff, 0xfe])).expose(), [0xff, 0xfe]);
}

#[test]
fn names_have_one_form() {
    for (given, expected) in [
        ("ann", "ann"),
        ("Ann", "Ann"),
        ("CORP\\ann", "CORP\\ann"),
        ("ann@example.org", "ann@example.org"),
        ("J\u{e4}s\u{f8}n Doe", "J\u{e4}s\u{f8}n Doe"),
        ("Ja\u{308}s\u{f8}n Doe", "J\u{e4}s\u{f8}n Doe"),
        ("\u{ff41}\u{ff4e}\u{ff4e}", "ann"),
        ("\u{5d0}\u{5d1}", "\u{5d0}\u{5d1}"),
    ] {
        assert_eq!(prepare_user(given).as_deref(), Ok(expected));
        assert_eq!(prepare_user(expected).as_deref(), Ok(expected));
    }
}

#[test]
fn names_that_are_refused() {
    let long = "x".repeat(1025);
    for name in [
        "",
        " ",
        " ann",
        "ann ",
        "ann  lee",
        "a\0b",
        "a\nb",
        "a\u{7f}b",
        "a\u{85}b",
        "\u{2168}",
        "\u{aa}",
        "a\u{200b}b",
        "a\u{202e}b",
        "\u{627}1a",
        "\u{5d0}a",
        "\u{e000}",
        "\u{fffd}",
        &long,
        "a\u{3000}b",
    ] {
        assert!(prepare_user(name).is_err(), "{name:?}");
    }
    assert!(prepare_user(&"x".repeat(1024)).is_ok());
}

#[test]
fn what_clients_send_after_saslprep_is_a_name() {
    for case in vectors()["saslprep"].as_array().unwrap() {
        if let Some(name) = case["out"].as_str() {
            assert_eq!(prepare_user(name).as_deref(), Ok(name));
        }
    }
    assert!(prepare_user("\u{7}").is_err());
}

proptest::proptest! {
    #[test]
    fn preparing_twice_changes_nothing(name in ".{0,40}") {
        if let Ok(once) = prepare_user(&name) {
            proptest::prop_assert_eq!(prepare_user(&once), Ok(once));
        }
        let once = prepare_password(&Secret::from(name));
        proptest::prop_assert_eq!(prepare_password(&once), once);
    }
}
