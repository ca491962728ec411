//! `config`, and configuration that is not valid.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::json;

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

const FILE: &str = ".config/keyward/config.toml";
const STORE: &str = ".config/keyward/stores/s.toml";

const COMMENTED: &str = "# mine\nversion = 1 # first\n\n[defaults] # of new stores\n  # why: it is one file\n  storage = 'sqlite'   # here\nkey = \"file\"\n\n\n# the end, without a newline";

fn configured(text: &str) -> Home {
    let home = Home::new();
    home.write(FILE, text);
    fs::set_permissions(home.path(FILE), Permissions::from_mode(0o600)).unwrap();
    home
}

#[test]
fn set_changes_one_value_and_no_other_byte() {
    for (line, before, after) in [
        ("defaults.storage redb", "'sqlite'", "\"redb\""),
        ("defaults.key env", "\"file\"", "\"env\""),
        ("defaults.key keyring", "key = \"file\"\n", "key = \"keyring\"\n"),
        ("defaults.serializer json", "key = \"file\"\n", "key = \"file\"\nserializer = \"json\"\n"),
        ("user ann", "version = 1 # first\n", "version = 1 # first\nuser = \"ann\"\n"),
        ("--unset defaults.key", "key = \"file\"\n", ""),
    ] {
        let home = configured(COMMENTED);
        home.keyward(&format!("config set {line}")).run().ends(0).says_nothing().prints("");
        assert_eq!(home.read(FILE), COMMENTED.replace(before, after), "{line}");
    }
}

