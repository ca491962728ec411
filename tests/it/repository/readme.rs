//! What the README shows is what happens.

use crate::helpers::console_pages;

#[test]
fn the_transcript_is_true() {
    assert_eq!(console_pages::wrong("README.md"), Vec::<String>::new());
    assert!(console_pages::steps_of("README.md") > 0, "README.md shows no console session");
}
