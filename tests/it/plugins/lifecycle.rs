//! A plugin from `trust` to `forget`.

use serde_json::json;

use super::{FOLDER, change, chmod, drawer, home, put, sha256};
use crate::helpers::home::Home;

#[test]
fn a_library_is_trusted_used_and_forgotten() {
    let (home, library) = home();
    for (options, door) in [("", "loaded"), ("--run", "run")] {
        let trusted =
            home.keyward(&format!("plugin trust {library} --yes {options}")).run().ends(0);
        assert!(trusted.text().contains(&sha256(&library)), "{}", trusted.text());
        let told = "Trusted as drawer: storage drawer\n  keyward init STORE --storage drawer\n";
        assert!(trusted.text().ends_with(told), "{}", trusted.text());

        home.keyward("init s --storage drawer --option key.from=file").run().ends(0);
        home.keyward("set s ann --stdin").input("s3cret").run().ends(0);
        home.keyward("get s -p").run().ends(0).prints("s3cret\n").says_nothing();
        assert!(home.path("drawer").exists());
        let listed = home.keyward("backend list --json").run().ends(0).json();
        let drawer = listed.iter().find(|backend| backend["name"] == "drawer").unwrap();
        assert_eq!(drawer["door"], door);
        assert_eq!(drawer["options"][0]["name"], "root");
        let shown = home.keyward("backend show storage drawer").run().ends(0);
        assert!(
            shown.text().starts_with(&format!("storage drawer ({door}, from ")),
            "{}",
            shown.text()
        );
        home.keyward("doctor").run().ends(0);
        home.keyward("rm s --yes").run().ends(0);
        home.keyward("plugin forget drawer").run().ends(0).says_nothing();
    }
}

#[test]
fn a_program_is_trusted_and_used() {
    let home = Home::new();
    let source = std::fs::read(xtask::root().join("docs/examples/notebook.py")).unwrap();
    let program = put(&home, "lib/notebook.py", &source, 0o755);
    let trusted = home.keyward(&format!("plugin trust {program} --yes")).run().ends(0);
    assert!(trusted.text().contains("a script, to be run"), "{}", trusted.text());
    let path = home.path("notes/notebook.db");
    let option = format!("storage.path={}", path.display());
    home.keyward("init s --storage notebook --option key.from=file --option")
        .arg(option)
        .run()
        .ends(0);
    home.keyward("set s ann --stdin").input("s3cret").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("s3cret\n").says_nothing();
    assert!(path.exists());
}

/// The program sees the end of its input and has time to finish. The processes that it started are
/// killed.
#[test]
fn a_program_sees_the_end_of_its_input_and_leaves_no_process() {
    let home = Home::new();
    let notebook = xtask::root().join("docs/examples/notebook.py");
    let (started, ended) = (home.path("started"), home.path("ended"));
    let script = format!(
        "#!/bin/sh\nsleep 600 </dev/null >/dev/null 2>&1 &\necho $! >>'{}'\n'{}'\necho >>'{}'\n",
        started.display(),
        notebook.display(),
        ended.display()
    );
    let program = put(&home, "lib/vault.sh", script.as_bytes(), 0o755);
    home.keyward(&format!("plugin trust {program} --yes")).run().ends(0);
    let option = format!("storage.path={}", home.path("notebook.db").display());
    let init = home.keyward("init s --storage notebook --option key.from=file --option");
    init.arg(option).run().ends(0);
    home.keyward("get s -p").run().ends(3);
    let started = std::fs::read_to_string(started).unwrap();
    assert_eq!(started.lines().count(), 3, "one for each command");
    assert_eq!(home.read("ended").lines().count(), 3, "each had its time");
    for sleeper in started.lines() {
        wait_for_end(sleeper);
    }
}

