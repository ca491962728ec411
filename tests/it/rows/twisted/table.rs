//! Which test shows which row.

use std::collections::BTreeSet;
use std::fs;

use crate::rows::tables;

/// The sources in which the tests are.
const SOURCES: &[&str] = &["tests/it", "crates", "plugins"];

/// The tests of the faults of Twisted and of the rules for servers.
const TESTS: &[(&str, &[&str])] = &[
    ("T1", &["tw_58_the_next_checker_is_asked_only_for_unknown_users"]),
    ("T2", &["a_user_in_two_lines_is_refused_with_and_without_cache"]),
    ("T3", &["a_missing_file_is_an_outage_with_and_without_cache"]),
    ("T4", &["nothing_empty_and_no_comment_logs_in_and_no_password_is_cut"]),
    ("T5", &["t_05_text_and_bytes_are_the_same_for_every_checker"]),
    ("T6", &["t_06_a_digest_response_counts_once"]),
    ("T7", &["what_was_not_offered_is_refused"]),
    ("T8", &["what_was_not_offered_is_refused"]),
    ("T9", &["headers_that_are_refused"]),
    ("T10", &["tw_43_a_nonce_that_was_changed"]),
    ("T11", &["tw_11_a_challenge_stays_the_same_until_it_is_answered"]),
    ("T12", &["known_and_unknown_users_cost_the_same"]),
    ("T13", &["s_18_factors_of_two_sessions_or_users_do_not_add_up"]),
    ("T14", &["t14_options", "t14_a_line_can_be_that_of_an_authority"]),
    ("T15", &["t15_everybody_gets_a_challenge"]),
    ("T16", &["tw_07_names_with_and_without_case"]),
    ("T17", &["tw_33_one_challenge_has_several_responses_with_rising_counts"]),
    ("T18", &["s_08_acting_as_another_user_needs_a_grant"]),
    ("S1", &["s_01_02_a_pending_login_works_once_from_the_same_address_for_a_short_time"]),
    ("S2", &["one_of_many_answers_to_a_challenge_counts"]),
    ("S3", &["s_03_unknown_wrong_and_disabled_look_the_same_in_scram"]),
    ("S8", &["s_08_acting_as_another_user_needs_a_grant"]),
    ("S9", &["known_and_unknown_users_cost_the_same"]),
    ("S10", &["an_unavailable_checker_lets_nobody_in"]),
    ("S11", &["headers_that_are_refused", "tw_72_an_outage_is_no_refusal"]),
    ("S12", &["t_06_a_digest_response_counts_once"]),
    ("S15", &["basic_on_private_connections_only"]),
    ("S16", &["s_16_an_attacker_is_slowed_down_and_users_elsewhere_are_not"]),
    ("S18", &["s_18_factors_of_two_sessions_or_users_do_not_add_up"]),
    ("S20", &["the_linter_finds_each_problem_in_its_line"]),
];

/// Returns the rows that the names of tests begin with, as in `tw_04_05_…`.
fn rows_in_names(names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for name in names {
        let Some(numbers) = name.strip_prefix("tw_") else { continue };
        let words = numbers.split('_').filter(|word| *word != "and");
        let numbers = words.map_while(|word| word.parse::<u8>().ok());
        rows.extend(numbers.map(|number| format!("TW-{number:02}")));
    }
    rows
}

#[test]
fn every_row_of_twisted_has_a_test_or_a_reason() {
    let names = tables::tests(SOURCES);
    let shown = rows_in_names(&names);
    let adr = xtask::root().join("docs/adr/0048-checking-credentials.md");
    let reasons = fs::read_to_string(adr).unwrap();
    let has_reason = |row: &str| reasons.contains(&format!("- {row}:"));
    for number in 1..=80 {
        let row = format!("TW-{number:02}");
        assert!(shown.contains(&row) != has_reason(&row), "{row}");
    }
    let others = (1..=18).map(|row| format!("T{row}")).chain((1..=20).map(|row| format!("S{row}")));
    for row in others {
        let tests = TESTS.iter().find(|(name, _)| *name == row).map(|(_, tests)| *tests);
        assert!(tests.is_some() != has_reason(&row), "{row}");
        for test in tests.unwrap_or_default() {
            assert!(names.contains(*test), "{row}: there is no test {test}");
        }
    }
}
