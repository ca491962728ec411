//! `keyward plugin check`: whatever a plugin does, the report contains all cases.

use std::time::{Duration, Instant};

use keyward_loader::Digest;
use keyward_testkit::storage;
use serde_json::Value;
use xtask::root;

use super::built;
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;
use crate::plugins::linkage::library;

/// The results of a report with one backend, by case.
fn results(report: &Value) -> Vec<(&str, &str, &str)> {
    let [backend] = &report["backends"].as_array().unwrap()[..] else { panic!("{report}") };
    let cases = backend["cases"].as_array().unwrap();
    let text = |value: &'_ Value| -> &'static str {
        Box::leak(value.as_str().unwrap_or_default().to_owned().into())
    };
    cases.iter().map(|it| (text(&it["case"]), text(&it["result"]), text(&it["why"]))).collect()
}

/// Checks the storage `shelf` with this fatal fault, and returns what the report says about the
/// cases that list.
fn fatal(how: &str, words: &str) -> (Finished, String) {
    let home = Home::new();
    let library = built(&home, "fatal.c", &[&format!("-DFATAL={how}")]);
    let check = home.keyward("plugin check --json").arg(library).args(words.split_whitespace());
    let ran = check.run().ends(1);
    let report = ran.json().remove(0);
    let results = results(&report);
    assert_eq!(results.len(), storage::CASES.len(), "no case is lost");
    let failed: Vec<_> = results.iter().filter(|(_, result, _)| *result == "failed").collect();
    assert!(failed.len() > 5 && failed.len() < 15, "{failed:?}");
    assert!(
        failed.iter().all(|(case, ..)| case.contains("list")
            || case.contains("cursor")
            || case.contains("entr")
            || case.contains("names")),
        "{failed:?}"
    );
    let why = failed[0].2.to_owned();
    assert!(failed.iter().all(|(.., it)| *it == why), "{failed:?}");
    (ran, why)
}

