use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use keyward_core::Digest;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::environment::Environment;

/// A home with a project `app`, and these files in it.
fn app(files: &[(&str, &str)]) -> (TempDir, Config, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let config = Config::load(Environment::new([("HOME", home.path())])).unwrap();
    let folder = home.path().canonicalize().unwrap().join("app");
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        write(&folder, name, text);
    }
    (home, config, folder)
}

#[expect(clippy::disallowed_methods, reason = "the files of a test")]
fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

fn read(folder: &Path) -> Project {
    Project::read(folder).unwrap().unwrap()
}

#[test]
fn the_nearest_file_up_to_the_repository_or_the_home_folder_is_found() {
    let (home, config, app) = app(&[("a/b/c/x", ""), (FILE, "")]);
    let find = |path: &str| config.find_project(&app.join(path)).unwrap();
    assert_eq!(find("a/b/c"), Some(app.clone()));
    symlink(app.join("a/b"), app.join("link")).unwrap();
    assert_eq!(find("link/c"), Some(app.clone()));
    write(&app, "a/.keyward.toml", "");
    assert_eq!(find("a/b/c"), Some(app.join("a")));
    // A worktree and a submodule have a file with this name, a repository a folder.
    write(&app, "a/b/.git", "gitdir: elsewhere");
    assert_eq!(find("a/b/c"), None);
    fs::remove_file(app.join("a/b/.git")).unwrap();
    fs::create_dir(app.join("a/b/.git")).unwrap();
    assert_eq!(find("a/b"), None);
    write(&app, "a/b/.keyward.toml", "");
    assert_eq!(find("a/b/c"), Some(app.join("a/b")));
    // The home folder is the last one.
    fs::remove_file(app.join(FILE)).unwrap();
    assert_eq!(find(""), None);
    write(&app, "../.keyward.toml", "");
    assert_eq!(find("").as_deref(), app.parent());
    let inner = Config::load(Environment::new([("HOME", &app)])).unwrap();
    assert_eq!(inner.find_project(&app).unwrap(), None);
    assert!(config.find_project(&home.path().join("missing")).is_err());
}

#[test]
fn the_digest_is_that_of_what_sha256sum_prints() {
    let (_home, _, app) =
        app(&[(FILE, "version = 1\n"), (".keyward/b/c", "c"), (".keyward/a", "")]);
    let project = read(&app);
    let files: Vec<_> = project.files.iter().map(|file| (&*file.path, file.size)).collect();
    assert_eq!(files, [(".keyward.toml", 12), (".keyward/a", 0), (".keyward/b/c", 1)]);
    let script = "sha256sum .keyward.toml .keyward/a .keyward/b/c";
    let output = std::process::Command::new("sh").args(["-c", script]).current_dir(&app).output();
    assert_eq!(project.digest(), Digest::new(&output.unwrap().stdout));
}

#[test]
fn a_pin_counts_for_one_folder_with_one_content() {
    let (_home, config, app) = app(&[(FILE, "version = 1\n"), (".keyward/a", "a")]);
    assert_eq!(config.trust_in(&read(&app)).unwrap(), Trust::Untrusted);
    config.trust(&read(&app)).unwrap();
    assert_eq!(config.trust_in(&read(&app)).unwrap(), Trust::Trusted);
    let pins: Vec<_> = config.trusted_projects().unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(pins[0].folder, app);
    assert_eq!(pins[0].digest(), read(&app).digest());
    for (file, text, change) in [
        (".keyward.toml", "version = 1\n#", ".keyward.toml was changed"),
        (".keyward/a", "b", ".keyward/a was changed"),
        (".keyward/b", "", ".keyward/b was added"),
    ] {
        let before = fs::read_to_string(app.join(file)).ok();
        write(&app, file, text);
        let changed = Trust::Changed(vec![change.to_owned()]);
        assert_eq!(config.trust_in(&read(&app)).unwrap(), changed);
        match before {
            Some(before) => write(&app, file, &before),
            None => fs::remove_file(app.join(file)).unwrap(),
        }
        assert_eq!(config.trust_in(&read(&app)).unwrap(), Trust::Trusted);
    }
    let copy = app.parent().unwrap().join("copy");
    write(&copy, FILE, "version = 1\n");
    write(&copy, ".keyward/a", "a");
    assert_eq!(config.trust_in(&read(&copy)).unwrap(), Trust::Untrusted);
    fs::remove_file(app.join(".keyward/a")).unwrap();
    let error = config.trusted_declaration(&app).unwrap_err();
    assert!(error.message().contains(".keyward/a was removed"), "{error}");
    assert!(config.revoke(&app).unwrap());
    assert!(!config.revoke(&app).unwrap());
    assert_eq!(config.trust_in(&read(&app)).unwrap(), Trust::Untrusted);
    assert!(config.trusted_projects().unwrap().is_empty());
}

