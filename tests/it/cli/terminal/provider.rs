//! `provider add` asks on the terminal. Row B6 of DataLad: what it does when a person makes a provider.

use super::program;
use super::pty::{Terminal, end};
use crate::helpers::home::Home;

const FILE: &str = ".config/keyward/providers/shop.toml";

/// Answers the questions in their order, and returns the exit code and standard error.
fn answer(home: &Home, words: &[&str], answers: &[(&str, &str)]) -> (i32, String, String) {
    let mut terminal = Terminal::new();
    let child = terminal.start(home, &[&[&*program(), "provider", "add"], words].concat());
    for (question, answer) in answers {
        terminal.expect(question);
        terminal.press(format!("{answer}\r"));
    }
    let (code, _, err) = end(child);
    (code, err, terminal.shown())
}

#[test]
fn b6_a_new_provider_is_asked_for_shown_and_saved_only_if_the_user_agrees() {
    let home = Home::in_memory();
    let url = "https://shop.example/a.b/c/";
    let answers = [
        ("Name [shop.example]: ", "shop"),
        ("Server [https://shop.example]: ", ""),
        (r"Path [/a\.b/c/.*]: ", ""),
        ("Authenticator (", ""),
        ("Credential [shop]: ", ""),
    ];
    // Declined.
    let (code, err, _) =
        answer(&home, &["--url", url], &[&answers[..], &[("[y/N] ", "n")]].concat());
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("nothing was written") && !home.path(FILE).exists(), "{err}");
    // Saved. `auto` is proposed: it does what the server asks for.
    let (code, err, shown) =
        answer(&home, &["--url", url], &[&answers[..], &[("[y/N] ", "y")]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(shown.contains(") [auto]: "), "{shown}");
    let text = home.read(FILE);
    for line in text.lines() {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(
        text.contains("path = '/a\\.b/c/.*'") && text.contains("credentials = [\"shop\"]"),
        "{text}"
    );
}

#[test]
fn b6_an_existing_name_and_a_path_that_does_not_match_are_asked_for_again() {
    let home = Home::in_memory();
    home.keyward("provider add shop --origin https://x.example").run().ends(0);
    let (code, err, shown) = answer(
        &home,
        &[],
        &[
            ("URL: ", "shop.example"),
            ("URL: ", "https://shop.example/a"),
            ("Name [shop.example]: ", "shop"),
            ("Name [shop.example]: ", "other"),
            ("Server [https://shop.example]: ", "https://*.example.org"),
            ("Server [https://shop.example]: ", ""),
            ("Path [/a]: ", "/b/.*"),
            ("Path [/a]: ", "/.*"),
            ("Authenticator (", "magic"),
            ("Authenticator (", "bearer"),
            ("Credential [other]: ", "token"),
            ("[y/N] ", "y"),
        ],
    );
    assert_eq!(code, 0, "{err} {shown}");
    for why in
        ["there is a provider `shop`", "does not match the URL", "no authenticator called `magic`"]
    {
        assert!(err.contains(why), "{err}");
    }
    assert_eq!(
        home.read(&FILE.replace("shop", "other")),
        "version = 1\norigins = [\"https://shop.example\"]\ncredentials = [\"token\"]\n\n\
         [[authenticators]]\nname = \"bearer\"\n"
    );
    assert!(home.read(FILE).contains("x.example"));
}

#[test]
fn questions_end_if_there_is_no_usable_answer() {
    let home = Home::in_memory();
    let (code, err, _) = answer(&home, &[], &[("URL: ", ""), ("URL: ", ""), ("URL: ", "")]);
    assert_eq!(code, 2, "{err}");
    let run = home.keyward("--no-input provider add x").run();
    run.ends(5).says("keyward provider add NAME --url URL");
}
