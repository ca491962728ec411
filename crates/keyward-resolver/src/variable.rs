//! The environment variables that contain credentials: [`variable_name`] and [`parse_variable`].

/// What the name of each such variable begins with.
pub const VARIABLE_PREFIX: &str = "KEYWARD_CREDENTIAL_";

/// Returns the environment variable for a field of the credential of this name:
/// `KEYWARD_CREDENTIAL_<NAME>_<FIELD>`.
///
/// The mapping is one-to-one: [`parse_variable`] returns name and field again. In the name, a
/// letter from `a` to `z` becomes its capital and a digit stays; every other byte of its UTF-8
/// becomes `__` and two capital hexadecimal digits. In the field, each letter becomes its capital.
/// A single `_`, with a letter after it, is between the two.
///
/// Returns `None` if `field` cannot be the name of a field: a letter, then lower-case letters,
/// digits and `_`.
///
/// # Examples
/// ```
/// use keyward_resolver::variable_name;
///
/// let variable = |name, field| variable_name(name, field).unwrap();
/// assert_eq!(variable("work", "password"), "KEYWARD_CREDENTIAL_WORK_PASSWORD");
/// assert_eq!(variable("my-s3", "access_key_id"), "KEYWARD_CREDENTIAL_MY__2DS3_ACCESS_KEY_ID");
/// assert_eq!(variable("A_b", "key"), "KEYWARD_CREDENTIAL___41__5FB_KEY");
/// assert_eq!(variable_name("work", "Pass word"), None);
/// ```
pub fn variable_name(name: &str, field: &str) -> Option<String> {
    is_field(field).then(|| variable_prefix(name) + &field.to_ascii_uppercase())
}

/// Returns what the variables of all fields of a credential begin with.
///
/// The variables of another credential can begin with it too: only [`parse_variable`] decides.
pub(crate) fn variable_prefix(name: &str) -> String {
    let mut variable = VARIABLE_PREFIX.to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => variable.push(byte.to_ascii_uppercase().into()),
            _ => variable += &format!("__{byte:02X}"),
        }
    }
    variable + "_"
}

/// Returns the name and the field whose value a variable contains, if it is such a variable.
///
/// # Examples
/// ```
/// use keyward_resolver::parse_variable;
///
/// let found = parse_variable("KEYWARD_CREDENTIAL_MY__2DS3_ACCESS_KEY_ID");
/// assert_eq!(found, Some(("my-s3".into(), "access_key_id".into())));
/// assert_eq!(parse_variable("KEYWARD_CREDENTIAL_work_PASSWORD"), None);
/// ```
pub fn parse_variable(variable: &str) -> Option<(String, String)> {
    let mut rest = variable.strip_prefix(VARIABLE_PREFIX)?;
    let mut name = Vec::new();
    let field = loop {
        if let Some(escaped) = rest.strip_prefix("__") {
            name.push(u8::from_str_radix(escaped.get(..2)?, 16).ok()?);
            rest = &escaped[2..];
        } else if let Some(field) = rest.strip_prefix('_') {
            break field.to_ascii_lowercase();
        } else {
            name.push(rest.bytes().next()?.to_ascii_lowercase());
            rest = rest.get(1..)?;
        }
    };
    let name = String::from_utf8(name).ok()?;
    // Another spelling, such as an escaped letter or a small one, is not a second variable.
    (variable_name(&name, &field)? == variable).then_some((name, field))
}

/// Whether a field can have this name.
fn is_field(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(is_valid)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn another_spelling_is_not_a_variable() {
        for variable in [
            "KEYWARD_CREDENTIAL_",
            "KEYWARD_CREDENTIAL_WORK",
            "KEYWARD_CREDENTIAL_WORK_",
            "KEYWARD_CREDENTIAL_WORK__",
            "KEYWARD_CREDENTIAL_WORK_2",
            "KEYWARD_CREDENTIAL_WORK___2",
            "KEYWARD_CREDENTIAL_WORK_password",
            "KEYWARD_CREDENTIAL_work_PASSWORD",
            "KEYWARD_CREDENTIAL_MY__2dS3_KEY",
            "KEYWARD_CREDENTIAL_MY__+DS3_KEY",
            "KEYWARD_CREDENTIAL_MY-S3_KEY",
            "KEYWARD_CREDENTIAL___41_KEY_ID-",
            "KEYWARD_CREDENTIAL___61_KEY",
            "KEYWARD_CREDENTIAL___FF_KEY",
            "KEYWARD_CREDENTIAL_\u{e9}_KEY",
            "KEYWARD_CREDENTIAL___\u{e9}_KEY",
            "keyward_credential_work_password",
        ] {
            assert_eq!(parse_variable(variable), None, "{variable}");
        }
    }

    /// Names of characters that the mapping treats differently.
    fn confusable() -> impl Strategy<Value = String> {
        "[aA5_2D-]{0,6}"
    }

    fn field() -> impl Strategy<Value = String> {
        "[a-d][a-d0-9_]{0,6}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn every_name_and_field_come_back(name in any::<String>(), field in field()) {
            let variable = variable_name(&name, &field).unwrap();
            let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            prop_assert!(variable.bytes().all(is_plain), "{}", variable);
            prop_assert!(variable.starts_with(&variable_prefix(&name)));
            prop_assert_eq!(parse_variable(&variable), Some((name, field)));
        }

        #[test]
        fn no_two_pairs_share_a_variable(
            pairs in proptest::collection::hash_set((confusable(), field()), 1..16)
        ) {
            let mut seen = HashMap::new();
            for (name, field) in pairs {
                let variable = variable_name(&name, &field).unwrap();
                let other = seen.insert(variable, (name, field));
                prop_assert_eq!(other, None);
            }
        }

        #[test]
        fn what_parses_is_written_the_same(rest in "[A-D0-9_]{0,24}|\\PC{0,24}") {
            let variable = format!("{VARIABLE_PREFIX}{rest}");
            if let Some((name, field)) = parse_variable(&variable) {
                prop_assert_eq!(variable_name(&name, &field), Some(variable));
            }
        }
    }
}
