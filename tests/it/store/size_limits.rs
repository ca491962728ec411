//! Small inputs that claim to be large or need much work: each soon gives an error, in little
//! memory.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use keyward::ErrorKind;
use keyward_testkit::Scratch;

use crate::helpers::home::{Home, files};
use crate::helpers::program::keyward;

const SERIALIZERS: [&str; 4] = ["json", "cbor", "bincode", "postcard"];
const MEMORY: u64 = 256 << 20;
const SOON: Duration = Duration::from_secs(2);

fn bombs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/own/bombs");
    let bombs: Vec<_> = folder.read_dir().unwrap().map(|found| found.unwrap().path()).collect();
    assert!(bombs.len() >= 11, "the bombs are not all there");
    bombs
}

/// Runs the command with this limit on its memory, and returns its exit code and its errors.
fn run_small(memory: u64, command: &mut Command) -> (Option<i32>, String) {
    let mut small = Command::new("prlimit");
    small.arg(format!("--as={memory}")).arg(command.get_program()).args(command.get_args());
    small.env("RUST_BACKTRACE", "0");
    let started = Instant::now();
    let output = small.output().unwrap();
    assert!(started.elapsed() < SOON, "{command:?} took {:?}", started.elapsed());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn no_serializer_allocates_what_a_small_input_claims() {
    for bomb in bombs() {
        for serializer in SERIALIZERS {
            let mut decode = Command::new(env!("CARGO_BIN_EXE_decode"));
            let (code, stderr) = run_small(MEMORY, decode.arg(serializer).arg(&bomb));
            let expected = Some(i32::from(ErrorKind::Corrupt.code()));
            assert_eq!(code, expected, "{serializer}: {}: {stderr}", bomb.display());
        }
    }
}

/// A list of lists of empty texts: each takes one byte in the message, and sixteen in memory if all
/// are read before they are counted. A program needs 20 MiB to start.
#[test]
fn small_messages_of_plugins_need_little_memory() {
    let texts = [&b"\x99\xff\xff"[..], &[0x60; 0xffff]].concat();
    let message = [&b"\xa2\x62id\x01\x66answer\xa1\x67entries\x90"[..], &texts.repeat(16)].concat();
    let scratch = Scratch::new();
    let file = scratch.file("message", &message);
    let decode = |memory: u64, file: &str| {
        let mut decode = Command::new(env!("CARGO_BIN_EXE_decode"));
        run_small(memory, decode.arg("message").arg(file))
    };
    // What the program needs by itself depends on what is linked into it.
    let small = scratch.file("small", b"\xa1\x62id\x01");
    let needed = (1..100).map(|size| size << 20).find(|size| decode(*size, &small).0 == Some(0));
    let (code, stderr) = decode(needed.unwrap() + (8 << 20), &file);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn a_small_configuration_needs_little_memory() {
    for bomb in bombs() {
        let home = Home::in_memory();
        for place in [".config/keyward/config.toml", ".config/keyward/stores/work.toml"] {
            let place = home.path(place);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::copy(&bomb, &place).unwrap();
            let small = home.program("prlimit").arg(format!("--as={MEMORY}"));
            let started = Instant::now();
            let info = small.arg(keyward()).args(["info", "work"]).run();
            assert!(started.elapsed() < SOON, "{}: {:?}", bomb.display(), started.elapsed());
            assert!(matches!(info.code, 2 | 7), "{}: {info:?}", bomb.display());
            assert!(info.err.len() < 1000, "{}: it quotes the file", bomb.display());
            std::fs::remove_file(&place).unwrap();
        }
    }
}

/// One changed byte in a sealed record makes scrypt need 4 GiB instead of 256 MiB.
#[test]
fn age_needs_little_memory_for_a_refused_work_factor() {
    let home = Home::new();
    let passphrase = home.write("passphrase", "a passphrase");
    std::fs::set_permissions(&passphrase, PermissionsExt::from_mode(0o600)).unwrap();
    let passphrase = passphrase.display();
    home.keyward("init work --encryption age --option")
        .arg(format!("encryption.passphrase={{ from = \"file\", path = \"{passphrase}\" }}"))
        .run()
        .ends(0);
    home.keyward("set work ann --user ann --stdin").input("secret").run().ends(0);
    let limited = || {
        let limit = format!("--as={}", 1_u64 << 30);
        let get = ["get", "work", "--user", "ann"];
        home.program("prlimit").arg(limit).arg(keyward()).args(get).run()
    };
    limited().ends(0);

    let stores = home.path(".local/share/keyward/stores");
    let (record, mut sealed) =
        files(&stores).into_iter().find(|(path, _)| path.ends_with("ann/%")).unwrap();
    let stanza = sealed.windows(10).position(|part| part == b"-> scrypt ").unwrap();
    let end = stanza + sealed[stanza..].iter().position(|byte| *byte == b'\n').unwrap();
    assert_eq!(sealed[end - 2..end], *b"18");
    sealed[end - 2..end].copy_from_slice(b"22");
    std::fs::write(stores.join(record), sealed).unwrap();
    limited().ends(7).says("4097 MiB").says("hint: ");
    // A seal needs memory too.
    let limit = format!("--as={}", 128 << 20);
    let set = home.program("prlimit").arg(limit).arg(keyward()).args(["set", "work", "bob"]);
    set.args(["--user", "bob", "--stdin"]).input("secret").run().ends(7).says("257 MiB");
}
