use std::borrow::Cow;

use http::HeaderValue;
use keyward_core::{Error, ErrorKind, Record, Result, SecretWriter};
use keyward_kinds::fields;

use crate::client::text;
use crate::request::sensitive;

/// Returns the scheme with which the access token of a record is sent: its type, or `Bearer` if it has
/// none that a header can contain. It is always one word.
pub fn scheme(record: &Record) -> Cow<'_, str> {
    match text(record, fields::TOKEN_TYPE).filter(|scheme| is_word(scheme.as_bytes())) {
        None => "Bearer".into(),
        // Servers disagree about the case.
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => "Bearer".into(),
        Some(scheme) => scheme.into(),
    }
}

/// Whether this can be the scheme in a header: a token of RFC 9110 section 5.6.2.
pub(crate) fn is_word(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_part)
}

/// Returns the header `Authorization` for a request with the access token of a record (RFC 6750
/// section 2.1). It is marked as sensitive.
///
/// # Errors
/// [`Unauthorized`](ErrorKind::Unauthorized) if there is no token, or an empty one;
/// [`Invalid`](ErrorKind::Invalid) if a header cannot contain it.
///
/// # Examples
/// ```
/// use keyward_core::{Field, Record};
///
/// let record = Record::new("oauth2").with("access_token", Field::secret("t0ken"));
/// let header = keyward_oauth2::authorization(&record)?;
/// assert_eq!(header.as_bytes(), b"Bearer t0ken");
/// assert_eq!(format!("{header:?}"), "Sensitive");
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn authorization(record: &Record) -> Result<HeaderValue> {
    use std::io::Write;
    let token = record.field(fields::ACCESS_TOKEN).filter(|token| !token.value.is_empty());
    let Some(token) = token else {
        return Err(
            Error::new(ErrorKind::Unauthorized, "token").because("there is no access token")
        );
    };
    let mut header = SecretWriter::new();
    write!(header, "{} ", scheme(record)).expect("memory can be written");
    header.write_all(token.value.expose()).expect("memory can be written");
    sensitive(&header.finish())
}
