//! Git's own credential helpers as a source.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// A home in whose configuration git has these helpers.
fn home_with_helpers(helpers: &[&str]) -> Home {
    let home = Home::new();
    let lines: Vec<_> = helpers.iter().map(|helper| format!("\thelper = {helper:?}\n")).collect();
    home.write(".gitconfig", format!("[credential]\n{}", lines.concat()));
    home
}

/// A home in which `git credential-store` has an account of each of two hosts.
fn home() -> Home {
    let home = home_with_helpers(&["store"]);
    let lines = "https://ann:canary-ann@forge.example.com\nhttps://bob:canary-bob@forge.example.com\n\
                 https://zoe:canary-zoe@other.example.com\n";
    let path = home.write(".git-credentials", lines);
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    home
}

/// Returns what `explain` says about git.
fn explained(home: &Home, url: &str) -> serde_json::Value {
    let explained = home.keyward(&format!("explain forge --url {url} --json")).run().json();
    let steps = explained[0]["steps"].as_array().unwrap();
    steps.iter().find(|step| step["source"] == "git").unwrap().clone()
}

#[test]
fn what_gits_helpers_have_for_the_url_is_found() {
    let home = home();
    let resolve = |url: &str, more| home.keyward(&format!("resolve x --url {url} {more}")).run();
    let forge = "https://forge.example.com/repo.git";
    resolve(forge, "").ends(0).says_nothing().prints("canary-ann\n");
    resolve("https://bob@forge.example.com", "").ends(0).prints("canary-bob\n");
    resolve("https://other.example.com", "--field username").ends(0).prints("zoe\n");
    let found = resolve(forge, "--json --kind user-password").ends(0).json();
    let expected = json!({
        "name": "x", "kind": "user-password", "sources": ["git"],
        "fields": { "username": "ann" }, "secret": ["password"],
    });
    assert_eq!(found, [expected]);
    resolve("https://eve@forge.example.com", "").ends(3);
    resolve("https://third.example.com", "").ends(3);
    resolve("http://forge.example.com", "").ends(3);
    assert_eq!(explained(&home, forge)["outcome"], "found");
    assert_eq!(explained(&home, forge)["places"], json!([forge]));
}

#[test]
fn the_path_counts_if_git_is_configured_so() {
    let home = home();
    home.write(".git-credentials", "https://ann:canary@forge.example.com/a.git\n");
    let line = |path| format!("resolve x --url https://forge.example.com/{path}");
    home.program("git").args(["config", "--global", "credential.useHttpPath", "true"]).run();
    home.keyward(&line("a.git")).run().ends(0).prints("canary\n");
    home.keyward(&line("b.git")).run().ends(3);
}

#[test]
fn a_store_comes_before_git_and_the_setting_can_leave_git_out() {
    let home = home();
    home.run_ok(&["init", "s", "--option", "key.from=file"]);
    home.keyward("set s me --name forge --stdin").input("canary-store").run().ends(0);
    let line = "resolve forge --url https://forge.example.com";
    home.keyward(line).run().ends(0).prints("canary-store\n");
    assert_eq!(explained(&home, "https://forge.example.com")["outcome"], "not asked");
    home.run_ok(&["unset", "s", "--name", "forge"]);
    home.keyward(line).run().ends(0).prints("canary-ann\n");
    home.run_ok(&["config", "set", "resolve.sources", "environment,stores"]);
    home.keyward(line).run().ends(3);
}

/// Whether git was started by `keyward` with the words of `line`, which must end with exit code 3.
fn starts_git(line: &str) -> bool {
    let home = Home::new();
    let git =
        home.write("bin/git", "#!/bin/sh\ntouch \"$HOME/started\"; exec /usr/bin/git \"$@\"\n");
    fs::set_permissions(git, Permissions::from_mode(0o700)).unwrap();
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    home.keyward(line).env("PATH", path).env("KEYWARD_RESOLVE_SOURCES", "git").run().ends(3);
    home.path("started").exists()
}

#[test]
fn git_is_started_only_for_a_url_and_a_kind_that_it_can_have() {
    assert!(starts_git("resolve x --url https://x.example"));
    assert!(!starts_git("resolve x"));
    assert!(!starts_git("resolve x --url https://x.example --kind token"));
}

#[test]
fn without_git_the_credential_is_absent() {
    let home = home();
    symlink("/usr/bin/setsid", home.path("setsid")).unwrap();
    let line = "explain x --url https://forge.example.com";
    let run = home.keyward(line).env("PATH", home.folder()).run().ends(3);
    assert!(run.text().contains("because: git is not installed"), "{}", run.text());
}

#[test]
fn the_configuration_of_a_repository_is_not_read() {
    let home = home_with_helpers(&[]);
    home.program("git").args(["init", "-q"]).run().ends(0);
    let helper = "!touch \"$HOME/asked\"; echo username=evil; echo password=canary; :";
    home.program("git").args(["config", "credential.helper", helper]).run().ends(0);
    let line = "resolve x --url https://forge.example.com";
    home.keyward(line).run().ends(3);
    home.keyward(line).env("GIT_DIR", home.path(".git")).run().ends(3);
    assert!(!home.path("asked").exists());
}

#[test]
fn nothing_prompts() {
    let home = home_with_helpers(&[]);
    let askpass = home.write("askpass", "#!/bin/sh\ntouch \"$HOME/asked\"; echo canary\n");
    fs::set_permissions(&askpass, Permissions::from_mode(0o700)).unwrap();
    for variable in ["GIT_ASKPASS", "SSH_ASKPASS"] {
        let run = home.keyward("resolve x --url https://forge.example.com").env(variable, &askpass);
        run.run().ends(3);
    }
    home.program("git").args(["config", "--global", "core.askPass"]).arg(&askpass).run().ends(0);
    home.keyward("resolve x --url https://forge.example.com").run().ends(3);
    assert!(!home.path("asked").exists());
}

#[test]
fn keyward_and_git_do_not_ask_each_other_in_a_circle() {
    let program = keyward().display().to_string();
    let calls = [
        format!("!'{program}' helper git"),
        format!(
            "!echo x >>\"$HOME/calls\"; '{program}' resolve x --url https://forge.example.com; :"
        ),
    ];
    let home = home_with_helpers(&[&calls[0], &calls[1]]);
    let absent: Finished = home.keyward("resolve x --url https://forge.example.com").run();
    absent.ends(3);
    assert_eq!(home.read("calls"), "x\n");
}

#[test]
fn an_answer_for_another_server_is_denied() {
    let home =
        home_with_helpers(&["!echo host=evil.example; echo username=u; echo password=canary; :"]);
    for command in ["resolve", "explain"] {
        let line = format!("{command} forge --url https://forge.example.com");
        let run = home.keyward(&line).run().ends(4).says("git did not request");
        assert!(!format!("{}{}", run.text(), run.err).contains("canary"));
    }
}

#[test]
fn a_git_that_fails_ends_the_look_up() {
    let home = home_with_helpers(&["store", "!echo quit=1; :"]);
    home.keyward("resolve x --url https://forge.example.com").run().ends(7).says("git: ");
}
