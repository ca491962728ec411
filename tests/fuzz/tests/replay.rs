//! Every target holds for all files of its corpus.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use keyward_fuzz::TARGETS;

/// The timeout of `cargo xtask fuzz` for one input, there with libFuzzer's faster build.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn every_corpus_is_replayed() {
    for (name, target) in TARGETS {
        let files = entries(&format!("corpus/{name}"));
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            // Shown only if the target panics.
            println!("corpus/{name}/{file}");
            let bytes = fs::read(folder(&format!("corpus/{name}/{file}"))).unwrap();
            let started = Instant::now();
            target(&bytes);
            assert!(started.elapsed() < PATIENCE, "it takes {:?}", started.elapsed());
        }
    }
}

#[test]
fn every_target_has_a_corpus() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "two have one name");
    assert_eq!(targets, entries("corpus"));
}

fn entries(path: &str) -> BTreeSet<String> {
    let names = fs::read_dir(folder(path)).expect("the folder is there");
    names
        .map(|entry| entry.expect("it is read").file_name().into_string().expect("ASCII"))
        .collect()
}

fn folder(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
