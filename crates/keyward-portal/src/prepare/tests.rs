use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/string_prep.json")).unwrap()
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
    }
}
