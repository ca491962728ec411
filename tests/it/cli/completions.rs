//! What shells complete, with the names that are on this machine.

use std::collections::BTreeSet;

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// A home with the stores `work` and `writings`, and the scripts of all shells.
fn home() -> Home {
    let home = Home::new();
    for store in ["work", "writings"] {
        home.keyward(&format!("init {store} --option key.from=file")).run().ends(0);
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = home.keyward(&format!("completions {shell}")).run().ends(0);
        home.write(&format!("completions.{shell}"), &script.out);
    }
    home
}

/// The folders that shells search for programs, the one with `keyward` first.
fn path() -> String {
    format!("{}:/usr/local/bin:/usr/bin:/bin", keyward().parent().unwrap().display())
}

/// Returns the candidates that a shell offers for the last word of `line`.
fn offered(home: &Home, shell: &str, line: &str) -> BTreeSet<String> {
    let script = match shell {
        "bash" => {
            "source completions.bash; IFS=' ' read -ra COMP_WORDS <<<\"$1\"; [[ $1 == *' ' ]] && COMP_WORDS+=(''); \
             COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _keyward keyward \"${COMP_WORDS[COMP_CWORD]}\"; \
             printf '%s\\n' \"${COMPREPLY[@]}\""
        }
        _ => "source completions.fish; complete --do-complete $argv[1]",
    };
    let call = home.program(shell).arg("-c").arg(script);
    let call = if shell == "bash" { call.arg("bash") } else { call };
    let ran = call.arg(line).env("PATH", path()).run().ends(0).says_nothing();
    let lines = ran.text().lines().map(|line| line.split('\t').next().unwrap().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn names_on_this_machine_are_offered() {
    let home = home();
    for shell in ["bash", "fish"] {
        for (line, expected) in [
            ("keyward get wo", &["work"][..]),
            ("keyward get w", &["work", "writings"]),
            ("keyward rm work wr", &["writings"]),
            ("keyward store verify wo", &["work"]),
            ("keyward helper git get --store wo", &["work"]),
            ("keyward init new --storage s", &["sqlite"]),
            ("keyward init new --option storage.roo", &["storage.root="]),
            ("keyward init wo", &[]),
            ("keyward kind show us", &["user-password"]),
            ("keyward backend show storage r", &["redb"]),
            ("keyward backend show key e", &["env"]),
            ("keyward config get us", &["user"]),
            ("keyward config set defaults.storage m", &["memory"]),
            ("keyward config explain backends.storage.file.r", &["backends.storage.file.root"]),
            ("keyward help exit", &["exit-codes"]),
            ("keyward man unse", &["unset"]),
            ("keyward conf", &["config"]),
            ("keyward get work --us", &["--user", "--username"]),
        ] {
            let expected = expected.iter().map(ToString::to_string).collect();
            let offered = offered(&home, shell, line);
            assert_eq!(offered, expected, "{shell}: {line}");
        }
    }
}

/// Checks on a terminal that the Tab key completes a store's name in a shell that has read `setup`.
fn completes_a_store(home: &Home, shell: &str, setup: &str) {
    let script = format!(
        "set timeout 20\nspawn -noecho {shell}\nsend {{{setup}; echo re''ady}}\nsend \"\\r\"\n\
         expect -ex ready\nsend {{keyward get wo}}\nsend \"\\t\"\nsend \"-n\\r\"\n\
         expect -ex {{in store `work`}} {{ exit 0 }}\nexit 1"
    );
    let call = home.program("expect").args(["-c", &script]);
    call.env("TERM", "dumb").env("PATH", path()).run().ends(0);
}

#[test]
fn a_tab_completes_a_store() {
    let home = home();
    completes_a_store(&home, "bash --norc --noprofile", "source completions.bash");
    completes_a_store(
        &home,
        "zsh -f",
        "autoload -U compinit; compinit -u; source ./completions.zsh",
    );
}

/// Even if the configuration cannot be read, or if a store needs a passphrase.
#[test]
fn completing_asks_nothing_and_never_complains() {
    let home = home();
    let store = home.read(".config/keyward/stores/work.toml");
    home.write(
        ".config/keyward/stores/work.toml",
        store.replace("from = \"file\"", "from = \"passphrase\""),
    );
    let complete = |line: &str| {
        let words = line.split(' ');
        home.keyward(&format!("__complete {}", words.clone().count() - 1)).args(words).run()
    };
    let ran = complete("keyward get wo").ends(0).says_nothing();
    assert_eq!(ran.text().split('\t').next(), Some("work"));
    home.write(".config/keyward/config.toml", "ruined = [");
    for line in [
        "keyward get ",
        "keyward nope x",
        "keyward",
        "keyward get \u{1b}",
        "x y z",
        "keyward get --store=",
    ] {
        complete(line).ends(0).says_nothing();
    }
    home.keyward("__complete 7 keyward").run().ends(0).says_nothing();
    home.keyward("__complete 99999999999999999999999 keyward").run().ends(2);
}
