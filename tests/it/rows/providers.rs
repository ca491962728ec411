//! Rows B1 to B10 and E1 to E3: DataLad's providers, and its helper for git. B6 is in
//! `cli::terminal::provider`, because it needs a terminal.

use serde_json::{Value, json};

use super::home;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

fn write(home: &Home, name: &str, text: &str) {
    let text = format!("version = 1\n{text}");
    home.write(&format!(".config/keyward/providers/{name}.toml"), text);
}

/// Returns the names and the levels of the providers of a URL.
fn matching(home: &Home, url: &str) -> Vec<(String, String)> {
    let text = home.keyward(&format!("provider match {url}")).run().into_text();
    let parts = |line: &str| {
        let mut parts = line.split('\t').map(str::to_owned);
        (parts.next().unwrap(), parts.next().unwrap())
    };
    text.lines().map(parts).collect()
}

#[test]
fn b1_the_providers_that_come_with_keyward_can_all_be_used() {
    let home = home();
    home.keyward("provider check").run().ends(0);
    let found = home.keyward("provider list --json").run().ends(0).json();
    assert!(found.len() >= 14);
    for provider in found {
        assert_eq!(provider["level"], "packaged");
        assert_ne!(provider["origins"], json!([]), "{provider}");
    }
}

#[test]
fn b2_a_provider_of_the_user_counts_instead_of_one_that_comes_with_keyward_and_a_projects_is_last()
{
    let home = home();
    let url = "https://crawdad.org/x";
    let pair = |name: &str, level: &str| (name.to_owned(), level.to_owned());
    assert_eq!(matching(&home, url), [pair("crawdad", "packaged")]);
    home.write(".keyward.toml", "version = 1\n");
    let text = "version = 1\norigins = ['https://crawdad.org']\n";
    home.write(".keyward/providers/crawdad.toml", text);
    home.write(".keyward/providers/another.toml", text);
    home.keyward("trust --yes").run().ends(0);
    assert_eq!(matching(&home, url), [pair("crawdad", "packaged"), pair("another", "project")]);
    write(&home, "crawdad", "origins = ['https://crawdad.org']\ncredentials = ['own']\n");
    assert_eq!(matching(&home, url), [pair("crawdad", "user"), pair("another", "project")]);
}

#[test]
fn b3_without_a_provider_a_url_of_any_scheme_needs_no_credential() {
    let home = home();
    for scheme in ["http", "https", "ftp"] {
        let line = format!("provider match {scheme}://x.example/");
        home.keyward(&line).run().ends(3).says("no provider is for");
    }
}

#[test]
fn b4_a_type_of_credentials_that_does_not_exist_is_an_error_of_its_file() {
    let home = home();
    home.write("a.cfg", "[credential:a]\ntype = magic\n");
    home.write(
        "b.cfg",
        "[provider:b]\nurl_re = https://b\\.example/\nauthentication_type = none\n",
    );
    let run = home.keyward("provider import a.cfg b.cfg").run().ends(6);
    let text = run.text();
    assert!(text.contains("a.cfg:2: there is no type of credentials `magic`"), "{text}");
    assert!(text.contains("imported: b\n"), "{text}");
}

#[test]
fn b5_an_authenticator_that_does_not_exist_is_an_error_that_names_those_that_do() {
    let home = home();
    let line = "provider add x --origin https://x.example --authenticator magic";
    home.keyward(line).run().ends(2).says("no authenticator called `magic`").says("basic, bearer");
}

#[test]
fn b7_of_two_providers_that_say_the_same_always_the_same_counts_and_both_are_listed() {
    let home = home();
    for names in [["a", "b"], ["b", "a"]] {
        for name in names {
            drop(home.keyward(&format!("provider remove {name}")).run());
            write(&home, name, "origins = ['https://x.example']\n");
        }
        let found = matching(&home, "https://x.example/");
        let found: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, ["a", "b"]);
    }
}