#[test]
fn set_makes_the_file_and_what_it_says_holds() {
    let home = Home::new();
    home.keyward("config set defaults.storage sqlite").run().ends(0);
    home.keyward("config set backends.storage.sqlite.path %home%/one.db").run().ends(0);
    let mode = fs::metadata(home.path(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    home.keyward("config get defaults.storage").run().ends(0).prints("sqlite\n");
    home.keyward("config validate").run().ends(0);
    home.keyward("init s").run().ends(0);
    assert!(home.path("one.db").exists());
    home.keyward("config set --unset defaults.storage").run().ends(0);
    home.keyward("config get defaults.storage").run().ends(0).prints("file\n");
}

#[test]
fn set_refuses_contradictory_options() {
    for (line, hint) in [
        ("defaults.storag redb", "Did you mean `defaults.storage`?"),
        ("backends.storage.sqlite.paht /x", "no option `paht`"),
        ("backends.storage.nope.path /x", "no storage called `nope`"),
        ("backends.nope.sqlite.path /x", ""),
        ("backends.storage.sqlite /x", ""),
        ("", ""),
        ("defaults.storage", ""),
        ("defaults.storage a b", ""),
        ("backends.encryption.age.passphrase literal", "never write a secret itself here"),
        ("backends.encryption.age.armor perhaps", "true or false"),
    ] {
        let home = configured(COMMENTED);
        home.keyward(&format!("config set {line}")).run().ends(2).prints("").says(hint);
        assert_eq!(home.read(FILE), COMMENTED, "{line}");
    }
}

#[test]
fn every_value_knows_where_it_came_from() {
    let home = configured(COMMENTED);
    let file = home.path(FILE).display().to_string();
    let with = |line: &str| home.keyward(line).env("KEYWARD_DEFAULTS_STORAGE", "redb");
    with("config get defaults.storage").run().ends(0).prints("redb\n");
    with("config explain defaults.storage").run().ends(0).prints(format!(
        "used: \"redb\" (environment: KEYWARD_DEFAULTS_STORAGE)\n\
         overridden: \"sqlite\" (user: {file}:6)\n\
         overridden: \"file\" (built in: keyward)\n"
    ));
    assert_eq!(
        with("config explain defaults.key --json").run().ends(0).json()[0],
        json!({ "value": "file", "layer": "user", "place": format!("{file}:7"), "holds": true })
    );
    home.keyward("config explain user").run().ends(0).prints("`user` has no value in any layer\n");
    home.keyward("config get user").run().ends(3).prints("");
    home.keyward("config explain usr").run().ends(2).says("Did you mean `user`?");
    let shown = home.keyward("config show").run().ends(0).into_text();
    assert!(shown.contains(&format!(
        "defaults.encryption = \"aes-gcm\"    # built in: keyward\n\
         defaults.key = \"file\"    # user: {file}:7\n\
         defaults.serializer = \"cbor\"    # built in: keyward\n\
         defaults.storage = \"sqlite\"    # user: {file}:6\n\
         prompt.echo = false    # built in: keyward\n\
         prompt.repeat = true    # built in: keyward\n\
         resolve.sources = "
    )));
    let shown = home.keyward("config show --json").run().ends(0).json();
    let storage = shown.iter().find(|line| line["key"] == "defaults.storage").unwrap();
    let place = format!("{file}:6");
    assert_eq!(
        *storage,
        json!({ "key": "defaults.storage", "value": "sqlite", "layer": "user", "place": place })
    );
}

#[test]
fn path_says_where_things_lie() {
    let home = Home::new();
    let printed = home.keyward("config path").run().ends(0);
    let config = format!("config: {}\n", home.path(FILE).display());
    assert!(printed.text().starts_with(&config), "{}", printed.text());
    let said = home.keyward("config path --json").run().ends(0).json().remove(0);
    for (what, place) in [
        ("data", ".local/share/keyward"),
        ("stores", ".config/keyward/stores"),
        ("plugins", ".config/keyward/plugins"),
        ("kinds", ".config/keyward/kinds"),
    ] {
        assert_eq!(said[what], json!(home.path(place)), "{what}");
    }
}

#[test]
fn an_edit_is_taken_over_only_if_it_is_valid() {
    for (variable, script, code, after) in [
        ("EDITOR", "sed -i s/sqlite/redb/ \"$1\"", 0, COMMENTED.replace("sqlite", "redb")),
        ("VISUAL", "sed -i s/sqlite/redb/ \"$1\"", 0, COMMENTED.replace("sqlite", "redb")),
        ("EDITOR", "sed -i s/storage/storag/ \"$1\"", 2, COMMENTED.into()),
        ("EDITOR", "printf '\\n[' >>\"$1\"", 2, COMMENTED.into()),
        ("EDITOR", "sed -i s/sqlite/nope/ \"$1\"", 2, COMMENTED.into()),
        ("EDITOR", "printf 'version = 2\\n' >\"$1\"", 2, COMMENTED.into()),
        ("EDITOR", "rm \"$1\"", 1, COMMENTED.into()),
        ("EDITOR", "echo ruin >\"$1\"; exit 1", 1, COMMENTED.into()),
        ("EDITOR", ":", 0, COMMENTED.into()),
    ] {
        let home = configured(COMMENTED);
        let editor = home.write("editor", script);
        let editor = format!("sh {}", editor.display());
        home.keyward("config edit").env(variable, editor).run().ends(code);
        assert_eq!(home.read(FILE), after, "{script}");
    }
}

#[test]
fn an_edit_can_repair_a_configuration_that_does_not_load() {
    let home = configured("version = 1\nnope = 1\n");
    home.keyward("list").run().ends(2);
    let editor = home.write("editor", "sed -i /nope/d \"$1\"");
    let editor = format!("sh {}", editor.display());
    home.keyward("config edit").env("EDITOR", editor).run().ends(0);
    assert_eq!(home.read(FILE), "version = 1\n");
    home.keyward("config edit").env("EDITOR", "no-such-editor").run().ends(7);
}

/// As git runs it.
#[test]
fn an_editor_is_run_by_the_shell() {
    for (editor, succeeds) in [
        ("\"$HOME/my editor\" --wait", true),
        ("~/'my editor' --wait", true),
        ("KIND=x $HOME/my\\ editor --wait", true),
        ("'$HOME/my editor' --wait", false),
        ("'unclosed", false),
    ] {
        let home = configured(COMMENTED);
        let script = home.write(
            "my editor",
            "#!/bin/sh\nset -e\ntest $# = 2\ntest \"$1\" = --wait\nsed -i s/sqlite/redb/ \"$2\"\n",
        );
        fs::set_permissions(script, Permissions::from_mode(0o700)).unwrap();
        let ran = home.keyward("config edit").env("EDITOR", editor).run();
        assert_eq!(ran.code == 0, succeeds, "{editor}: {}", ran.err);
        assert_eq!(home.read(FILE).contains("redb"), succeeds, "{editor}");
    }
    let home = configured(COMMENTED);
    let editor = home.path("").join(OsStr::from_bytes(b"b\xe4r"));
    fs::write(&editor, "#!/bin/sh\nsed -i s/sqlite/redb/ \"$1\"\n").unwrap();
    fs::set_permissions(&editor, Permissions::from_mode(0o700)).unwrap();
    home.keyward("config edit").env("VISUAL", " ").env("EDITOR", &editor).run().ends(0);
    assert!(home.read(FILE).contains("redb"));
}

#[test]
fn a_file_without_settings_is_a_configuration() {
    for text in ["", "\n", "# Later.\n"] {
        let home = configured(text);
        for line in ["config validate", "config show", "doctor", "list", "init s"] {
            home.keyward(line).run().ends(0);
        }
        home.keyward("config edit").env("EDITOR", "true").run().ends(0);
        assert_eq!(home.read(FILE), text);
        home.keyward("config set user ann").run().ends(0);
        home.keyward("config get user").run().ends(0).prints("ann\n");
        assert!(home.read(FILE).starts_with(text.trim_start()), "{}", home.read(FILE));
    }
    let home = configured("user = \"ann\"\n");
    home.keyward("list").run().ends(2).says(":1: `version = 1` is missing\n  hint: ");
}

#[test]
fn what_is_not_utf8_is_named_by_file_and_line() {
    let home = Home::with_store("--option key.from=file");
    let store = fs::read(home.path(STORE)).unwrap();
    for (file, text, line) in [
        (FILE, b"version = 1\n# b\xe4r\nuser = \"ann\"\n".as_slice(), 2),
        (FILE, b"version = 1\nuser = \"b\xe4r\"\n", 2),
        (FILE, b"\xff\xfev\0e\0", 1),
        (STORE, &[store.as_slice(), b"# b\xe4r\n"].concat(), store.split(|b| *b == b'\n').count()),
    ] {
        home.write(file, text);
        fs::set_permissions(home.path(file), Permissions::from_mode(0o600)).unwrap();
        let place = format!("{}:{line}: is not UTF-8", home.path(file).display());
        for command in ["get s", "info s", "config validate", "set s ann --stdin"] {
            home.keyward(command).run().ends(2).prints("").says(&place);
        }
        fs::remove_file(home.path(file)).unwrap();
    }
}

#[test]
fn mistakes_are_named_by_file_and_line() {
    let whole = "version = 1\nid = \"00000000000000000000000000000000\"\n\n[serializer]\nuse = \"cbor\"\n[encryption]\nuse = \"clear\"\n[storage]\nuse = \"file\"\n";
    let store = |from: &str, to: &str| (STORE, whole.replace(from, to));
    let config = |text: &str| (FILE, text.to_owned());
    for ((file, text), line, says) in [
        (store("[serializer]", "[serialiser]"), 4, "Did you mean `serializer`?"),
        (store("[storage]", "[stor age]"), 8, "is not TOML"),
        (store("version = 1", "version = 2"), 1, "this version of the file is not known"),
        (store("id = \"00", "id = \"zz"), 1, "32 hexadecimal digits"),
        (store("version = 1", "version = 1\nuser = 3"), 2, "`user` takes text"),
        (config("version = 1\n\nuserr = \"x\"\n"), 3, "Did you mean `user`?"),
        (
            config("version = 1\n[defaults]\nstorag = \"x\"\n"),
            3,
            "Did you mean `defaults.storage`?",
        ),
        (config("version = 1\nuser = ['x']\n"), 2, "`user` takes text"),
        (config("version = 1\nuser = = 1\n"), 2, "is not TOML"),
        (config("version = 1\nuser = 1\nuser = 2\n"), 3, "is not TOML"),
    ] {
        let home = Home::new();
        home.write(file, &text);
        for path in [file, ".config/keyward/stores"] {
            let _ = fs::set_permissions(home.path(path), Permissions::from_mode(0o700));
        }
        let place = format!("{}:{line}: ", home.path(file).display());
        for command in ["get s", "info s", "config validate"] {
            home.keyward(command).run().ends(2).prints("").says(&place).says(says);
        }
    }
}

#[test]
fn what_others_can_write_is_refused() {
    let home = Home::with_store("");
    home.write(FILE, "version = 1\n");
    let modes = |file: &str, mode: u32| {
        fs::set_permissions(home.path(file), Permissions::from_mode(mode)).unwrap();
    };
    modes(FILE, 0o644);
    for (file, mode) in [(FILE, 0o620), (FILE, 0o602), (STORE, 0o660), (STORE, 0o666)] {
        modes(file, mode);
        for command in ["get s", "config validate"] {
            refused(home.keyward(command).run(), file);
        }
        modes(file, 0o600);
        home.keyward("config validate").run().ends(0);
    }
    let elsewhere = home.write("open.toml", "version = 1\n");
    modes("open.toml", 0o666);
    refused(home.keyward("list").env("KEYWARD_CONFIG_FILE", elsewhere).run(), "open.toml");
}

/// Every command that reads the configuration refuses such a folder, `doctor` included.
#[track_caller]
fn refused_by_every_command(home: &Home, folder: &Path) {
    let shown = folder.display().to_string();
    for command in ["get s", "list", "init t", "config validate", "store verify s", "rm s --yes"] {
        home.keyward(command).run().ends(4).prints("").says(&shown);
    }
    let doctor = home.keyward("doctor").run().ends(4);
    assert!(doctor.text().contains(&shown), "{}", doctor.text());
}

#[test]
fn a_folder_of_the_configuration_that_others_can_write_is_refused() {
    let home = Home::with_store("--option key.from=file");
    let config = home.path(".config/keyward");
    fs::create_dir(config.join("plugins")).unwrap();
    for folder in [config.clone(), config.join("stores"), config.join("plugins")] {
        // Despite the sticky bit, other users can add files.
        for mode in [0o770, 0o707, 0o1777] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            refused_by_every_command(&home, &folder);
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        home.keyward("list").run().ends(0).prints("s\n");
    }
}

#[test]
fn a_folder_of_the_configuration_that_another_user_owns_is_refused() {
    let home = Home::with_store("--option key.from=file");
    let config = home.path(".config/keyward");
    fs::create_dir(config.join("plugins")).unwrap();
    for folder in [config.clone(), config.join("stores"), config.join("plugins")] {
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(&folder, Some(65_534), None).unwrap();
        refused_by_every_command(&home, &folder);
        std::os::unix::fs::chown(&folder, Some(0), None).unwrap();
    }
    home.keyward("list").run().ends(0).prints("s\n");
}

#[test]
fn a_folder_of_stores_that_a_setting_names_is_checked_too() {
    let home = Home::with_store("--option key.from=file");
    let elsewhere = home.path("elsewhere");
    fs::rename(home.path(".config/keyward/stores"), &elsewhere).unwrap();
    let list = || home.keyward("list").env("KEYWARD_STORE_PATH", &elsewhere).run();
    list().ends(0).prints("s\n");
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o775)).unwrap();
    refused(list(), "elsewhere");
}

