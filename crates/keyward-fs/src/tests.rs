use std::fs::File;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use keyward_core::{EntryId, ErrorKind, LockMode};
use rustix::fs::{FileType, Mode};

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn scratch() -> (tempfile::TempDir, PrivateDir) {
    let scratch = tempfile::tempdir().unwrap();
    let dir = PrivateDir::create(&scratch.path().join("a/b")).unwrap();
    (scratch, dir)
}

#[test]
fn folders_and_files_are_private() {
    let (scratch, dir) = scratch();
    dir.replace(Path::new("x/y"), b"1").unwrap();
    assert_eq!(mode(&scratch.path().join("a")), 0o700);
    assert_eq!(mode(&dir.path().join("x")), 0o700);
    assert_eq!(mode(&dir.path().join("x/y")), 0o600);
}

#[test]
fn what_is_written_is_read() {
    let (_scratch, dir) = scratch();
    assert_eq!(dir.read(Path::new("x"), 10).unwrap(), None);
    dir.replace(Path::new("x"), b"one").unwrap();
    dir.replace(Path::new("x"), b"two").unwrap();
    assert_eq!(dir.read(Path::new("x"), 10).unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(dir.read(Path::new("x"), 2).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn create_new_overwrites_nothing() {
    let (_scratch, dir) = scratch();
    dir.create_new(Path::new("x"), b"one").unwrap();
    assert_eq!(dir.create_new(Path::new("x"), b"two").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(dir.read(Path::new("x"), 10).unwrap().as_deref(), Some(&b"one"[..]));
}

#[test]
fn no_write_leaves_a_temporary_file() {
    let (_scratch, dir) = scratch();
    dir.replace(Path::new("x"), b"one").unwrap();
    dir.create_new(Path::new("x"), b"two").unwrap_err();
    assert_eq!(std::fs::read_dir(dir.path().join(".tmp")).unwrap().count(), 0);
}

#[test]
fn a_left_over_is_swept_by_the_next_writer() {
    let (_scratch, dir) = scratch();
    dir.replace(Path::new("x"), b"one").unwrap();
    let left = dir.path().join(".tmp/0123456789abcdef01234567");
    File::create(&left).unwrap();
    dir.replace(Path::new("x"), b"two").unwrap();
    assert!(!left.exists());
}

#[test]
fn what_others_keep_in_folders_of_these_names_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let foreign = [".tmp/notes", ".locks/notes"].map(|file| scratch.path().join(file));
    for file in &foreign {
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut File::create(file).unwrap(), b"precious").unwrap();
    }
    let dir = PrivateDir::create(scratch.path()).unwrap();
    dir.replace(Path::new("x"), b"one").unwrap();
    drop(dir.lock("a", LockMode::Shared, Duration::ZERO).unwrap());
    dir.remove(Path::new("x")).unwrap();
    assert!(!dir.destroy().unwrap());
    for file in &foreign {
        assert_eq!(std::fs::read(file).unwrap(), b"precious");
    }
}

#[test]
fn making_a_folder_where_a_link_leads_nowhere_fails_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let link = scratch.path().join("link");
    symlink(scratch.path().join("unmounted"), &link).unwrap();
    assert_eq!(PrivateDir::create(&link).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_temporary_file_in_use_is_not_swept() {
    let (_scratch, dir) = scratch();
    dir.replace(Path::new("x"), b"one").unwrap();
    let used = dir.path().join(".tmp/0123456789abcdef01234567");
    let file = File::create(&used).unwrap();
    file.lock().unwrap();
    dir.replace(Path::new("x"), b"two").unwrap();
    assert!(used.exists());
}

#[test]
fn symbolic_links_are_not_followed() {
    let (scratch, dir) = scratch();
    let outside = scratch.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    File::create(outside.join("x")).unwrap();
    symlink(&outside, dir.path().join("out")).unwrap();
    symlink(outside.join("x"), dir.path().join("link")).unwrap();
    for path in ["out/x", "link"] {
        assert_eq!(dir.read(Path::new(path), 10).unwrap_err().kind(), ErrorKind::Refused, "{path}");
    }
    assert_eq!(dir.replace(Path::new("out/x"), b"!").unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(mode(&outside.join("x")) & 0o600, 0o600);
    assert_eq!(std::fs::read(outside.join("x")).unwrap(), b"");
}

#[test]
fn a_file_in_a_folders_place_is_no_missing_file() {
    let (_scratch, dir) = scratch();
    dir.replace(Path::new("x"), b"1").unwrap();
    assert_eq!(dir.read(Path::new("x/y"), 10).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn nothing_above_is_reached() {
    let (_scratch, dir) = scratch();
    dir.replace(Path::new("x"), b"1").unwrap();
    assert_eq!(dir.read(Path::new("../b/x"), 10).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn what_others_can_reach_is_refused() {
    let (_scratch, dir) = scratch();
    dir.replace(Path::new("x"), b"1").unwrap();
    let file = dir.path().join("x");
    for bad in [0o640, 0o604, 0o666] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(bad)).unwrap();
        assert_eq!(dir.read(Path::new("x"), 10).unwrap_err().kind(), ErrorKind::Refused);
    }
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o775)).unwrap();
    assert_eq!(PrivateDir::open(dir.path()).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_fifo_is_refused_at_once() {
    let (_scratch, dir) = scratch();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path().join("pipe"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(dir.read(Path::new("pipe"), 10).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_lock_keeps_others_out_until_it_is_dropped() {
    let (_scratch, dir) = scratch();
    let wait = Duration::from_millis(20);
    let held = dir.lock("a", LockMode::Exclusive, wait).unwrap();
    assert_eq!(dir.lock("a", LockMode::Shared, wait).unwrap_err().kind(), ErrorKind::Locked);
    drop(dir.lock("b", LockMode::Exclusive, wait).unwrap());
    drop(held);
    let _first = dir.lock("a", LockMode::Shared, wait).unwrap();
    let _second = dir.lock("a", LockMode::Shared, wait).unwrap();
}

#[test]
fn shared_holders_of_a_lock_do_not_starve_an_exclusive_one() {
    let (_scratch, dir) = scratch();
    let wait = Duration::from_secs(20);
    let id = EntryId::reserved("store");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for pause in [2, 3, 5] {
            let (dir, id, done) = (&dir, &id, &done);
            // One of them always has the lock.
            scope.spawn(move || {
                let mut held = dir.lock_entry(id, LockMode::Shared, wait).unwrap();
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(pause));
                    drop(held);
                    held = dir.lock_entry(id, LockMode::Shared, wait).unwrap();
                }
            });
        }
        std::thread::sleep(Duration::from_millis(20));
        let alone = dir.lock_entry(&id, LockMode::Exclusive, Duration::from_secs(5));
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        drop(alone.unwrap());
    });
}

#[test]
fn destroy_leaves_foreign_files() {
    let (_scratch, dir) = scratch();
    let path = dir.path().to_owned();
    dir.replace(Path::new("x"), b"1").unwrap();
    assert!(!dir.destroy().unwrap());
    assert!(path.join("x").exists());
    let dir = PrivateDir::open(&path).unwrap().unwrap();
    dir.remove(Path::new("x")).unwrap();
    drop(dir.lock("a", LockMode::Shared, Duration::ZERO).unwrap());
    assert!(dir.destroy().unwrap());
    assert!(!path.exists());
}

#[test]
fn a_trusted_file_is_one_that_only_its_owner_can_write() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("recipients");
    assert_eq!(read_trusted(&path, 10).unwrap(), None);
    std::io::Write::write_all(&mut File::create(&path).unwrap(), b"age1").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(read_trusted(&path, 4).unwrap().as_deref(), Some(&b"age1"[..]));
    assert_eq!(read_trusted(&path, 3).unwrap_err().kind(), ErrorKind::Corrupt);
    for mode in [0o664, 0o646] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(read_trusted(&path, 4).unwrap_err().kind(), ErrorKind::Refused);
    }
    assert_eq!(read_trusted(scratch.path(), 4).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_file_of_a_user_may_belong_to_the_user() {
    let scratch = tempfile::tempdir().unwrap();
    let (home, path) = (scratch.path().join("home"), scratch.path().join("home/keys"));
    assert_eq!(read_trusted_of(&path, None, 10).unwrap(), None);
    std::fs::create_dir(&home).unwrap();
    assert_eq!(read_trusted_of(&path, None, 10).unwrap(), None);
    std::io::Write::write_all(&mut File::create(&path).unwrap(), b"key").unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let refused = |owner| read_trusted_of(&path, owner, 10).unwrap_err().kind();
    mode(&path, 0o644);
    for other in [0o775, 0o757] {
        mode(&home, other);
        assert_eq!(refused(None), ErrorKind::Refused);
    }
    // In a folder with the sticky bit, others cannot replace the file.
    for good in [0o755, 0o1777] {
        mode(&home, good);
        assert_eq!(read_trusted_of(&path, None, 10).unwrap().as_deref(), Some(&b"key"[..]));
    }
    mode(&path, 0o664);
    assert_eq!(refused(None), ErrorKind::Refused);
    mode(&path, 0o644);
    // Only root can give a file away.
    if std::os::unix::fs::chown(&path, Some(12345), None).is_ok() {
        assert_eq!(refused(None), ErrorKind::Refused);
        assert_eq!(refused(Some(12346)), ErrorKind::Refused);
        assert!(read_trusted_of(&path, Some(12345), 10).unwrap().is_some());
        std::os::unix::fs::chown(&home, Some(12346), None).unwrap();
        assert_eq!(refused(Some(12345)), ErrorKind::Refused);
    }
}

#[test]
fn a_folder_of_configuration_is_one_that_only_its_owner_can_write() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("folder");
    assert!(!check_trusted_folder(&folder).unwrap());
    assert!(!check_trusted_folder(&folder.join("below")).unwrap());
    std::fs::create_dir(&folder).unwrap();
    for (mode, is_trusted) in
        [(0o755, true), (0o500, true), (0o720, false), (0o702, false), (0o1777, false)]
    {
        set_mode(&folder, mode);
        assert_eq!(check_trusted_folder(&folder).is_ok(), is_trusted, "{mode:o}");
    }
    let file = scratch.path().join("file");
    drop(File::create(&file).unwrap());
    assert_eq!(check_trusted_folder(&file).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn every_link_to_a_configuration_lies_in_a_trusted_folder() {
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    for folder in ["first", "second", "third"] {
        std::fs::create_dir(path(folder)).unwrap();
        set_mode(&path(folder), 0o755);
    }
    for (target, link) in [("../second/link", "first/link"), ("../third/file", "second/link")] {
        std::os::unix::fs::symlink(target, path(link)).unwrap();
    }
    let read = || read_trusted_config(&path("first/link"), 10);
    assert_eq!(read().unwrap(), None);
    std::io::Write::write_all(&mut File::create(path("third/file")).unwrap(), b"text").unwrap();
    set_mode(&path("third/file"), 0o644);
    assert_eq!(read().unwrap().as_deref(), Some(&b"text"[..]));
    for folder in ["second", "third"] {
        set_mode(&path(folder), 0o775);
        let error = read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.message().contains(folder), "{error}");
        set_mode(&path(folder), 0o755);
    }
    std::os::unix::fs::symlink("circle", path("circle")).unwrap();
    let error = read_trusted_config(&path("circle"), 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn a_private_file_is_for_its_owner_alone_wherever_it_lies() {
    let scratch = tempfile::tempdir().unwrap();
    set_mode(scratch.path(), 0o777);
    let path = scratch.path().join("secrets");
    assert!(open_private(&path).unwrap().is_none());
    drop(File::create(&path).unwrap());
    for (mode, is_private) in [(0o600, true), (0o400, true), (0o640, false), (0o602, false)] {
        set_mode(&path, mode);
        assert_eq!(open_private(&path).is_ok(), is_private, "{mode:o}");
    }
    assert_eq!(open_private(scratch.path()).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_fifo_is_refused_at_once_where_a_trusted_file_is_expected() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert_eq!(read_trusted(&path, 4).unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(read_trusted_config(&path, 4).unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(open_private(&path).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn destroy_leaves_a_link_to_the_folder() {
    let scratch = tempfile::tempdir().unwrap();
    let (real, link) = (scratch.path().join("real"), scratch.path().join("link"));
    PrivateDir::create(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let dir = PrivateDir::open(&link).unwrap().unwrap();
    drop(dir.lock("a", LockMode::Shared, Duration::ZERO).unwrap());
    assert!(!dir.destroy().unwrap());
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_dir(&real).unwrap().count(), 0);
}

#[test]
fn what_is_appended_follows_what_was_there() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = PrivateDir::create(&scratch.path().join("d")).unwrap();
    let file = Path::new("below/lines");
    for line in [b"1\n", b"2\n"] {
        dir.append(file, line).unwrap();
    }
    assert_eq!(dir.read(file, 9).unwrap().unwrap(), b"1\n2\n");
    let path = dir.path().join(file);
    set_mode(&path, 0o640);
    assert_eq!(dir.append(file, b"3").unwrap_err().kind(), ErrorKind::Refused);
    std::fs::remove_file(&path).unwrap();
    symlink("other", &path).unwrap();
    assert_eq!(dir.append(file, b"3").unwrap_err().kind(), ErrorKind::Refused);
    assert!(!path.with_file_name("other").exists());
}
