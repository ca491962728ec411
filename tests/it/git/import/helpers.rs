//! `keyward import git-helper`, with the real git and its helpers.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::keyward_as_helper;
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

/// A home in which git has these helpers.
fn home(helpers: &[&str]) -> Home {
    let home = Home::new();
    has_helpers(&home, helpers);
    home.keyward("init git --option key.from=file").run().ends(0);
    home
}

fn has_helpers(home: &Home, helpers: &[&str]) {
    let lines = helpers.iter().map(|helper| format!("\thelper = {helper:?}\n"));
    home.write(".gitconfig", format!("[credential]\n{}", lines.collect::<String>()));
}

fn approve(home: &Home, attributes: &str) {
    let git =
        home.program("git").args(["-c", "credential.useHttpPath=true", "credential", "approve"]);
    git.input(attributes.replace(' ', "\n") + "\n").run().ends(0);
}

fn import(home: &Home, line: &str) -> Finished {
    home.keyward(&format!("import git-helper {line}")).run()
}

/// Checks the answer of Keyward as the only helper.
#[track_caller]
fn given(home: &Home, attributes: &str, expected: &str) {
    let asked = format!("{}\n\n", attributes.replace(' ', "\n"));
    let answer = home.keyward("helper git get").input(asked).run().ends(0);
    assert_eq!(answer.text().split_whitespace().collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn what_a_helper_knows_is_kept_for_its_origin() {
    let home = home(&["store"]);
    for account in ["bob", "ann"] {
        approve(
            &home,
            &format!("protocol=https host=x.example username={account} password=of-{account}"),
        );
    }
    approve(&home, "protocol=https host=y username=eve password=pw path=p/q");
    let ran =
        import(&home, "https://x.example https://bob@x.example https://y/p/q https://z").ends(3);
    assert_eq!(
        ran.text(),
        "3 credentials imported, 1 refused\n  https://z: none of git's helpers has a credential\n\
         git's helpers still have them too; `git credential reject` makes them forget one.\n"
    );
    given(&home, "protocol=https host=x.example", "username=ann password=of-ann");
    given(&home, "protocol=https host=x.example username=bob", "username=bob password=of-bob");
    given(&home, "protocol=https host=y path=p/q", "username=eve password=pw");
    given(&home, "protocol=https host=y path=p", "");
    given(&home, "protocol=http host=x.example", "");
    import(&home, "https://x.example").ends(0).prints("0 credentials imported, 1 there already\n");
    approve(&home, "protocol=https host=x.example username=ann password=newer");
    let json = import(&home, "https://x.example --json").ends(8).json();
    assert_eq!(json[0]["refused"][0]["url"], "https://x.example");
    given(&home, "protocol=https host=x.example", "username=ann password=of-ann");
}

/// `credential-cache` keeps all attributes of the protocol. Its daemon ends when this is dropped.
struct Cache(Home);

impl Drop for Cache {
    fn drop(&mut self) {
        self.0.program("git").args(["credential-cache", "exit"]).run();
    }
}

#[test]
fn expiry_refresh_token_and_header_come_along() {
    let cache = Cache(home(&["cache"]));
    let home = &cache.0;
    let all = "username=ann password=pw oauth_refresh_token=R password_expiry_utc=9999999999";
    approve(home, &format!("protocol=https host=x {all}"));
    approve(home, "capability[]=authtype protocol=https host=y authtype=Bearer credential=T");
    import(home, "https://x https://y").ends(0);
    given(home, "protocol=https host=x", all);
    let header = "capability[]=authtype authtype=Bearer credential=T";
    given(home, "capability[]=authtype protocol=https host=y", header);
}

#[test]
fn keyward_itself_is_not_asked() {
    let helper = format!("!f() {{ echo $1 >>calls; {} $1; }}; cd; f", &keyward_as_helper()[1..]);
    let home = home(&[&helper]);
    let set = home.keyward("set git ann --origin https://x --stdin");
    set.input("own").run().ends(0);
    let asked = "protocol=https\nhost=x\n";
    let git = home.program("git").args(["credential", "fill"]).input(asked).run().ends(0);
    assert!(git.text().contains("password=own"), "{}", git.text());
    import(&home, "https://x").ends(3);
    assert_eq!(home.read("calls"), "get\nget\n");
    has_helpers(&home, &[&helper, "store"]);
    home.write(".git-credentials", "https://ann:theirs@x\n");
    import(&home, "https://x").ends(8).says("not everything");
    given(&home, "protocol=https host=x", "username=ann password=own");
}

#[test]
fn an_answer_to_something_else_is_refused() {
    for (answer, code) in [
        ("username=ann\\npassword=canary\\nhost=evil.example", 4),
        ("username=ann\\npassword=canary\\nprotocol=http", 4),
        ("username=eve\\npassword=canary", 4),
        ("username=ann\\npassword=canary\\npath=q", 4),
        ("username=ann\\npassword=canary\\001", 4),
        ("username=ann\\npassword=canary\\nephemeral=1", 6),
        ("username=ann\\npassword=canary\\npassword_expiry_utc=1000", 3),
        ("username=ann", 3),
        ("quit=1", 7),
        ("", 3),
    ] {
        let home = home(&[&format!("!f() {{ printf 'capability[]=authtype\\n{answer}\\n'; }}; f")]);
        let ran = import(&home, "https://ann@x/p").ends(code);
        assert!(!ran.text().contains("canary") && !ran.err.contains("canary"), "{answer}");
        home.keyward("list git").run().ends(0).prints("");
    }
}

#[test]
fn a_helper_that_hangs_is_ended() {
    let home = home(&["!f() { echo $$ >~/pid; sleep 300; }; f"]);
    let started = Instant::now();
    let ran = import(&home, "https://x --timeout 1").ends(7);
    assert!(ran.text().contains("Keyward ended git after 1.0 seconds"), "{}", ran.text());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let process = format!("/proc/{}", home.read("pid").trim());
    let is_gone = || {
        !Path::new(&process).exists() || {
            // Its parent may not have reaped it yet.
            fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| stat.contains(") Z "))
        }
    };
    let mut waited = 0;
    while !is_gone() {
        waited += 1;
        assert!(waited < 500, "{process} still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn git_does_not_prompt_and_reads_no_repository() {
    let home = home(&[]);
    let ask = home.write("ask", "#!/bin/sh\ntouch \"$HOME/asked\"\necho pw\n");
    fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    home.program("git").args(["init", "-q"]).run().ends(0);
    let evil = "!touch \"$HOME/asked\"";
    home.program("git").args(["config", "credential.helper", evil]).run().ends(0);
    for repository in [home.path("."), home.path(".git")] {
        let call = home.keyward("import git-helper https://x").env("GIT_DIR", repository);
        call.env("GIT_ASKPASS", &ask).env("SSH_ASKPASS", &ask).env("DISPLAY", ":0").run().ends(3);
    }
    home.keyward("import git-helper https://x").run().ends(3);
    assert!(!home.path("asked").exists());
}

#[test]
fn without_git_or_with_a_broken_configuration_it_is_exit_7() {
    let home = home(&["store"]);
    let keyward = crate::helpers::program::keyward();
    let line = ["PATH=/nowhere", keyward.to_str().unwrap(), "import", "git-helper", "https://x"];
    let ran = home.program("env").args(line).run().ends(7);
    assert!(ran.text().contains("git is not installed"), "{}", ran.text());
    home.write(".gitconfig", "[credential\n");
    let ran = import(&home, "https://x").ends(7);
    assert!(ran.text().contains("by hand"), "{}", ran.text());
}

#[test]
fn a_url_is_read_strictly_and_not_quoted() {
    let home = home(&["store"]);
    for url in ["https://a:canary@x", "canary", "https://x/?canary", "ssh:canary"] {
        let ran = import(&home, &format!("https://y {url}")).ends(2);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
    home.keyward("import git-helper https://x --timeout 0").run().ends(2);
}
