//! Which test shows what, for rows that have no test whose name begins with theirs.

use std::fs;

use crate::rows::tables::tests;

/// A row, and the tests that show it.
const SHOWN_ELSEWHERE: &[(&str, &[&str])] = &[
    ("c2", &["c02_a_file_that_is_not_complete_is_tried_five_times_again"]),
    ("c3", &["c03_a_server_that_fails_is_tried_five_times_again"]),
    (
        "g3",
        &[
            "a_file_that_needs_a_password_is_downloaded",
            "httpbin_accepts_each_algorithm_and_protection",
            "a_token_is_sent_with_the_first_request_if_the_provider_says_so",
        ],
    ),
    ("g5", &["every_case_of_the_matrix_sends_the_credential_only_to_its_origin"]),
    ("g6", &["every_case_of_the_matrix_sends_the_credential_only_to_its_origin"]),
];

fn rows() -> impl Iterator<Item = String> {
    let numbers = [("b", 10), ("c", 14), ("d", 1), ("e", 3), ("g", 14)];
    numbers
        .into_iter()
        .flat_map(|(letter, last)| (1..=last).map(move |number| format!("{letter}{number}")))
}

#[test]
fn every_row_of_datalads_providers_has_a_test_or_a_reason() {
    let all = tests(&["crates", "plugins", "tests/it"]);
    let named = SHOWN_ELSEWHERE.iter().flat_map(|(_, names)| *names);
    let missing: Vec<_> = named.filter(|name| !all.contains(**name)).collect();
    assert!(missing.is_empty(), "there are no such tests: {missing:#?}");
    let page = xtask::root().join("docs/adr/0046-providers-and-those-of-datalad.md");
    let reasons = fs::read_to_string(page).unwrap();
    // Other systems have rows of the same names.
    let here = tests(&[
        "crates/keyward-authn",
        "crates/keyward-fetch",
        "tests/it/cli/terminal",
        "tests/it/fetch",
        "tests/it/rows/downloads.rs",
        "tests/it/rows/providers.rs",
    ]);
    let has_test = |row: &str| here.iter().any(|name| name.starts_with(&format!("{row}_")));
    let is_shown = |row: &str| SHOWN_ELSEWHERE.iter().any(|(shown, _)| *shown == row);
    let has_reason = |row: &str| reasons.contains(&format!("\n- {}: ", row.to_uppercase()));
    let without: Vec<_> =
        rows().filter(|row| !has_test(row) && !is_shown(row) && !has_reason(row)).collect();
    assert!(without.is_empty(), "no test and no reason: {without:?}");
}