/// Waits until a process that was killed has ended. It may still have to die, and the process that
/// adopted it may not have reaped it yet.
fn wait_for_end(process: &str) {
    let path = format!("/proc/{process}/stat");
    let status = || std::fs::read_to_string(&path).unwrap_or_default();
    for _ in 0..500 {
        if status().is_empty() || status().contains(") Z ") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it still runs: {}", status());
}

#[test]
fn what_is_listed_and_shown_is_what_was_trusted() {
    let (home, library) = home();
    home.keyward("plugin list").run().ends(0).prints("");
    home.keyward("plugin show drawer").run().ends(2).says("there is no plugin `drawer`");
    home.keyward(&format!("plugin trust {library} --yes --run --env LANG")).run().ends(0);
    let file = home.path(FOLDER).join("drawer.toml").display().to_string();
    let listed = json!({
        "name": "drawer",
        "door": "run",
        "state": "sound",
        "why": null,
        "backends": [{ "role": "storage", "name": "drawer" }],
        "path": library,
        "file": file,
        "layer": "user",
    });
    assert_eq!(
        home.keyward("plugin list --json").run().ends(0).json(),
        std::slice::from_ref(&listed)
    );
    let shown = home.keyward("plugin show drawer --json").run().ends(0).json().remove(0);
    for (key, value) in listed.as_object().unwrap() {
        assert_eq!(shown[key], *value);
    }
    assert_eq!(shown["sha256"], sha256(&library));
    assert_eq!(shown["host"], crate::helpers::program::keyward().to_str().unwrap());
    assert_eq!(shown["environment"], json!(["LANG"]));
    let text = home.keyward("plugin show drawer").run().ends(0);
    assert!(text.text().contains(&format!("sha256: {}\n", sha256(&library))), "{}", text.text());
    let row = home.keyward("plugin list").run().ends(0);
    assert!(row.text().starts_with("drawer       run    sound    "), "{}", row.text());
}

/// The error for an unknown backend or plugin names the folders that were searched.
#[test]
fn what_is_not_there_was_looked_for_in_both_folders() {
    let home = Home::new();
    let own = home.path(FOLDER).display().to_string();
    for line in ["plugin show shelf", "backend show storage shelf", "init s --storage shelf"] {
        home.keyward(line).run().ends(2).says("/etc/keyward/plugins and ").says(&own);
    }
}

#[test]
fn trusting_again_replaces_the_pin_and_keeps_the_other_keys() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes --name box --run")).run().ends(0);
    let old = sha256(&library);
    change(&library);
    let again = home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    let (text, new) = (again.text(), sha256(&library));
    assert!(text.contains(&format!("sha256     {new}\n")), "{text}");
    assert!(text.contains(&format!("before     {old}, as box\n")), "{text}");
    let shown = home.keyward("plugin show box --json").run().ends(0).json().remove(0);
    assert_eq!((&shown["sha256"], &shown["door"]), (&json!(new), &json!("run")));
    assert_eq!(home.keyward("plugin list --json").run().ends(0).json().len(), 1);
    let same = home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    assert!(same.text().contains("already trusted"), "{}", same.text());
}

#[test]
fn a_library_that_is_run_can_be_loaded_again() {
    let (home, library) = home();
    let trust = |options: &str| home.keyward(&format!("plugin trust {library} --yes {options}"));
    let door = || {
        let shown = home.keyward("plugin show drawer --json").run().ends(0).json().remove(0);
        shown["door"].as_str().unwrap().to_owned()
    };
    trust("--run --env DRAWER").run().ends(0);
    home.keyward("init s --storage drawer --option key.from=file").run().ends(0);
    home.keyward("set s ann --stdin").input("s3cret").run().ends(0);
    trust("").run().ends(0);
    assert_eq!(door(), "run");
    trust("--load --run").run().ends(2).says("cannot be used with");
    trust("--load").run().ends(0);
    assert_eq!(door(), "loaded");
    home.keyward("get s -p").run().ends(0).prints("s3cret\n").says_nothing();
    trust("").run().ends(0);
    assert_eq!(door(), "loaded");
    let program = put(&home, "lib/notebook.py", b"#!/usr/bin/env python3\n", 0o755);
    let load = home.keyward(&format!("plugin trust {program} --yes --load")).run();
    load.ends(2).says("a program cannot be loaded");
}

#[test]
fn a_plugin_that_is_needed_is_not_forgotten_unasked() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    home.keyward("init s --storage drawer --option key.from=file").run().ends(0);
    home.keyward("plugin forget drawer").run().ends(5).says("--yes");
    home.keyward("get s").run().ends(3);
    home.keyward("plugin forget drawer --system --yes").run().ends(2);
    home.keyward("plugin forget drawer --yes").run().ends(0);
    home.keyward("get s").run().ends(2).says("there is no storage called `drawer`");
    home.keyward("plugin forget drawer --yes").run().ends(2);
    assert!(std::path::Path::new(&library).exists());
    super::others_work(&home);
}

/// The answer on a terminal, and the exit code.
#[test]
fn trust_asks_on_the_terminal() {
    let (home, library) = home();
    for (answer, code) in [("n\n", 1), ("\n", 1), ("yes please\n", 1), ("y\n", 0)] {
        let line =
            format!("{} plugin trust {library}", crate::helpers::program::keyward().display());
        let ran = home.program("script").args(["-qec", &line, "/dev/null"]).input(answer).run();
        let shown = ran.ends(code);
        assert!(shown.text().contains(&sha256(&library)), "{}", shown.text());
        assert_eq!(home.path(FOLDER).join("drawer.toml").exists(), code == 0, "{answer}");
    }
}

