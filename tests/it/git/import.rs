//! `keyward import`: what git's own credential helpers keep.

mod helpers;
mod source;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// The real helper that the file belongs to.
const STORE: &str = "store";

const FILE: &str = ".git-credentials";

/// A home in which `git credential-store` keeps credentials.
struct Used(Home);

impl Used {
    /// A home whose file contains these lines.
    fn with_lines(lines: &[&str]) -> Self {
        let used = Self(Home::new());
        used.write(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        used
    }

    fn write(&self, text: &str) {
        let path = self.0.write(FILE, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// `git credential` with this one helper.
    fn git(&self, helper: &str, operation: &str, input: &str) -> Finished {
        let helper = format!("credential.helper={helper}");
        let git = self.0.program("git").env("GIT_TERMINAL_PROMPT", "0");
        let options = ["-c", &helper, "-c", "credential.useHttpPath=true"];
        git.args(options).args(["credential", operation]).input(input).run()
    }

    fn import(&self) -> Finished {
        self.0.keyward("import git-credentials .git-credentials").run()
    }
}

fn keyward_as_helper() -> String {
    format!("!'{}' helper git", keyward().display())
}

#[test]
fn what_git_kept_is_given_by_keyward_and_the_file_stays() {
    let used = Used(Home::new());
    for account in ["ann", "bob"] {
        let kept = format!(
            "protocol=https\nhost=x.example:8443\nusername={account}\npassword=of {account}\n"
        );
        used.git(STORE, "approve", &kept).ends(0);
    }
    let before = used.0.read(FILE);
    let said = used.import().ends(0).says_nothing();
    assert_eq!(
        said.text(),
        "2 credentials imported into a new store\n.git-credentials is unchanged, and its passwords are \
         unencrypted; delete it once git asks Keyward (`keyward setup git`).\n"
    );
    for account in ["", "username=ann\n", "username=bob\n"] {
        let asked = format!("protocol=https\nhost=x.example:8443\n{account}");
        let from_git = used.git(STORE, "fill", &asked).ends(0);
        used.git(&keyward_as_helper(), "fill", &asked).ends(0).prints(from_git.out);
    }
    assert_eq!(used.0.read(FILE), before);
    used.import().ends(0).prints("0 credentials imported, 2 there already\n");
}

#[test]
fn what_cannot_be_taken_is_named_by_its_line() {
    let used = Used::with_lines(&[
        "https://ann:1@x",
        "# canary",
        "",
        "https://canary:canary@",
        "https://canary@x",
        "canary://a:canary@x",
        "https://a:canary%0a@x",
        "https://ann:canary@x",
        "https://ann:1@x:443",
        "https://a:canary@x\r\r",
    ]);
    let ran = used.import().ends(8).says("not everything was imported");
    let text = ran.text();
    assert!(text.starts_with(
        "1 credential imported into a new store, 1 there already, 6 refused\n  line 4: "
    ));
    let lines: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("  line ")?.split(':').next()).collect();
    assert_eq!(lines, ["4", "5", "6", "7", "8", "10"]);
    assert!(!text.contains("canary") && !ran.err.contains("canary"), "{text}{}", ran.err);
    let json =
        used.0.keyward("import git-credentials .git-credentials --json").run().ends(8).json();
    assert_eq!(json[0]["present"], serde_json::json!(["https://ann@x", "https://ann@x"]));
    assert_eq!(json[0]["refused"][0]["line"], 4);
    assert_eq!((&json[0]["store"], &json[0]["made"]), (&"git".into(), &false.into()));
}

#[test]
fn a_file_that_was_edited_on_another_system_is_imported() {
    let used = Used::with_lines(&["\u{feff}# work\r", "https://ann:1@x\r", "\r"]);
    used.import().ends(0);
    used.0.keyward("get git --name https://ann@x -p").run().ends(0).prints("1\n");
}

#[test]
fn nothing_that_is_there_is_replaced() {
    let used = Used::with_lines(&["https://ann:old@x", "https://bob:1@x", "https://eve:1@x"]);
    used.0.keyward("init s --option key.from=file").run().ends(0);
    for line in ["ann --origin https://x", "eve --name https://eve@x"] {
        used.0.keyward(&format!("set s {line} --stdin")).input("new").run().ends(0);
    }
    let import = used.0.keyward("import git-credentials .git-credentials --store s").run().ends(8);
    assert!(
        import.text().starts_with("1 credential imported, 2 refused\n  line 1: the store contains")
    );
    for account in ["ann", "eve"] {
        let get = format!("get s --name https://{account}@x -p");
        used.0.keyward(&get).run().ends(0).prints("new\n");
    }
}

#[test]
fn credentials_become_those_of_a_user() {
    let used = Used::with_lines(&["https://ann:1@x"]);
    used.0.keyward("import git-credentials .git-credentials --store s -u zoe").run().ends(0);
    used.0.keyward("account list s").run().ends(0).prints("");
    let list = used.0.keyward("account list s -u zoe").run().ends(0);
    list.prints("https://ann@x\tuser-password\n");
}

#[test]
fn without_anything_to_import_no_store_is_made() {
    for (lines, code) in [(&[][..], 0), (&["https://ann@x"], 6)] {
        let used = Used::with_lines(lines);
        used.import().ends(code);
        used.0.keyward("list").run().ends(0).prints("");
    }
}

#[test]
fn a_store_that_fails_ends_the_import() {
    let used = Used::with_lines(&["https://ann:canary@x", "https://bob:canary@x"]);
    used.0.keyward("init git --option key.from=file").run().ends(0);
    fs::remove_dir_all(used.0.path(".local/state/keyward/keys")).unwrap();
    used.import().ends(6).prints("").says("key file");
}

#[test]
fn only_a_file_of_ones_own_is_read() {
    let used = Used::with_lines(&["https://ann:1@x"]);
    used.0.keyward("import git-credentials nope").run().ends(2).says("there is no file nope");
    used.0.keyward("import git-credentials run").run().ends(4);
    symlink(used.0.path(FILE), used.0.path("link")).unwrap();
    used.0.keyward("import git-credentials link").run().ends(0);
    fs::set_permissions(used.0.path(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    used.import().ends(4).says("chmod 600");
    used.write(&"\n".repeat((16 << 20) + 1));
    used.import().ends(6).says("too large");
    used.0.program("mkfifo").args(["-m", "600", "pipe"]).run().ends(0);
    used.0.keyward("import git-credentials pipe").run().ends(4);
}

/// What git's protocol can carry in both directions.
const TEXT: &str = r"[ -~äß€😀]{1,12}";

#[derive(Clone, Debug)]
struct Credential {
    place: String,
    path: Option<String>,
    username: String,
    password: String,
}

impl Credential {
    fn path(&self) -> String {
        self.path.iter().map(|path| format!("path={path}\n")).collect()
    }
}

fn credential() -> impl Strategy<Value = Credential> {
    let place = prop::sample::select(vec![
        "protocol=https\nhost=x.example\n",
        "protocol=https\nhost=y.example:8443\n",
        "protocol=http\nhost=[::1]:8080\n",
        "protocol=ssh\nhost=x.example\n",
    ]);
    // When git reads its own file, it does not decode the text before a colon. There is at most one
    // of `?` and `#`, because they could make a segment of a dot.
    let path = option::of(r"[a-z?#%@~+][ !$-.0-9;-=@-~ü]{0,8}[a-z\[\]%]");
    (place, path, TEXT, TEXT).prop_map(|(place, path, username, password)| Credential {
        place: place.to_owned(),
        path,
        username,
        password,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    /// git's own helper wrote the file, and gives the same answers.
    #[test]
    fn keyward_answers_what_git_answers(mut credentials in vec(credential(), 1..5)) {
        let used = Used(Home::new());
        // For git, the same name without a path replaces the one with a path.
        for (number, credential) in credentials.iter_mut().enumerate() {
            credential.username += &number.to_string();
        }
        for credential in &credentials {
            let Credential { place, username, password, .. } = credential;
            let path = credential.path();
            let kept = format!("{place}{path}username={username}\npassword={password}\n");
            used.git(STORE, "approve", &kept).ends(0);
        }
        used.import().ends(0);
        for credential in &credentials {
            let place = &credential.place;
            let path = credential.path();
            let mut asked = vec![format!("{place}{path}username={}\n", credential.username)];
            // Of several paths, git prefers the first line, and Keyward the credential without a
            // path.
            if credential.path.is_some() || credentials.iter().all(|other| other.path.is_none()) {
                asked.push(format!("{place}{path}"));
            }
            for asked in asked {
                let from_git = used.git(STORE, "fill", &asked).ends(0);
                used.git(&keyward_as_helper(), "fill", &asked).ends(0).prints(from_git.out);
            }
        }
    }
}
