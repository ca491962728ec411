//! `trust` asks on the terminal.

use super::program;
use super::pty::{Terminal, end};
use crate::helpers::home::Home;

#[test]
fn trust_shows_the_project_and_asks() {
    let home = Home::in_memory();
    home.write(".keyward.toml", "version = 1\n[secrets.api]\nkind = 'token'\nenv = 'API'\n");
    for (answer, code) in [("n\r", 1), ("\r", 1), ("y\r", 0)] {
        let mut terminal = Terminal::new();
        let child = terminal.start(&home, &[&program(), "trust"]);
        terminal.expect("Trust it? [y/N] ");
        let shown = terminal.shown();
        assert!(shown.contains("  secret     api (token, required)\r\n"), "{shown}");
        assert!(shown.contains("  variable   API = api\r\n"), "{shown}");
        terminal.press(answer);
        let (ended, out, err) = end(child);
        assert_eq!(ended, code, "{err}");
        assert_eq!(out.starts_with("Trusted: "), code == 0, "{out}");
        assert_eq!(err.contains("nothing was trusted"), code == 1, "{err}");
        let check = home.keyward("check").run();
        check.ends(if code == 0 { 3 } else { 4 });
    }
}

#[test]
fn a_project_that_changes_during_the_question_is_not_trusted() {
    let home = Home::in_memory();
    home.write(".keyward.toml", "version = 1\n[secrets.api]\n");
    let mut terminal = Terminal::new();
    let child = terminal.start(&home, &[&program(), "trust"]);
    terminal.expect("Trust it? [y/N] ");
    home.write(".keyward.toml", "version = 1\n[secrets.mine]\n");
    terminal.press("y\r");
    assert_eq!(end(child).0, 0);
    home.keyward("check").run().ends(4).says(".keyward.toml was changed");
}
