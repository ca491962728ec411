//! The cost of one credential does not grow with the number of entries in the store.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::helpers::home::{Home, files};
use crate::helpers::program::keyward;

const MANY: usize = 100_000;

const QUESTION: &str = "protocol=https\nhost=example.com\n";

#[test]
fn git_is_answered_by_four_reads_among_many_entries() {
    let home = Home::with_store("--option key.from=file");
    let account = "protocol=https\nhost=example.com\nusername=ann\npassword=s3cret\n";
    home.keyward("helper git store --store s").input(account).run().ends(0);
    let few = reads(&home, QUESTION);
    crowd(&home.path(".local/share/keyward/stores"));
    assert!(String::from_utf8(home.keyward("list s").run().out).unwrap().lines().count() > MANY);
    let many = reads(&home, QUESTION);
    assert_eq!(few, many);
    assert!(few <= 4, "{few}");
}

#[test]
fn git_is_answered_by_four_reads_however_it_asks() {
    let home = Home::with_store("--option key.from=file");
    let account = "protocol=https\nhost=example.com\nusername=ann\npassword=s3cret\n";
    let of_a_path = format!("{account}path=team/repo.git\n");
    home.keyward("helper git store --store s").input(of_a_path).run().ends(0);
    for question in [
        QUESTION,
        "protocol=https\nhost=example.com\nusername=ann\n",
        "protocol=https\nhost=example.com\npath=team/repo.git\n",
        "protocol=https\nhost=example.com\npath=team/repo.git\nusername=ann\n",
    ] {
        let reads = reads(&home, question);
        assert!(reads <= 4, "{reads}: {question}");
    }
}

/// Returns how many entries the storage reads for one answer to git.
fn reads(home: &Home, question: &str) -> usize {
    let log = home.path("strace.log");
    let strace = home.program("strace").args(["-f", "-qq", "-e", "openat2", "-o"]).arg(&log);
    let helper = strace.arg(keyward()).args(["helper", "git", "get", "--store", "s"]);
    let answer = "username=ann\npassword=s3cret\n";
    helper.input(question).run().prints(answer).ends(0);
    // Only a path with a folder, the user's, is that of an entry.
    let is_entry = |path: &str| path.contains('/') && !path.starts_with('.');
    let store =
        |call: &&str| !call.contains("O_DIRECTORY") && call.split('"').nth(1).is_some_and(is_entry);
    fs::read_to_string(log).unwrap().lines().filter(store).count()
}

/// Adds many entries to the one that exists.
fn crowd(stores: &Path) {
    let entry =
        files(stores).into_keys().find(|path| path.ends_with("https%3a%2f%2fann%40example.com"));
    let entry = entry.unwrap();
    let blob = fs::read(&entry).unwrap();
    for other in 0..MANY {
        let path = entry.with_file_name(format!("other-{other}"));
        let mut file =
            fs::File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
        std::io::Write::write_all(&mut file, &blob).unwrap();
    }
}
