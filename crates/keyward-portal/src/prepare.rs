//! Names in the one form in which they are compared.

use std::borrow::Cow;

use keyward_core::Identity;
use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

use crate::Malformed;

#[cfg(test)]
mod tests;

/// Returns the canonical form of a user's name: the profile UsernameCasePreserved (RFC 8265) of each
/// part between spaces.
///
/// Two names that look the same to their user have the same form. Case is kept: whether it counts
/// is for the checker to say.
///
/// # Errors
/// [`Malformed`] if the name is empty or longer than [`Identity::MAX`], or if it contains what no
/// name may contain: a control character, a space at an end, a letter that is only a form of another
/// one, or a mixture of directions of writing.
///
/// # Examples
/// ```
/// use keyward_portal::prepare_user;
///
/// assert_eq!(prepare_user("Zoe\u{308}").unwrap(), "Zo\u{eb}");
/// assert!(prepare_user("ann\n").is_err());
/// ```
pub fn prepare_user(name: &str) -> Result<String, Malformed> {
    if name.is_empty() {
        return Err(Malformed::new("the name of the user is empty"));
    }
    if name.len() > Identity::MAX {
        return Err(TOO_LONG);
    }
    // Most names are of this kind, and the profile changes nothing in them.
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(name.to_owned());
    }
    let prepared = enforced(name)?;
    if prepared.len() > Identity::MAX {
        return Err(TOO_LONG);
    }
    // Few names change again. Their users could log in with one of the forms only.
    if enforced(&prepared)? != prepared {
        return Err(NO_NAME);
    }
    Ok(prepared)
}

fn enforced(name: &str) -> Result<String, Malformed> {
    let parts: Result<Vec<_>, _> = name.split(' ').map(UsernameCasePreserved::enforce).collect();
    let parts: Vec<Cow<'_, str>> = parts.map_err(|_| NO_NAME)?;
    Ok(parts.join(" "))
}

const NO_NAME: Malformed = Malformed::new("the name of the user contains what no name may contain");

const TOO_LONG: Malformed = Malformed::new("the name of the user is longer than 1024 bytes");
