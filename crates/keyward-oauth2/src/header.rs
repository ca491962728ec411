use std::borrow::Cow;

use http::HeaderValue;
use keyward_core::{Error, ErrorKind, Record, Result, SecretWriter};
use keyward_kinds::fields;

use crate::client::text;
use crate::request::sensitive;

/// Returns the scheme with which the access token of a record is sent: its type, or `Bearer`.
pub fn scheme(record: &Record) -> Cow<'_, str> {
    match text(record, fields::TOKEN_TYPE) {
        None => "Bearer".into(),
        // Servers disagree about the case.
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => "Bearer".into(),
        Some(scheme) => scheme.into(),
    }
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