/// Dotfiles are often links into one folder.
#[test]
fn the_target_of_a_link_in_the_configuration_is_checked() {
    let home = Home::with_store("--option key.from=file");
    let (dotfiles, stores) = (home.path("dotfiles"), home.path(".config/keyward/stores"));
    fs::create_dir(&dotfiles).unwrap();
    let modes = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    modes(&dotfiles, 0o755);
    fs::rename(stores.join("s.toml"), dotfiles.join("s.toml")).unwrap();
    symlink("../../../dotfiles/s.toml", stores.join("s.toml")).unwrap();
    home.keyward("info s").run().ends(0);

    modes(&dotfiles.join("s.toml"), 0o660);
    refused(home.keyward("info s").run(), "s.toml");
    modes(&dotfiles.join("s.toml"), 0o600);
    // A user who can write to the file's folder could put another file of this user in its place.
    modes(&dotfiles, 0o775);
    refused(home.keyward("info s").run(), "dotfiles");
    modes(&dotfiles, 0o755);

    fs::rename(&stores, dotfiles.join("stores")).unwrap();
    symlink("../../dotfiles/stores", &stores).unwrap();
    modes(&dotfiles.join("stores"), 0o755);
    home.keyward("list").run().ends(0).prints("s\n");
    modes(&dotfiles.join("stores"), 0o775);
    refused(home.keyward("list").run(), "stores");
    modes(&dotfiles.join("stores"), 0o755);
    modes(&dotfiles, 0o775);
    refused(home.keyward("list").run(), "dotfiles");
    modes(&dotfiles, 0o755);
    std::os::unix::fs::lchown(&stores, Some(65_534), None).unwrap();
    refused(home.keyward("list").run(), "stores");
}

#[test]
fn a_configuration_that_is_no_file_is_refused() {
    let home = Home::new();
    fs::create_dir_all(home.path(FILE)).unwrap();
    refused(home.keyward("list").run(), "config.toml");
    fs::remove_dir(home.path(FILE)).unwrap();
    home.program("mkfifo").arg(home.path(FILE)).run().ends(0);
    refused(home.keyward("list").run(), "config.toml");
}

#[track_caller]
fn refused(ran: Finished, file: &str) {
    ran.ends(4).prints("").says(file.rsplit('/').next().unwrap());
}