#[test]
fn what_was_read_is_what_counts_also_if_the_file_is_exchanged() {
    let (_home, config, app) = app(&[(FILE, "version = 1\n[secrets.shown]")]);
    let project = read(&app);
    write(&app, "other", "version = 1\n[secrets.hidden]");
    fs::rename(app.join("other"), app.join(FILE)).unwrap();
    assert_eq!(project.declaration().unwrap().secrets[0].name, "shown");
    config.trust(&project).unwrap();
    assert_eq!(config.trusted_declaration(&app).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_file_that_others_can_write_is_pinned_by_its_content() {
    let (_home, config, app) = app(&[(FILE, "version = 1\n")]);
    fs::set_permissions(app.join(FILE), Permissions::from_mode(0o666)).unwrap();
    config.trust(&read(&app)).unwrap();
    assert!(config.trusted_declaration(&app).is_ok());
}

/// Makes something hostile in the project's folder.
type Attack = fn(&Path);

#[test]
fn what_cannot_be_trusted_at_all_is_refused_in_one_line() {
    let attacks: [(&str, Attack); 12] = [
        ("is larger than", |app| write(app, FILE, &"#".repeat(10 << 20))),
        ("is a symbolic link", |app| symlink("x", app.join(FILE)).unwrap()),
        ("is not a regular file", |app| fs::create_dir(app.join(FILE)).unwrap()),
        ("is not a regular file", |app| make_fifo(&app.join(FILE))),
        ("is a symbolic link", |app| symlink("/etc", app.join(FOLDER)).unwrap()),
        ("is not a folder", |app| write(app, FOLDER, "")),
        ("is a symbolic link", |app| {
            write(app, ".keyward/a/b", "");
            symlink("/etc/passwd", app.join(".keyward/a/c")).unwrap();
        }),
        ("is not a regular file", |app| {
            fs::create_dir(app.join(FOLDER)).unwrap();
            make_fifo(&app.join(".keyward/pipe"));
        }),
        ("is larger than", |app| write(app, ".keyward/a", &"x".repeat((1 << 20) + 1))),
        ("contains too many files", |app| {
            (0..=256).for_each(|at| write(app, &format!(".keyward/{at}"), ""));
        }),
        ("levels deep", |app| write(app, &format!(".keyward/{}", "d/".repeat(300) + "f"), "")),
        ("has a name that cannot be shown", |app| write(app, ".keyward/a\n\u{1b}[2J", "")),
    ];
    for (says, attack) in attacks {
        let (_home, config, app) = app(&[]);
        attack(&app);
        if app.join(FILE).symlink_metadata().is_err() {
            write(&app, FILE, "version = 1\n");
        }
        assert_eq!(Project::read(&app).unwrap_err().kind(), ErrorKind::Refused, "{says}");
        let error = config.trusted_declaration(&app).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let report = error.report();
        assert!(report.contains("is ignored: ") && report.contains(says), "{says}\n{report}");
        assert!(report.contains("keyward trust"), "{report}");
        assert!(!report.contains(char::is_control), "{report:?}");
    }
}

fn make_fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn a_pin_that_cannot_be_written_is_not_written_as_another() {
    use std::os::unix::ffi::OsStringExt;
    let (_home, config, app) = app(&[]);
    let folder = app.join(std::ffi::OsString::from_vec(b"\xff".to_vec()));
    write(&folder, FILE, "version = 1\n");
    assert_eq!(config.trust(&read(&folder)).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(config.trusted_projects().unwrap().is_empty());
    let odd = app.join("a\"\n\u{1b}b");
    write(&odd, FILE, "version = 1\n");
    config.trust(&read(&odd)).unwrap();
    assert!(config.trusted_declaration(&odd).is_ok());
}