/// Each library in the folder is treated as if it were named; other files are skipped.
#[test]
fn a_folder_of_libraries_is_trusted() {
    let (home, _) = home();
    let folder = home.path("lib").canonicalize().unwrap();
    crate::helpers::plugin_fixtures::library_in_c(&folder.join("libshelf.so"), "shelf.c", &[]);
    put(&home, "lib/README", b"not a library", 0o644);
    put(&home, "lib/libempty.so", b"", 0o644);
    let trust = |words: &str| home.keyward("plugin trust").arg(&folder).args(words.split(' '));
    trust("--yes --name x").run().ends(2).prints("");
    let trusted = trust("--yes").run().ends(7);
    for told in ["Trusted as drawer: storage drawer\n", "Trusted as shelf: storage shelf\n"] {
        assert!(trusted.text().contains(told), "{}", trusted.text());
    }
    trusted.says("libempty.so");
    let listed = home.keyward("plugin list --json").run().ends(0).json();
    assert!(listed.len() == 2 && listed.iter().all(|it| it["state"] == "sound"), "{listed:?}");
    std::fs::create_dir(home.path("lib/none")).unwrap();
    let none = home.path("lib/none").display().to_string();
    home.keyward(&format!("plugin trust {none}")).run().ends(2).says("contains no library");
}

#[test]
fn without_a_terminal_trust_runs_nothing() {
    let home = Home::new();
    let script = format!("#!/bin/sh\ntouch '{}'\n", home.path("trace").display());
    let program = put(&home, "lib/p.sh", script.as_bytes(), 0o755);
    home.keyward(&format!("plugin trust {program}")).run().ends(5).says("--yes");
    assert!(!home.path("trace").exists() && !home.path(FOLDER).exists());
    // With `--yes`, it runs.
    home.keyward(&format!("plugin trust {program} --yes")).run().ends(7);
    assert!(home.path("trace").exists() && !home.path(FOLDER).exists());
}

/// What the library prints while it is loaded is not taken for a message, and errors name the
/// library, not its host.
#[test]
fn a_library_that_runs_may_print() {
    let home = Home::new();
    let source = xtask::root().join("tests/fixtures/plugins/shelf.c");
    let header = xtask::root().join("crates/keyward-plugin/include");
    let build = |name: &str, work: &str| {
        let code = format!(
            "#include <stdio.h>\n#include <stdlib.h>\n#include \"{}\"\n__attribute__((constructor)) static void start(void) {{ {work} }}\n",
            source.display()
        );
        let code = put(&home, &format!("{name}.c"), code.as_bytes(), 0o644);
        let library = put(&home, &format!("lib/{name}.so"), b"", 0o644);
        let flags = ["-shared", "-fPIC", "-std=c11", "-D_DEFAULT_SOURCE", "-o", &library, "-I"];
        home.program("gcc").args(flags).arg(&header).arg(code).run().ends(0);
        super::chmod(library.as_ref(), 0o644);
        library
    };
    let dies = build("dies", "fputs(\"no room\\n\", stderr); _Exit(3);");
    home.keyward(&format!("plugin trust {dies} --yes --name dies"))
        .run()
        .ends(7)
        .says(&format!("the program {dies} ended with exit code 3; its last message was: no room"));
    let prints = build("prints", "puts(\"hello there\"); fflush(stdout);");
    home.keyward(&format!("plugin trust {prints} --yes --run")).run().ends(0);
    home.keyward("backend show storage shelf").run().ends(0);
}

#[test]
fn a_library_may_need_another_that_is_pinned_too() {
    let home = Home::new();
    let compile = |words: &[&str]| {
        home.program("gcc")
            .args(["-shared", "-fPIC", "-w", "-std=gnu11", "-o"])
            .args(words)
            .run()
            .ends(0);
    };
    std::fs::create_dir(home.path("lib")).unwrap();
    chmod(&home.path("lib"), 0o755);
    home.write("needed.c", "int needed(void) { return 1; }");
    compile(&["lib/libneeded.so", "-Wl,-soname,libneeded.so", "needed.c"]);
    let source = xtask::root().join("tests/fixtures/plugins/shelf.c");
    let include = xtask::root().join("crates/keyward-plugin/include");
    home.write("user.c", "int needed(void); int user(void) { return needed(); }");
    let words =
        ["lib/libshelf.so", source.to_str().unwrap(), "user.c", "-I", include.to_str().unwrap()];
    compile(&[&words[..], &["lib/libneeded.so"]].concat());
    let path = |name: &str| home.path(name).canonicalize().unwrap().to_str().unwrap().to_owned();
    let (shelf, needed) = (path("lib/libshelf.so"), path("lib/libneeded.so"));
    home.keyward(&format!("plugin trust {shelf} --yes")).run().ends(4).says("libneeded.so");
    for run in ["", "--run"] {
        let line = format!("plugin trust {shelf} --yes {run} --needs {needed}");
        let trusted = home.keyward(&line).run().ends(0);
        assert!(trusted.text().contains(&sha256(&needed)), "{}", trusted.text());
        home.keyward("backend show storage shelf").run().ends(0);
    }
    change(&needed);
    home.keyward("backend show storage shelf").run().ends(4).says("libneeded.so has changed");
    let listed = home.keyward("plugin list --json").run().ends(0).json();
    assert_eq!(listed[0]["state"], "changed");
    assert!(drawer().exists());
}
