//! A login in a real browser, which runs the scripts of the server's pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::login::lives_and_ends;
use super::server::Oidc;

/// Writes the page that the browser shows in the end. Root's browser cannot have a sandbox.
const BROWSER: &str = r#"#!/bin/sh
test "$(id -u)" != 0 || root=--no-sandbox
chromium-headless-shell $root --disable-gpu --user-data-dir="$HOME/profile" \
    --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" \
    --virtual-time-budget=20000 --dump-dom "$1" >"$HOME/page" 2>"$HOME/messages"
mv "$HOME/page" "$HOME/shown"
"#;

#[test]
fn chromium_logs_in_and_shows_the_answer() {
    let server = Oidc::start_submitting_itself();
    let home = server.home();
    let browser = home.write("browser", BROWSER);
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o700)).unwrap();
    let login = home.keyward(&server.lasting_login("api", "")).env("BROWSER", &browser);
    login.run().ends(0).says("A browser should open");
    let started = Instant::now();
    while !home.path("shown").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", home.read("messages"));
        sleep(Duration::from_millis(20));
    }
    let shown = home.read("shown");
    assert!(shown.contains("<title>Keyward</title>"), "{shown}");
    assert!(shown.contains("<p>You are logged in. You can close this page.</p>"), "{shown}");
    lives_and_ends(&home, "api", "cli");
}
