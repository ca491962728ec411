//! Two backends of one role and name are an error, never a choice.

use super::{describe, home, put, sha256};
use crate::plugins::linkage::library;

#[test]
fn a_name_that_is_taken_cannot_be_trusted() {
    let (home, drawer) = home();
    let memory = std::fs::read(library("keyward-storage-memory")).unwrap();
    let memory = put(&home, "lib/libmemory.so", &memory, 0o644);
    for options in ["", "--run", "--name other"] {
        let trust = home.keyward(&format!("plugin trust {memory} --yes {options}"));
        trust
            .run()
            .ends(4)
            .says("keyward-storage-memory")
            .says(&memory)
            .says("storage called memory");
    }
    home.keyward(&format!("plugin trust {drawer} --yes")).run().ends(0);
    let second = put(&home, "lib/second.so", &std::fs::read(&drawer).unwrap(), 0o644);
    let trust =
        |options: &str| home.keyward(&format!("plugin trust {second} --yes {options}")).run();
    trust("").ends(2).says("there is a plugin `drawer` already").says("--name");
    trust("--name second").ends(4).says(&drawer).says(&second);
    home.keyward("backend show storage drawer").run().ends(0);
    assert_eq!(home.keyward("plugin list --json").run().ends(0).json().len(), 1);
}

/// As when a later version of Keyward links a backend that a plugin provides.
#[test]
fn two_plugins_with_one_backend_are_both_refused() {
    let (home, drawer) = home();
    let digest = sha256(&drawer);
    let text = |backends: &str| {
        format!(
            "version = 1\ndoor = \"load\"\npath = \"{drawer}\"\nsha256 = \"{digest}\"\nbackends = [{backends}]\n"
        )
    };
    describe(&home, "a", &text("\"storage memory\""));
    let both = "keyward-storage-memory and ";
    home.keyward("init s --storage memory").run().ends(4).says(both).says(&drawer);
    let listed = home.keyward("backend list").run().ends(4).says(both);
    let others = ["authenticator", "checker"];
    let of_stores =
        listed.text().lines().filter(|line| !others.iter().any(|role| line.starts_with(role)));
    assert_eq!(of_stores.count(), 16);
    super::others_work(&home);

    // A backend that the plugin's file lists and the library does not provide is refused as well.
    describe(&home, "a", &text("\"storage box\""));
    home.keyward("backend show storage box").run().ends(4).says("does not provide the storage box");
}
