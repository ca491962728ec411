//! The faults F1 to F20 of Flumotion, and attacks on keycards, each with the tests that show that it has no
//! effect. `docs/adr/0053` names those without a test, and why.

use std::fs;

use serde_json::Value;

use super::tables;

/// The sources in which the tests are.
const SOURCES: &[&str] = &["tests/it", "crates", "plugins"];

/// A row, and its tests.
type Row = (&'static str, &'static [&'static str]);

const FAULTS: &[Row] = &[
    ("F1", &["s_03_unknown_wrong_and_disabled_look_the_same_in_scram"]),
    ("F2", &["f_2_what_was_said_first_counts"]),
    ("F3", &["s_08_acting_as_another_user_needs_a_grant", "avatar_escalate"]),
    (
        "F4",
        &[
            "f_4_ids_are_random",
            "f_4_another_requester_can_neither_use_nor_cancel_a_login_that_waits",
        ],
    ),
    ("F5", &["a_login_that_waits_goes_on_at_another_copy_and_expires"]),
    ("F6", &["s_6_the_state_of_a_keycard_that_comes_in_is_ignored"]),
    ("F7", &["f_7_any_number_of_keycards_expires_and_every_notice_is_kept"]),
    ("F8", &["the_ttl_is_checked_at_use_while_nothing_sweeps"]),
    ("F9", &["a_condition_is_asked_again_and_only_a_false_policy_ends_a_keycard"]),
    ("F10", &["a_client_that_leaves_takes_its_keycard_along"]),
    ("F12", &["replay_response_and_reuse_challenge"]),
    ("F13", &["s17_the_address_is_that_of_the_dialect"]),
    ("F14", &["nginx_passes_all_cases", "caddy_passes_all_cases", "traefik_passes_all_cases"]),
    ("F15", &["f_15_the_end_is_the_minimum_of_all_contributors"]),
    ("F17", &["class_unknown_and_class_generic_and_anon"]),
    ("F18", &["the_linter_finds_each_problem_in_its_line"]),
    ("F19", &["known_and_unknown_users_cost_the_same", "f_4_ids_are_random"]),
    ("F20", &["tw_66_67_a_response_has_each_challenge_in_order"]),
];

const ATTACKS: &[Row] = &[
    ("replay-response", &["replay_response_and_reuse_challenge"]),
    ("reuse-challenge", &["replay_response_and_reuse_challenge"]),
    ("swap-address", &["swap_address"]),
    ("avatar-escalate", &["avatar_escalate"]),
    ("class-unknown", &["class_unknown_and_class_generic_and_anon"]),
    ("class-generic", &["class_unknown_and_class_generic_and_anon"]),
    ("no-user-salt", &["s_03_unknown_wrong_and_disabled_look_the_same_in_scram"]),
    ("brute-case", &["brute_case"]),
    ("lockout-dos", &["s_16_an_attacker_is_slowed_down_and_users_elsewhere_are_not"]),
    ("parallel", &["parallel"]),
    ("nonce-reuse", &["f_4_ids_are_random", "a_challenge_is_random_and_names_the_host"]),
    ("anon", &["class_unknown_and_class_generic_and_anon"]),
    ("multi-interface", &["a_credential_can_have_several_kinds"]),
    ("checker-order", &["tw_58_the_next_checker_is_asked_only_for_unknown_users"]),
    ("logout-twice", &["tw_71_logout_when_the_login_is_dropped"]),
    ("fixation", &["fixation"]),
    ("serialize-private", &["serialize_private"]),
    ("clock-back", &["clock_back"]),
    ("huge-fields", &["huge_fields"]),
];

#[test]
fn every_fault_of_flumotion_has_a_test_or_a_reason() {
    let adr = xtask::root().join("docs/adr/0053-keycards-and-cookies.md");
    let reasons = fs::read_to_string(adr).unwrap();
    let faults = (1..=20).map(|number| format!("F{number}"));
    check(FAULTS, faults.collect(), &|row| reasons.contains(&format!("- {row}:")));
}

#[test]
fn every_attack_on_keycards_has_a_test() {
    let attacks: Value =
        serde_json::from_str(include_str!("flumotion/keycard_attacks.json")).unwrap();
    let attacks = attacks["cases"].as_array().unwrap().iter();
    let ids = attacks.map(|attack| attack["id"].as_str().unwrap().to_owned());
    check(ATTACKS, ids.collect(), &|_| false);
}

/// Checks that each row has tests that exist, or a reason.
fn check(table: &[Row], rows: Vec<String>, has_reason: &dyn Fn(&str) -> bool) {
    let names = tables::tests(SOURCES);
    assert_eq!(table.iter().filter(|(row, _)| !rows.iter().any(|it| it == row)).count(), 0);
    for row in rows {
        let tests = table.iter().find(|(name, _)| *name == row).map(|(_, tests)| *tests);
        assert!(tests.is_some() != has_reason(&row), "{row}");
        for test in tests.unwrap_or_default() {
            assert!(names.contains(*test), "{row}: there is no test {test}");
        }
    }
}
