use std::error::Error as StdError;
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Error, ErrorKind, Result, hex};

/// Returns the error, which must be of one of these kinds.
#[track_caller]
pub(crate) fn fails<T>(result: Result<T>, kinds: &[ErrorKind]) -> Error {
    match result {
        Ok(_) => panic!("it succeeds, but should fail as {kinds:?}"),
        Err(error) if kinds.contains(&error.kind()) => error,
        Err(error) => panic!("it should fail as {kinds:?}, but fails as {error:?}"),
    }
}

/// Returns everything that an error can show.
pub(crate) fn everything_shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {}", error.advice().unwrap_or_default());
    let mut source = error.source();
    while let Some(cause) = source {
        write!(shown, " {cause} {cause:?}").unwrap();
        source = cause.source();
    }
    shown
}

/// Checks that `shown` does not contain `secret` in a usual encoding.
#[track_caller]
pub(crate) fn hides(shown: &str, secret: &[u8]) {
    let decimal = format!("{secret:?}");
    let hex = hex::encode(secret);
    let writings = [
        String::from_utf8_lossy(secret).into_owned(),
        decimal.trim_matches(['[', ']']).to_owned(),
        hex.to_uppercase(),
        hex,
        STANDARD.encode(secret),
    ];
    assert!(
        secret.is_empty() || !writings.iter().any(|writing| shown.contains(writing)),
        "a secret is shown"
    );
}
