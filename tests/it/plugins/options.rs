//! The options of a plugin are checked before its code sees them, for both doors.

use super::home;

#[test]
fn choices_and_durations_of_a_plugin_are_checked() {
    for door in ["", "--run"] {
        let (home, library) = home();
        home.keyward(&format!("plugin trust {library} --yes {door}")).run().ends(0);
        let shown = home.keyward("backend show storage drawer").run().ends(0).text().to_owned();
        assert!(shown.contains("folder (text) [default: \"make\"]"), "{shown}");
        assert!(shown.contains("choices: make, expect"), "{shown}");
        assert!(shown.contains("wait (duration) [default: \"10s\"]"), "{shown}");
        let shown = home.keyward("backend show storage drawer --json").run().ends(0).json();
        assert_eq!(shown[0]["options"][2]["choices"], serde_json::json!(["make", "expect"]));

        let init = |option: &str| {
            home.keyward("init s --storage drawer --option key.from=file --option")
                .arg(option)
                .run()
        };
        init("storage.folder=guess")
            .ends(2)
            .says("`folder` cannot be `guess`")
            .says("The choices are: make, expect");
        for wait in ["20", "soon", "-1s"] {
            init(&format!("storage.wait={wait}")).ends(2).says("a duration such as");
        }
        // The plugin reads what was chosen.
        init("storage.folder=expect").ends(7).says("there is no folder");
        init("storage.wait=90s").ends(0);
        let file = home.read(".config/keyward/stores/s.toml");
        assert!(file.contains("wait = \"90s\""), "{file}");
        home.keyward("set s ann --stdin").input("s3cret").run().ends(0);
        home.keyward("get s -p").run().ends(0).prints("s3cret\n");
        home.keyward("rm s --yes").run().ends(0);
    }
}