#[test]
fn b8_a_wrong_expression_is_reported_and_the_other_providers_count() {
    let home = home();
    write(&home, "wrong", "origins = ['https://x.example']\npath = '('\n");
    write(&home, "right", "origins = ['https://x.example']\n");
    let why = "wrong.toml: `path` is not a regular expression";
    home.keyward("provider check").run().ends(2).says(why);
    assert_eq!(matching(&home, "https://x.example/")[0].0, "right");
}

#[test]
fn b9_a_url_needs_a_credential_or_none_or_nobody_knows() {
    let home = home();
    write(&home, "known", "origins = ['https://x.example']\nauth = 'required'\n");
    write(&home, "public", "origins = ['https://y.example']\nauth = 'never'\n");
    write(&home, "asking", "origins = ['https://z.example']\n");
    let auth = |host: &str| {
        let line = format!("provider match https://{host}.example/ --json");
        home.keyward(&line).run().json().first().map_or(Value::Null, |found| found["auth"].clone())
    };
    assert_eq!(["x", "y", "z"].map(auth), ["required", "never", "optional"]);
    assert_eq!(auth("unknown"), Value::Null);
}

#[test]
fn b10_a_new_file_counts_at_once() {
    let home = home();
    let library = home.library();
    let count = || library.providers().unwrap().iter().count();
    let before = count();
    write(&home, "new", "origins = ['https://x.example']\n");
    assert_eq!(count(), before + 1);
}

/// A home in which git has Keyward as its only helper, with the store `s`.
fn home_with_git() -> Home {
    let home = home();
    let program = keyward().display().to_string();
    let config = format!("[credential]\n\thelper = \"!'{program}' helper git --store s\"\n");
    home.write(".gitconfig", config);
    home.with("GIT_TERMINAL_PROMPT", "0")
}

/// Runs `git credential`, and returns its exit code and output.
fn git(home: &Home, action: &str, lines: &str) -> (i32, String) {
    let run = home.program("git").args(["credential", action]).input(lines).run();
    (run.code, run.text().to_owned())
}

#[test]
fn e1_git_approves_fills_and_rejects_with_the_host_alone_or_with_a_user() {
    let home = home_with_git();
    let url = "protocol=https\nhost=git.example\n";
    let whole = format!("{url}username=ann\npassword=s3cret\n");
    assert_eq!(git(&home, "fill", &format!("{url}\n")).0, 128);
    assert_eq!(git(&home, "approve", &format!("{whole}\n")).0, 0);
    for asked in [url.to_owned(), format!("{url}username=ann\n")] {
        let (code, found) = git(&home, "fill", &format!("{asked}\n"));
        assert_eq!((code, found.contains("password=s3cret")), (0, true), "{found}");
    }
    // Another user's password, or another password, is not removed.
    for other in [format!("{url}username=bob\n"), whole.replace("s3cret", "other")] {
        assert_eq!(git(&home, "reject", &format!("{other}\n")).0, 0);
        assert_eq!(git(&home, "fill", &format!("{url}\n")).0, 0);
    }
    assert_eq!(git(&home, "reject", &format!("{whole}\n")).0, 0);
    assert_eq!(git(&home, "fill", &format!("{url}\n")).0, 128);
}

#[test]
fn e2_a_second_path_of_a_host_gets_the_same_password_and_another_host_does_not() {
    let home = home_with_git();
    let approve = "url=https://git.example/a.git\nusername=ann\npassword=s3cret\n\n";
    assert_eq!(git(&home, "approve", approve).0, 0);
    let (code, found) = git(&home, "fill", "url=https://git.example/b.git\n\n");
    assert_eq!((code, found.contains("password=s3cret")), (0, true), "{found}");
    for other in ["https://git.example.evil.example", "http://git.example", "https://xgit.example"]
    {
        assert_eq!(git(&home, "fill", &format!("url={other}/a.git\n\n")).0, 128, "{other}");
    }
}

#[test]
fn e3_keyward_that_asks_git_that_asks_keyward_comes_to_an_end() {
    let home = home_with_git();
    home.run_ok(&["config", "set", "resolve.sources", "git"]);
    home.keyward("resolve x --url https://git.example").run().ends(3);
}
