//! If a user writes a secret where none belongs, no message repeats it.

use super::canary::Canary;
use crate::helpers::home::Home;

const STORE: &str = ".config/keyward/stores/s.toml";

#[test]
fn configuration_is_not_quoted() {
    let whole = Home::with_store("--encryption clear").read(STORE);
    for wrong in [
        "password = 'CANARY'",
        "user = ['CANARY']",
        "envelope = 'CANARY'",
        "version = 'CANARY'",
        "x = CANARY oops",
        "'CANARY",
        "[storage.'x']\nCANARY",
        "encryption.passphrase = 'CANARY'",
    ] {
        for file in [STORE, ".config/keyward/config.toml"] {
            let canary = Canary::new();
            let home = Home::new();
            home.write(STORE, &whole);
            let text = if file == STORE { whole.as_str() } else { "version = 1\n" };
            home.write(file, format!("{}\n{text}", wrong.replace("CANARY", &canary.text)));
            for line in
                ["get s -p", "info s", "config validate", "config show", "doctor", "rm s --yes"]
            {
                canary.is_kept_by(home.keyward(line));
            }
        }
    }
}

#[test]
fn secrets_on_the_command_line_are_refused_and_not_repeated() {
    let canary = Canary::new();
    let home = Home::new();
    for line in [
        "init s --encryption age --option encryption.passphrase=CANARY",
        "init s --encryption age --option encryption.identity=CANARY",
        "config set backends.encryption.age.passphrase CANARY",
    ] {
        let call = home.program(crate::helpers::program::keyward());
        let words = line.split(' ').map(|word| word.replace("CANARY", &canary.text));
        canary.is_kept_by(call.args(words)).ends(2);
    }
    assert_eq!(canary.files(&home.path("")), [] as [std::path::PathBuf; 0]);
}

#[test]
fn what_is_no_key_is_not_repeated() {
    let canary = Canary::new();
    let home = Home::new();
    let init = "init s --option key.from=env --option key.name=K";
    canary.is_kept_by(home.keyward(init).env("K", &canary.text)).ends(6);
    canary.is_kept_by(home.keyward(init).env("K", "6b".repeat(32))).ends(0);
    let set = home.keyward("set s ann --stdin").input("x");
    canary.is_kept_by(set.env("K", "6b".repeat(32))).ends(0);
    canary.is_kept_by(home.keyward("get s").env("K", &canary.text)).ends(6);
    home.write("id", &canary.text);
    home.write("to", &canary.text);
    let files =
        "--option encryption.identity_file=%home%/id --option encryption.recipients_file=%home%/to";
    canary.is_kept_by(home.keyward(&format!("init a --encryption age {files}")));
    canary.is_kept_by(home.keyward("set a ann --stdin").input("x"));
    canary.is_kept_by(home.keyward("get a"));
    canary.is_kept_by(home.keyward("doctor"));
    let key = home.write("key", &canary.text);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).unwrap();
    let init = "init f --option key.from=file --option key.path=%home%/key";
    canary.is_kept_by(home.keyward(init)).ends(6);
}
