//! Which test shows what, for rows that have no test here whose name begins with theirs.

use std::collections::BTreeSet;

use crate::rows::tables::tests;

/// A row, and the tests that show it.
const SHOWN_ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "c21",
        &[
            "the_url_asks_for_a_code_with_a_challenge_and_a_new_state",
            "of_all_callbacks_only_the_right_one_proceeds",
            "a_browser_on_this_machine_brings_the_code",
        ],
    ),
    (
        "c25",
        &[
            "a_token_is_revoked_and_introspected_where_its_record_says",
            "a_browser_on_this_machine_brings_the_code",
        ],
    ),
    (
        "f13",
        &[
            "verify_names_what_does_not_open",
            "entries_that_do_not_open_are_reported_after_the_others",
        ],
    ),
    (
        "f14",
        &[
            "secrets_on_the_command_line_are_refused_and_not_repeated",
            "values_are_redacted",
            "a_sensitive_header_is_not_in_what_debug_prints",
        ],
    ),
    (
        "f15",
        &[
            "a_hundred_processes_make_one_request_with_the_keyring",
            "a_killed_process_loses_what_it_must_with_files",
            "killed_at_any_moment_all_entries_are_readable_throughout",
        ],
    ),
    ("b12_01", &["f11_a_rejected_refresh_is_an_error_and_no_request_has_an_empty_token"]),
    (
        "b12_10",
        &[
            "c24_the_margin_can_be_set",
            "a_margin_is_at_most_half_of_a_life",
            "c24_a_rejected_token_is_refreshed_and_the_request_is_sent_once_more",
        ],
    ),
    (
        "b12_13",
        &[
            "a_relative_path_is_refused_where_it_would_lead_elsewhere_from_each_folder",
            "c30_errors_have_kinds",
        ],
    ),
    ("b12_15", &["c27_a_credential_of_the_environment_leaves_no_file"]),
    (
        "b12_16",
        &[
            "the_url_asks_for_a_code_with_a_challenge_and_a_new_state",
            "of_all_callbacks_only_the_right_one_proceeds",
            "a_device_shows_a_code",
        ],
    ),
    (
        "b12_19",
        &[
            "c20_profiles_are_written_changed_selected_listed_and_removed",
            "c18_one_source_gives_all_and_is_named",
            "facts_about_a_record_are_shown_but_no_value",
        ],
    ),
    (
        "b12_20",
        &["a_file_that_is_not_safe_or_not_the_same_is_not_run", "a_failed_case_is_reported"],
    ),
    ("b12_21", &["every_row_has_a_test"]),
    ("b11_065", &["c22_a_refresh_compares_the_callers_token_and_stores_a_new_refresh_token"]),
    ("b11_071", &["c18_one_source_gives_all_and_is_named"]),
    ("b11_075", &["c19_the_names_of_variables_have_a_prefix_and_those_without_are_optional"]),
    (
        "b11_082",
        &[
            "c24_a_request_refreshes_a_token_that_is_absent_expired_or_due_before_it_is_sent",
            "the_life_of_a_jwt_does_not_depend_on_the_local_clock",
        ],
    ),
    (
        "b11_087",
        &[
            "path_says_where_things_lie",
            "a_relative_path_is_refused_where_it_would_lead_elsewhere_from_each_folder",
        ],
    ),
    ("b11_094", &["c29_debug_output_contains_no_secret"]),
    ("b11_097", &["the_url_asks_for_a_code_with_a_challenge_and_a_new_state"]),
    ("b11_102", &["a_failed_case_is_reported"]),
    ("b11_103", &["c20_profiles_are_written_changed_selected_listed_and_removed"]),
    ("b11_111", &["c27_a_credential_of_the_environment_leaves_no_file"]),
    (
        "b11_119",
        &[
            "c24_each_request_can_do_without_refresh_or_retry",
            "c24_a_rejected_token_is_refreshed_and_the_request_is_sent_once_more",
        ],
    ),
    (
        "b11_125",
        &["c18_an_access_token_comes_before_a_developers_token_and_that_before_a_refresh_token"],
    ),
    ("b11_177", &["c19_a_developers_token_in_pancloud_s_variables_is_enough"]),
    ("b11_147", &["b12_11_a_static_token_is_sent_while_it_is_good_and_then_is_an_error"]),
];

/// The issues that the rows of complaints are named after. Some rows are about several issues.
const COMPLAINTS: [u32; 20] =
    [17, 56, 65, 71, 73, 75, 82, 86, 87, 94, 97, 102, 103, 111, 119, 125, 131, 147, 154, 177];

fn rows() -> BTreeSet<String> {
    let c = (17..=30).map(|number| format!("c{number}"));
    let f = (11..=15).map(|number| format!("f{number}"));
    let weaknesses = (1..=21).map(|number| format!("b12_{number:02}"));
    let complaints = COMPLAINTS.iter().map(|number| format!("b11_{number:03}"));
    c.chain(f).chain(weaknesses).chain(complaints).collect()
}

#[test]
fn every_row_has_a_test() {
    let all = tests(&["crates", "plugins", "tests/it"]);
    let named = SHOWN_ELSEWHERE.iter().flat_map(|(_, names)| *names);
    let missing: Vec<_> = named.filter(|name| !all.contains(**name)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
    let here = tests(&["tests/it/rows/pancloud", "tests/it/rows/pancloud.rs"]);
    let has_test = |row: &str| here.iter().any(|name| name.starts_with(&format!("{row}_")));
    let has_line = |row: &str| SHOWN_ELSEWHERE.iter().any(|(shown, _)| *shown == row);
    let rows = rows();
    let wrong: Vec<_> = rows.iter().filter(|row| has_test(row) == has_line(row)).collect();
    assert!(wrong.is_empty(), "these have no test, or a test and a line of the table: {wrong:?}");
    assert!(SHOWN_ELSEWHERE.iter().all(|(row, _)| rows.contains(*row)));
}
