//! Which user's credentials a command uses, and where they are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};

use serde_json::Value;

use crate::helpers::home::{Home, me};
use crate::helpers::invocation::Invocation;
use crate::helpers::program::keyward;

/// A user id without an account.
const STRANGER: u32 = 2_012_345;

/// The program as a user whom the operating system does not know.
fn stranger(home: &Home, line: &str) -> Invocation {
    let program = home.path("keyward");
    if !program.exists() {
        // Other users may have no access to the folder of the build.
        fs::copy(keyward(), &program).unwrap();
    }
    let call = if me() == "root" {
        for path in home.files().into_keys().chain([home.path("")]) {
            chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
        }
        let uid = STRANGER.to_string();
        home.program("setpriv").args(["--reuid", &uid, "--regid", &uid, "--clear-groups"])
    } else {
        home.program("unshare").arg("--user").arg(format!("--map-user={STRANGER}"))
    };
    call.arg(program).args(line.split_whitespace())
}

#[test]
fn the_environment_cannot_lie_about_the_user() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input("mine").run().ends(0);
    home.keyward("set s eve --stdin -u eve").input("of eve").run().ends(0);
    for variable in ["LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"] {
        let listed = home.keyward("get s -p").env(variable, "eve").run();
        listed.ends(0).prints("mine\n");
    }
    home.keyward("get s -p").env("KEYWARD_USER", "eve").run().ends(0).prints("of eve\n");
}

#[test]
fn a_user_without_an_account_is_one_too() {
    let home = Home::new();
    stranger(&home, "--version").run().ends(0);
    stranger(&home, "init s").run().ends(0);
    stranger(&home, "set s ann --stdin").input("x").run().ends(0);
    stranger(&home, "get s -np").run().ends(0).prints("ann\nx\n");
    stranger(&home, "list s").run().ends(0).prints(format!("uid-{STRANGER}\n"));
    stranger(&home, "set s ann --password-fd 0").input("y").run().ends(0);
    stranger(&home, "get s --raw").run().ends(0).prints("y");
    stranger(&home, "list").env_remove("HOME").run().ends(2).says("Set HOME to an absolute path");
    stranger(&home, "--help").env_remove("HOME").run().ends(0).says_nothing();
}

/// As with `sudo` without `-H`, on systems where it keeps `HOME`.
#[test]
fn root_writes_nothing_into_the_home_of_another_user() {
    let home = Home::new();
    chown(home.path(""), Some(STRANGER), Some(STRANGER)).unwrap();
    let before = home.files();
    for line in ["init s", "config set user ann", "setup git"] {
        home.keyward(line).run().ends(4).says("sudo -H");
        assert!(home.files() == before, "{line} made something");
    }
    home.keyward("config edit").env("EDITOR", "true").run().ends(4).says("sudo -H");
    assert!(home.files() == before);
    // The same if root's earlier commands made folders there.
    fs::create_dir_all(home.path(".config/keyward/stores")).unwrap();
    home.keyward("init s").run().ends(4).says("sudo -H");
    // That user's own configuration is not read.
    chown(home.path(".config/keyward"), Some(STRANGER), None).unwrap();
    home.keyward("list").run().ends(4).says("sudo -H");
}

#[test]
fn root_writes_nothing_into_another_users_folders_that_variables_name() {
    let home = Home::new();
    let other = home.path("other");
    fs::create_dir(&other).unwrap();
    chown(&other, Some(STRANGER), None).unwrap();
    for variable in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        let init = home.keyward("init s --option key.from=file").env(variable, other.join("xdg"));
        init.run().ends(4).says("sudo -H");
        assert_eq!(fs::read_dir(&other).unwrap().count(), 0, "{variable}");
    }
    home.keyward("init s --option key.from=file").run().ends(0);
}

/// Some platforms run each container with a separate user id, in a home that its group can write.
#[test]
fn a_user_id_may_use_a_home_that_its_group_can_write() {
    let home = Home::new();
    fs::copy(keyward(), home.path("keyward")).unwrap();
    chown(home.path(""), Some(0), Some(0)).unwrap();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o775)).unwrap();
    let container = |line: &str| {
        let setpriv = home.program("setpriv");
        let setpriv = setpriv.args(["--reuid", "1000660000", "--regid", "0", "--clear-groups"]);
        setpriv.arg(home.path("keyward")).args(line.split_whitespace())
    };
    container("init s --option key.from=file").run().ends(0);
    container("set s ann --stdin").input("x").run().ends(0);
    container("get s -p").run().ends(0).prints("x\n");
    container("config set user ann").run().ends(0);
    container("doctor").run().ends(0);
}