#[test]
fn a_valid_library_passes() {
    let home = Home::new();
    let library = built(&home, "shelf.c", &[]);
    let ran = home.keyward("plugin check --json").arg(&library).run().ends(0).says_nothing();
    let report = &ran.json()[0];
    let digest = Digest::new(&std::fs::read(&library).unwrap()).to_string();
    for (fact, expected) in [
        ("keyward", env!("CARGO_PKG_VERSION")),
        ("file", "shelf.so"),
        ("sha256", &digest),
        ("door", "loaded"),
        ("package", "shelf"),
    ] {
        assert_eq!(report[fact], expected, "{fact}");
    }
    let results = results(report);
    let names: Vec<_> = results.iter().map(|(case, ..)| *case).collect();
    assert_eq!(names, storage::CASES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let count = |result: &str| results.iter().filter(|(_, it, _)| *it == result).count();
    assert_eq!(count("failed"), 0, "{results:?}");
    assert_eq!(report["passed"], count("passed"));
    assert_eq!(report["not_applicable"], count("not applicable"));
    let bulk = results.iter().find(|(case, ..)| *case == "reopening_keeps_everything").unwrap();
    assert_eq!(bulk.1, "not applicable", "the shelf is gone with its process");
    let text = home.keyward("plugin check").arg(&library).run().ends(0);
    let last = text.text().lines().last().unwrap().to_owned();
    assert!(last.contains(" 0 failed, "), "{last}");
}

#[test]
fn a_failed_case_is_reported() {
    let home = Home::new();
    let library = built(&home, "hostile.c", &["-DSPOILT=FLOOD"]);
    let ran = home.keyward("plugin check").arg(&library).run().ends(1);
    assert!(
        ran.text().contains("\n  FAILED         list_shows_every_entry_once\n"),
        "{}",
        ran.text()
    );
    assert!(ran.text().contains("\n  passed         get_gives_what_put_kept\n"), "{}", ran.text());
    ran.says("promises are not kept");
}

#[test]
fn a_crash_loses_no_other_case() {
    assert_eq!(fatal("READS_NOWHERE", "").1, "it crashed: signal 11 (SIGSEGV)");
    assert_eq!(fatal("ABORTS", "").1, "it crashed: signal 6 (SIGABRT)");
    assert_eq!(fatal("ENDS", "").1, "it ended the process, with code 0");
}

#[test]
fn a_hang_is_ended() {
    let started = Instant::now();
    assert_eq!(fatal("HANGS", "--time 5").1, "it took longer than 5 seconds");
    assert!(started.elapsed() < Duration::from_secs(300));
}

#[test]
fn a_program_that_does_not_start_is_reported() {
    let home = Home::new();
    let library = built(&home, "fatal.c", &["-DFATAL=AT_START"]);
    let check = || home.keyward("plugin check").arg(&library);
    check().run().ends(1).prints("").says("does not start: it crashed: signal 6");
    let nonsense = built(&home, "hostile.c", &["-DSPOILT=MAGIC"]);
    home.keyward("plugin check")
        .arg(nonsense)
        .run()
        .ends(7)
        .says("does not start with the magic number");
    home.keyward("plugin check nowhere.so").run().ends(4).says("nowhere.so");
    let text = home.write("text", "text");
    home.keyward("plugin check").arg(text).run().ends(7);
}

#[test]
fn without_the_program_that_contains_the_cases_the_error_says_how_to_install_it() {
    let home = Home::new();
    let library = built(&home, "fatal.c", &["-DFATAL=AT_START"]);
    // A copy of the program, which has no `keyward-check` in its folder.
    let copy = home.path("keyward");
    std::fs::copy(keyward(), &copy).unwrap();
    let check = home.program(copy).args(["plugin", "check"]).arg(library);
    check.run().ends(7).prints("").says("keyward-check is missing").says("Install the crate");
}

#[test]
fn options_and_what_a_backend_asks_for_are_the_commands() {
    let home = Home::new();
    let sqlite = library("keyward-storage-sqlite");
    let check = |role: &str| home.keyward("plugin check --role").arg(role).arg(&sqlite);
    check("key").run().ends(2).says("no backend in this role");
    check("storage").args(["--options", "{"]).run().ends(2);
    let options = r#"{"path": "%scratch%/folder/store.db"}"#;
    check("storage").args(["--options", options]).run().ends(0);

    let env = library("keyward-key-env");
    let untold = home.keyward("plugin check").arg(&env).run().ends(2).prints("");
    untold.says("the key env: `name` is missing").says("--options");
    let check = || home.keyward("plugin check").arg(&env).args(["--options", r#"{"name": "K"}"#]);
    check().run().ends(1).says("promises are not kept");
    let key = format!("K={}", "6b".repeat(32));
    check().args(["--variable", &key]).run().ends(0);
    check().args(["--variable", "K"]).run().ends(2);

    let passphrase = library("keyward-key-passphrase");
    let check = home.keyward("plugin check").arg(passphrase);
    let cheap = r#"{"memory_kib": 8192, "iterations": 1}"#;
    check.args(["--answer", "correct horse", "--options", cheap]).run().ends(0);
}

#[test]
fn defaults_are_filled_in_as_a_store_does() {
    let home = Home::new();
    home.keyward("plugin check").arg(library("keyward-storage-file")).run().ends(0);
    let left: Vec<_> = home.files().into_keys().collect();
    assert_eq!(left, [home.path("run")], "what a case keeps is removed");
}

#[test]
fn a_program_is_checked_as_a_child_process() {
    let home = Home::new();
    let program = root().join("docs/examples/notebook.py");
    let check = |role: &str| home.keyward("plugin check --json --role").arg(role).arg(&program);
    let options = ["--options", r#"{"path": "%scratch%/notebook"}"#];
    let ran = check("storage").args(options).run().ends(0);
    assert_eq!(ran.json()[0]["door"], "run");
    assert_eq!(ran.json()[0]["package"], "notebook");
    let options = ["--options", r#"{"secret": {"from": "vault"}}"#, "--secret", "vault=made up"];
    check("key").args(options).run().ends(0);
}
