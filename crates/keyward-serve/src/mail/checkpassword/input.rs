use keyward_core::Secret;

/// The most bytes that there can be.
pub(super) const MAX: usize = 512;

/// What descriptor 3 gives.
#[derive(Debug, PartialEq, Eq)]
pub struct Input {
    /// The name of the user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Input {
    /// Reads a name, a password and a third part, with a NUL after each. What follows is ignored, and
    /// so is the third part. `None` if a part is missing, or if the name is empty or no text.
    pub fn parse(bytes: &Secret) -> Option<Self> {
        let mut parts =
            bytes.expose().split_inclusive(|byte| *byte == 0).map(|part| part.strip_suffix(b"\0"));
        let (user, password, _) = (parts.next()??, parts.next()??, parts.next()??);
        let user = std::str::from_utf8(user).ok().filter(|user| !user.is_empty())?;
        Some(Self { user: user.to_owned(), password: password.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(String, String)> {
        let input = Input::parse(&text.into())?;
        Some((input.user, input.password.expose_str()?.to_owned()))
    }

    #[test]
    fn there_are_three_parts() {
        let found = Some(("ann".to_owned(), "pw".to_owned()));
        assert_eq!(parse("ann\0pw\0Y123456\0"), found);
        assert_eq!(parse("ann\0pw\0\0rest"), found);
        assert_eq!(parse("ann\0\0\0"), Some(("ann".to_owned(), String::new())));
        for wrong in ["", "ann", "ann\0", "ann\0pw", "ann\0pw\0", "ann\0pw\0x", "\0pw\0x\0"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(Input::parse(&Secret::from(&b"\xff\0pw\0x\0"[..])), None);
    }
}
