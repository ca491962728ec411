//! Plugin files that are not valid.

use std::fs;

use super::{FOLDER, chmod, describe, home, others_work, put, sha256};
use crate::helpers::home::Home;
use crate::helpers::plugin_fixtures::library_in_c;
use crate::helpers::program::keyward;

#[test]
fn a_broken_file_is_the_probable_cause_of_what_is_not_found() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    home.keyward("init s --storage drawer --option key.from=file").run().ends(0);
    let file = home.path(FOLDER).join("drawer.toml");
    let sound = fs::read_to_string(&file).unwrap();
    let shown = file.display().to_string();
    for (text, mode, code, says) in [
        (sound.replace("door =", "dor ="), 0o600, 2, format!("{shown}:2: `dor`")),
        (sound.replace("version = 1", "version = 2"), 0o600, 2, format!("{shown}:1: ")),
        (sound.replace("sha256", "\0"), 0o600, 2, format!("{shown}:4: is not TOML")),
        ("x".repeat((1 << 20) + 1), 0o600, 4, format!("{shown} is too large")),
        (sound.clone(), 0o620, 4, format!("{shown} can be written by other users")),
    ] {
        describe(&home, "drawer", &text);
        chmod(&file, mode);
        let ran = home.keyward("get s").run().ends(code).prints("");
        ran.says("there is no storage called `drawer`").says(&says);
        home.keyward("doctor").run().ends(code);
        home.keyward("config validate").run().ends(code).says(&says);
        let listed = home.keyward("plugin list --json").run().ends(0).json();
        assert_eq!(listed[0]["state"], "broken");
        assert!(listed[0]["why"].as_str().unwrap().starts_with(&says), "{listed:?}");
        home.keyward("backend list").run().ends(0);
        home.keyward("plugin show drawer").run().ends(code).says(&says);
        let again = format!("plugin trust {library} --yes");
        home.keyward(&again).run().ends(2).says("keyward plugin forget 'drawer'");
        others_work(&home);
    }
    home.keyward("plugin forget drawer").run().ends(0);
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    home.keyward("get s").run().ends(3);
}

#[test]
fn a_folder_that_others_can_write_holds_no_plugin() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    chmod(&home.path(FOLDER), 0o777);
    let folder = home.path(FOLDER).display().to_string();
    home.keyward("backend show storage drawer").run().ends(4).says(&folder);
    home.keyward("plugin show drawer").run().ends(4).says(&folder);
    home.keyward("doctor").run().ends(4);
    // A command that needs no plugin is refused as well: it reads the configuration.
    home.keyward("get plain -p").run().ends(4).prints("").says(&folder);
}

/// A project, a variable or a setting cannot add a plugin.
#[test]
fn only_plugin_files_name_plugins() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    fs::rename(home.path(FOLDER), home.path("plugins")).unwrap();
    let plugins = home.path("plugins");
    for variable in ["KEYWARD_PLUGINS", "KEYWARD_PLUGIN_PATH", "LD_PRELOAD_KEYWARD"] {
        let show = home.keyward("backend show storage drawer").env(variable, &plugins);
        show.run().ends(2).says("there is no storage called `drawer`");
    }
    home.keyward("config set plugins /x").run().ends(2);
    home.keyward("config set plugin_path /x").run().ends(2);
}

/// The library hangs while it holds the dynamic linker's lock, for which a process waits when it
/// ends.
#[test]
fn a_library_that_hangs_while_it_is_loaded_does_not_keep_the_program() {
    let home = Home::with_store("--option key.from=file");
    let built = home.path("fatal.so");
    library_in_c(&built, "fatal.c", &["-DFATAL=HANGS_AT_LOAD"]);
    let path = put(&home, "lib/fatal.so", &fs::read(built).unwrap(), 0o644);
    let digest = sha256(&path);
    let text = format!(
        "version = 1\ndoor = \"load\"\npath = \"{path}\"\nsha256 = \"{digest}\"\nbackends = [\"storage shelf\"]\n"
    );
    describe(&home, "fatal", &text);
    let store = home.read(".config/keyward/stores/s.toml");
    home.write(".config/keyward/stores/s.toml", store.replace("use = \"file\"", "use = \"shelf\""));

    // Whether the process waits for the lock depends on timing.
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let get = home.program("timeout").args(["--signal", "KILL", "60"]).arg(keyward());
                let ran = get.args(["get", "s"]).run().ends(7).prints("");
                ran.says("the plugin was not ready within 10 seconds");
            });
        }
    });
}

/// A program that answers `hello` correctly until there is a file `bad` beside it, and then with
/// `NotFound`.
const MISSING_AT_HELLO: &str = r#"#!/usr/bin/env python3
import os, pathlib, struct, cbor2
if os.read(0, 4):
    bad = pathlib.Path(__file__).with_name("bad").exists()
    storage = {"role": "storage", "name": "notebook", "help": "", "options": []}
    hello = {"protocol": "keyward", "major": 1, "minor": 0, "features": [],
             "package": "notebook", "version": "1", "backends": [storage]}
    error = {"kind": 1, "operation": "get"}
    body = cbor2.dumps({"id": 1, "error": error} if bad else {"id": 1, "answer": hello})
    os.write(1, struct.pack(">I", len(body)) + body)
    while os.read(0, 4096):
        pass
"#;

/// A script that asks for a credential takes exit code 3 for "there is none" and goes on.
#[test]
fn a_program_that_answers_hello_with_not_found_is_unavailable() {
    let home = Home::new();
    let program = put(&home, "lib/notebook", MISSING_AT_HELLO.as_bytes(), 0o755);
    home.keyward(&format!("plugin trust {program} --yes")).run().ends(0);
    let store = "version = 1\nid = \"00112233445566778899aabbccddeeff\"\n\
                 [serializer]\nuse = \"json\"\n[encryption]\nuse = \"clear\"\n\
                 [storage]\nuse = \"notebook\"\n";
    let description = home.write(".config/keyward/stores/s.toml", store);
    chmod(&description, 0o600);
    home.write("lib/bad", "");
    for command in ["get s", "list s", "unset s", "store verify s", "set s ann --stdin"] {
        home.keyward(command).input("x").run().ends(7).says("hello: ");
    }
}
