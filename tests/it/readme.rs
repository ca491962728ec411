//! What the README shows is what happens.

use std::fs;

use xtask::root;
use xtask::transcript::{Home, steps};

use crate::program::keyward;

#[test]
fn the_transcript_is_true() {
    let steps = steps(&fs::read_to_string(root().join("README.md")).unwrap());
    assert!(!steps.is_empty(), "README.md shows no console session");
    let keyward = keyward();
    let programs = keyward.parent().unwrap();
    let home =
        Home::new(&programs.join(format!("readme-{}", std::process::id())), programs).unwrap();
    for step in steps {
        let printed = home.run(&step).unwrap();
        assert!(
            step.agrees(&printed),
            "$ {}\n{printed}\n— and README.md says\n{}",
            step.command,
            step.expected
        );
    }
}
