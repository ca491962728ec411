//! What the README shows is what happens.

use crate::session;

#[test]
fn the_transcript_is_true() {
    assert_eq!(session::wrong("README.md"), Vec::<String>::new());
    assert!(session::steps_of("README.md") > 0, "README.md shows no console session");
}
