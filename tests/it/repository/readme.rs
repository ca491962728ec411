//! What the README shows is what happens.

use crate::helpers::console_pages::{differences, steps_of};
use crate::helpers::home::Home;

#[test]
fn the_transcript_is_true() {
    let steps = steps_of("README.md");
    assert!(!steps.is_empty(), "README.md shows no console session");
    assert_eq!(differences(&Home::new(), steps), Vec::<String>::new());
}
