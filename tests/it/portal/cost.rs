//! What a login costs, counted in instructions: an unknown user costs what a known one does.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::helpers::home::{Home, clean_environment};
use crate::helpers::program::example;

/// Counts the instructions of one login, from the start of the program.
fn instructions(home: &Home, auth: &str, user: &str, password: &str) -> u64 {
    let mut command = Command::new("valgrind");
    clean_environment(&mut command, home.folder());
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(example("one_check")).args([auth, user]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("valgrind is installed");
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let counted = said.lines().find_map(|line| line.split_once("Collected :"));
    counted.expect("callgrind counts").1.trim().parse().unwrap()
}

/// A chain of checkers of one user `ann`, and how many instructions the hash costs at least.
fn checkers(home: &Home) -> Vec<(String, u64)> {
    let bcrypt = "$2y$05$ZOCatK5lmiEHk94j42Uuh.LmQcDeT3Ndkd32Tv7Oq6l0nzp77sCv6";
    let sha512 = "$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40";
    let path = |name: &str, text: &str| home.write(name, text).display().to_string();
    let plain = path("plain", "ann:test\n");
    let passwd = path("passwd", "ann:x:1000:1000::/:/bin/sh\n");
    let shadow = path("shadow", &format!("ann:{sha512}:19000:0:99999:7:::\n"));
    vec![
        (format!("htpasswd:{}", path("bcrypt", &format!("ann:{bcrypt}\n"))), 1_000_000),
        (format!("unix:{passwd}:shadow={shadow}"), 1_000_000),
        (format!("file:{plain}"), 0),
    ]
}

#[test]
fn known_and_unknown_users_cost_the_same() {
    let home = Home::in_memory();
    for (auth, hash) in checkers(&home) {
        let grid = [("ann", "wrong"), ("bob", "wrong"), ("ann", ""), ("bob", "")];
        let counted: BTreeMap<_, _> = std::thread::scope(|scope| {
            let count = |(user, password)| {
                let (home, auth) = (&home, &auth);
                scope.spawn(move || instructions(home, auth, user, password))
            };
            let threads: Vec<_> = grid.map(|case| (case, count(case))).into_iter().collect();
            threads.into_iter().map(|(case, thread)| (case, thread.join().unwrap())).collect()
        });
        let (least, most) = (counted.values().min().unwrap(), counted.values().max().unwrap());
        assert!(*least > hash, "{auth}: {counted:?}");
        assert!((most - least) * 100 <= *most, "{auth}: {counted:?}");
    }
}