#[test]
fn a_home_that_is_no_absolute_path_is_none() {
    let home = Home::new();
    let config = |call: Invocation| place(call, "config");
    let account = config(home.keyward("config path --json").env_remove("HOME"));
    assert!(account.starts_with('/') && account.ends_with("/.config/keyward/config.toml"));
    for relative in ["", ".", "relative", "~", "../.."] {
        let found = config(home.keyward("config path --json").env("HOME", relative));
        assert_eq!(found, account, "HOME={relative}");
    }
    let found = config(home.keyward("config path --json").env("HOME", "/"));
    assert_eq!(found, "/.config/keyward/config.toml");
}

#[test]
fn xdg_folders_count_if_they_are_absolute() {
    let home = Home::new();
    for (variable, what, end) in [
        ("XDG_CONFIG_HOME", "config", "keyward/config.toml"),
        ("XDG_DATA_HOME", "data", "keyward"),
        ("XDG_STATE_HOME", "state", "keyward"),
    ] {
        let path =
            |value: &str| place(home.keyward("config path --json").env(variable, value), what);
        let unset = place(home.keyward("config path --json"), what);
        assert!(unset.starts_with(home.path("").to_str().unwrap()), "{unset}");
        assert_eq!(path("relative"), unset);
        assert_eq!(path(""), unset);
        assert_eq!(path("/elsewhere"), format!("/elsewhere/{end}"));
    }
}

#[test]
fn pycreds_two_variables() {
    let home = Home::new();
    home.write("own.toml", "version = 1\nstore_path = \"~/of the file\"\nuser = \"filed\"\n");
    let file = home.path("own.toml");
    let call = |line: &str| home.keyward(line).env("KEYWARD_CONFIG_FILE", &file);
    call("init s").run().ends(0);
    assert!(home.path("of the file/s.toml").exists());
    call("set s ann --stdin").input("x").run().ends(0);
    call("list s").run().ends(0).prints("filed\n");
    call("list").env("KEYWARD_STORE_PATH", "~/of the variable").run().ends(0).prints("");
    call("init t").env("KEYWARD_STORE_PATH", "~/of the variable").run().ends(0);
    assert!(home.path("of the variable/t.toml").exists());
    call("list").run().ends(0).prints("s\n");
}

/// Bytes that are not UTF-8: `bär` in Latin-1.
const LATIN: &[u8] = b"b\xe4r";

#[test]
fn a_setting_in_a_variable_that_is_not_utf8_is_an_error() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s me --stdin").input("mine").run().ends(0);
    for variable in [
        "KEYWARD_USER",
        "KEYWARD_STORE_PATH",
        "KEYWARD_DEFAULTS_SERIALIZER",
        "KEYWARD_DEFAULTS_ENCRYPTION",
        "KEYWARD_DEFAULTS_STORAGE",
        "KEYWARD_DEFAULTS_KEY",
        "KEYWARD_CONFIG_FILE",
    ] {
        for line in
            ["set s bear --stdin", "get s", "init t", "config path", "helper git get --store s"]
        {
            let ran = home
                .keyward(line)
                .env(variable, OsStr::from_bytes(LATIN))
                .input("protocol=https\nhost=x.example\n\n")
                .run();
            let said = ran.ends(2).says(variable).err;
            assert!(!said.contains("\\xe4") && !said.contains('\u{fffd}'), "{said}");
        }
    }
    home.keyward("get s -np").run().ends(0).prints("me\nmine\n");
}

#[test]
fn a_path_in_a_variable_may_be_any_bytes() {
    let home = Home::new();
    let folder = home.path("").join(OsStr::from_bytes(LATIN));
    fs::create_dir(&folder).unwrap();
    let file = folder.join("own.toml");
    fs::write(&file, "version = 1\nuser = \"filed\"\n").unwrap();
    let as_file = |line: &str| home.keyward(line).env("KEYWARD_CONFIG_FILE", &file);
    as_file("config get user").run().ends(0).prints("filed\n");
    as_file("config set user other").run().ends(0);
    as_file("config get user").run().ends(0).prints("other\n");
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        let call = |line: &str| home.keyward(line).env(variable, &folder);
        call("config set user ann").run().ends(0);
        call("config get user").run().ends(0).prints("ann\n");
        call("config edit").env("EDITOR", "true").run().ends(0);
    }
}

fn place(call: Invocation, what: &str) -> String {
    let Value::String(path) = &call.run().ends(0).json()[0][what] else { panic!("no {what}") };
    path.clone()
}
