//! Checkers and policies as strings, from arguments and configuration.

use std::str::from_utf8;

use keyward_plugin::{Options, Value, options};
use keyward_portal::{AuthSpec, Expression, Verdict};

options! {
    /// Options of each type that a string can have.
    pub struct Example {
        /// The one that a value alone is for.
        pub file: std::path::PathBuf,
        /// A text.
        pub delim: String = ":",
        /// True or false.
        pub legacy: bool = false,
        /// A number.
        pub field: u64 = 0,
        /// Several texts.
        pub names: Vec<String>,
        /// A duration.
        pub wait: std::time::Duration = "30s",
    }
}

/// A text is refused, or means the same after its values were escaped again.
pub fn auth_string(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    if let Ok(policy) = Expression::parse(text) {
        let again = Expression::parse(&policy.to_string()).expect("it is one");
        assert_eq!(again, policy);
        let is = |name: &str| if name.len().is_multiple_of(2) { Verdict::YES } else { Verdict::NO };
        policy.evaluate(&mut |name| Ok(is(name))).expect("each name has an answer");
    }
    if let Ok(policy) = Expression::parse_flumotion(text) {
        Expression::parse(&policy.to_string()).expect("it is written with parentheses");
    }
    let Ok(spec) = AuthSpec::parse(text) else { return };
    let Ok(values) = spec.values(Example::TABLE) else { return };
    let Some(Value::Text(file)) = values.get("file") else { return };
    let escaped = file.replace('%', "%25").replace(':', "%3a");
    let again =
        AuthSpec::parse(&format!("x:file={escaped}")).and_then(|it| it.values(Example::TABLE));
    // What is too long with its escapes is refused.
    if let Ok(again) = again {
        assert_eq!(again.get("file"), values.get("file"));
    }
}
