//! Logins at a real server.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::server::{Oidc, browser};
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// The token's state after a login, with a refresh, a revocation and a logout.
pub(super) fn lives_and_ends(home: &Home, name: &str, client: &str) {
    let run = |line: &str| home.keyward(&format!("oauth {line} s --name {name}")).run();
    let before = run("status --json").ends(0).json().remove(0);
    assert_eq!((&before["token"], &before["client"]), (&"good".into(), &client.into()));
    assert_eq!(before["renewable"], true);
    let first = run("token").ends(0).into_text();
    run("refresh").ends(0);
    let second = run("token").ends(0).into_text();
    assert_ne!(first, second, "the server issues another token each time");
    run("status --claims").ends(2).says("not a JWT");
    assert_eq!(run("status --check").ends(0).json()[0]["active"], true);
    let json = run("token --json").ends(0).json().remove(0);
    assert_eq!(json["access_token"], second.trim());
    run("token --header").ends(0).prints(format!("Authorization: Bearer {second}"));
    // The old refresh token died with the refresh, the new one with this.
    run("revoke").ends(0).prints("Revoked.\n");
    run("token").ends(9).says("no refresh token");
    run("logout --local").ends(0);
    run("token").ends(3);
}

#[test]
fn a_browser_on_this_machine_brings_the_code() {
    let server = Oidc::start();
    for (name, uri) in [("four", "http://127.0.0.1/callback"), ("six", "http://[::1]/callback")] {
        let home = server.home();
        let more = format!("--username alice --redirect-uri {uri}");
        let login = server.lasting_login(name, &more);
        home.keyward(&login).run().ends(0).says("A browser should open");
        lives_and_ends(&home, name, "cli");
    }
}

#[test]
fn a_login_that_is_named_after_a_host_is_for_git() {
    let server = Oidc::start();
    let home = server.home();
    let line = |name: &str| server.login(name, "");
    home.keyward(&line("https://ann@Git.example:443"))
        .run()
        .ends(2)
        .says("https://ann@git.example");
    home.keyward(&line("https://ann@git.example")).run().ends(0);
    let asked = "protocol=https\nhost=git.example\n";
    let answer = home.keyward("helper git get --store s").input(asked).run().ends(0).into_text();
    let token = home.keyward("oauth token s --name https://ann@git.example").run().ends(0);
    assert!(answer.contains("username=ann\n"), "{answer}");
    assert!(answer.contains(&format!("password={}", token.text())), "{answer}");
    let other = asked.replace("git.example", "other.example");
    home.keyward("helper git get --store s").input(other).run().ends(0).prints("");
}

#[test]
fn a_login_can_be_repeated_without_the_client() {
    let server = Oidc::start();
    let home = server.home();
    home.keyward(&server.login("api", "")).run().ends(0);
    let first = home.keyward("oauth token s --name api").run().ends(0).into_text();
    home.keyward("oauth login s --name api --again").run().ends(0);
    let second = home.keyward("oauth token s --name api").run().ends(0).into_text();
    assert_ne!(first, second);
    home.keyward("oauth login s --name none --again").run().ends(2).says("--again");
    // A user who must not be asked cannot log in, and does not wait.
    home.keyward("oauth login s --name api --again --no-input").run().ends(5).says("--no-input");
    home.keyward("oauth token s --name api").run().ends(0).prints(second);
}

#[test]
fn a_token_can_be_for_one_service_and_a_jwt() {
    let server = Oidc::start();
    let home = server.home();
    home.keyward(&server.login("api", "--resource urn:keyward:jwt")).run().ends(0);
    let claims = home.keyward("oauth status s --name api --claims").run().ends(0).json().remove(0);
    assert_eq!((&claims["sub"], &claims["aud"]), (&"alice".into(), &"urn:keyward:jwt".into()));
}

#[test]
fn a_device_shows_a_code() {
    let server = Oidc::start();
    let home = server.home();
    let mut login = home.command(keyward());
    login.args(server.lasting_login("tv", "--device").split_whitespace());
    let messages = home.path("messages");
    login.stdin(Stdio::null()).stderr(std::fs::File::create(&messages).unwrap());
    let mut login = login.spawn().unwrap();
    let started = Instant::now();
    let code = loop {
        let shown = std::fs::read_to_string(&messages).unwrap();
        if let Some(code) = shown.lines().find_map(|line| line.strip_prefix("and type ")) {
            break code.to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{shown}");
        sleep(Duration::from_millis(20));
    };
    let shown = std::fs::read_to_string(&messages).unwrap();
    let first = "The client cli asks for the scopes openid read offline_access.\nOpen http://";
    assert!(shown.starts_with(first), "{shown}");
    let url = format!("{}/device?user_code={code}", server.issuer());
    assert!(Command::new(browser()).arg(url).status().unwrap().success());
    assert!(login.wait().unwrap().success(), "{}", std::fs::read_to_string(&messages).unwrap());
    lives_and_ends(&home, "tv", "cli");
}

#[test]
fn a_program_logs_in_as_itself() {
    let server = Oidc::start();
    let home = server.home();
    home.write("client-secret", "j0b:s3cret/+%&\n");
    let grant = "--scope read --client-credentials --client-secret-file client-secret";
    let login = |name| server.login_as("job", name, grant);
    home.keyward(&login("job")).run().ends(0);
    let first = home.keyward("oauth token s --name job").run().ends(0).into_text();
    home.keyward("oauth refresh s --name job").run().ends(0);
    assert_ne!(home.keyward("oauth token s --name job").run().ends(0).into_text(), first);
    home.keyward("oauth login s --name job --again").run().ends(0);
    home.write("client-secret", "wrong");
    home.keyward(&login("other")).run().ends(9).says("invalid_client");
    home.keyward("get s --name other").run().ends(3);
}

#[test]
fn a_server_that_is_gone_changes_nothing() {
    let server = Oidc::start();
    let home = server.home();
    home.keyward(&server.lasting_login("api", "")).run().ends(0);
    let other = server.lasting_login("other", "");
    let before = home.keyward("get s --name api --json --reveal").run().ends(0).json().remove(0);
    drop(server);
    home.keyward("oauth refresh s --name api").run().ends(7).says("connection refused");
    home.keyward("oauth token s --name api").run().ends(0);
    home.keyward("oauth logout s --name api").run().ends(7);
    let after = home.keyward("get s --name api --json --reveal").run().ends(0).json().remove(0);
    for field in ["access_token", "refresh_token"] {
        assert_eq!(before["fields"][field], after["fields"][field]);
    }
    home.keyward(&other).run().ends(7);
    home.keyward("get s --name other").run().ends(3);
}
