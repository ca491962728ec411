//! What `.keyward.toml` may say. Everything in it is public, and it comes from other people.

use std::collections::BTreeMap;
use std::path::Path;

use keyward_core::{MAX_NAME, Result, canonical, printable};
use serde_spanned::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::environment::is_variable_name;
use crate::toml_file::TomlFile;

/// The secrets that a project needs, without their values.
///
/// # Security
/// It names credentials, fields and variables, and nothing else: no store, file, command or server.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use keyward_config::Declaration;
///
/// let text = r#"
///     version = 1
///
///     [secrets.database]
///     kind = "user-password"
///     env = { PGUSER = "username", PGPASSWORD = "password" }
/// "#;
/// let declaration = Declaration::parse(text.as_bytes().to_vec(), Path::new(".keyward.toml"))?;
/// assert_eq!(declaration.secrets[0].name, "database");
/// assert!(declaration.secrets[0].required);
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declaration {
    /// The secrets, sorted by name.
    pub secrets: Vec<DeclaredSecret>,
}

/// A secret that a project needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeclaredSecret {
    /// The name of the credential, for the resolver.
    pub name: String,
    /// The kind that it must have; without one, any kind.
    pub kind: Option<String>,
    /// Whether the project does not work without it.
    pub required: bool,
    /// What it is, in one line; may be empty.
    pub description: String,
    /// The public values that are used if no source has the credential, by field; without a name,
    /// the main secret of the kind.
    pub default: BTreeMap<Option<String>, String>,
    /// The environment variables that programs get, each with its field; without one, the main
    /// secret of the kind.
    pub variables: BTreeMap<String, Option<String>>,
}

const TOP: &[&str] = &["version", "secrets"];

const SECRET: &[&str] = &["kind", "required", "description", "default", "env"];

/// The most secrets, and the most variables or defaults of one secret.
const MOST: usize = 256;

/// The longest text, in bytes.
const LONGEST: usize = 1024;

/// The prefix of Keyward's own variables.
const KEYWARD: &str = "KEYWARD_";

impl Declaration {
    /// Reads the content of a project's file; `path` is for messages.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with file and line, if it is not a valid
    /// declaration. The message quotes no value.
    pub fn parse(content: Vec<u8>, path: &Path) -> Result<Self> {
        let file = TomlFile::new(path, content)?;
        let table = file.parse()?;
        file.check_version(&table)?;
        file.check_keys(&table, TOP, "a project's file")?;
        let secrets = match table.get("secrets") {
            None => Vec::new(),
            Some(secrets) => read_secrets(&file, secrets)?,
        };
        check_variables(&file, &table, &secrets)?;
        Ok(Self { secrets })
    }
}

fn read_secrets(file: &TomlFile, secrets: &Spanned<DeValue<'_>>) -> Result<Vec<DeclaredSecret>> {
    let DeValue::Table(table) = secrets.get_ref() else {
        return Err(file.wrong(secrets.span(), "`secrets` takes a table for each secret"));
    };
    check_number(file, secrets, table)?;
    let secrets = table.iter().map(|(name, secret)| read_secret(file, name, secret));
    let mut secrets: Vec<_> = secrets.collect::<Result<_>>()?;
    secrets.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(secrets)
}

fn read_secret(
    file: &TomlFile,
    name: &Spanned<DeString<'_>>,
    secret: &Spanned<DeValue<'_>>,
) -> Result<DeclaredSecret> {
    canonical("name of the secret", name.get_ref(), MAX_NAME)
        .map_err(|error| file.wrong(name.span(), error.message()))?;
    let DeValue::Table(table) = secret.get_ref() else {
        return Err(file.wrong(secret.span(), "a secret is a table, such as [secrets.database]"));
    };
    file.check_keys(table, SECRET, "a secret")?;
    let declared = DeclaredSecret {
        name: name.get_ref().to_string(),
        kind: line_of(file, table, "kind")?,
        required: file.flag_of(table, "required")?.unwrap_or(true),
        description: line_of(file, table, "description")?.unwrap_or_default(),
        default: read_default(file, table)?,
        variables: read_variables(file, table)?,
    };
    let Some(default) = table.get("default") else { return Ok(declared) };
    if declared.required {
        return Err(file
            .wrong(default.span(), "a required secret has no `default`")
            .hint("A default is public: if it is good enough, add `required = false`"));
    }
    if declared.kind.is_none() {
        return Err(file.wrong(default.span(), "`default` needs a `kind`"));
    }
    Ok(declared)
}

/// Reads `default`: the text of the main secret, or a table of fields with their texts.
fn read_default(file: &TomlFile, table: &DeTable<'_>) -> Result<BTreeMap<Option<String>, String>> {
    let Some(default) = table.get("default") else { return Ok(BTreeMap::new()) };
    let DeValue::Table(fields) = default.get_ref() else {
        return Ok(BTreeMap::from([(None, line(file, "default", default)?)]));
    };
    check_number(file, default, fields)?;
    let fields = fields.iter().map(|(field, text)| {
        let field = checked_line(file, "a field", field.span(), field.get_ref())?;
        Ok((Some(field), line(file, "default", text)?))
    });
    fields.collect()
}

/// Reads `env`: the variable of the main secret, or a table of variables with their fields.
fn read_variables(
    file: &TomlFile,
    table: &DeTable<'_>,
) -> Result<BTreeMap<String, Option<String>>> {
    let Some(variables) = table.get("env") else { return Ok(BTreeMap::new()) };
    let DeValue::Table(fields) = variables.get_ref() else {
        let name = line(file, "env", variables)?;
        check_variable(file, &name, variables.span())?;
        return Ok(BTreeMap::from([(name, None)]));
    };
    check_number(file, variables, fields)?;
    let variables = fields.iter().map(|(name, field)| {
        check_variable(file, name.get_ref(), name.span())?;
        Ok((name.get_ref().to_string(), Some(line(file, "env", field)?)))
    });
    variables.collect()
}

fn check_variable(file: &TomlFile, name: &str, span: std::ops::Range<usize>) -> Result<()> {
    if !is_variable_name(name) || name.len() > LONGEST {
        return Err(file.wrong(span, "the name of a variable has only letters, digits and `_`"));
    }
    if name.starts_with(KEYWARD) {
        return Err(file.wrong(span, format!("{name} is a variable of Keyward itself")));
    }
    Ok(())
}

/// Refuses a variable that two secrets set.
fn check_variables(file: &TomlFile, table: &DeTable<'_>, secrets: &[DeclaredSecret]) -> Result<()> {
    let mut owners = BTreeMap::new();
    for secret in secrets {
        for variable in secret.variables.keys() {
            if let Some(other) = owners.insert(variable, &secret.name) {
                let [one, two] = [other, &secret.name].map(|name| printable(name).to_string());
                let span = table.get("secrets").map(Spanned::span).unwrap_or_default();
                let why = format!("the secrets `{one}` and `{two}` both set {variable}");
                return Err(file.wrong(span, why));
            }
        }
    }
    Ok(())
}

fn check_number(file: &TomlFile, at: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> Result<()> {
    if table.len() > MOST {
        return Err(file.wrong(at.span(), format!("this table has more than {MOST} keys")));
    }
    Ok(())
}

fn line_of(file: &TomlFile, table: &DeTable<'_>, key: &str) -> Result<Option<String>> {
    table.get(key).map(|value| line(file, key, value)).transpose()
}

fn line(file: &TomlFile, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String> {
    match value.get_ref() {
        DeValue::String(text) => checked_line(file, &format!("`{key}`"), value.span(), text),
        _ => Err(file.wrong(value.span(), format!("`{key}` takes text"))),
    }
}

/// Returns a text that can be shown in one line.
fn checked_line(
    file: &TomlFile,
    what: &str,
    span: std::ops::Range<usize>,
    text: &str,
) -> Result<String> {
    if text.len() > LONGEST {
        return Err(file.wrong(span, format!("{what} is longer than {LONGEST} bytes")));
    }
    if text.contains(char::is_control) {
        return Err(file.wrong(span, format!("{what} must be one line without control characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use keyward_core::Error;
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"
            version = 1
            [secrets.database]
            kind = "user-password"
            required = false
            description = "Where the data is"
            default = { username = "dev", password = "dev" }
            env = { PGUSER = "username", PGPASSWORD = "password" }
            [secrets.api]
            env = "API_TOKEN"
            [secrets."Ämter/1"]
            kind = "token"
            required = false
            default = "none"
    "#;

    fn parse(text: &str) -> Result<Declaration> {
        Declaration::parse(text.as_bytes().to_vec(), Path::new("F"))
    }

    fn message(text: &str) -> String {
        parse(text).map_or_else(|error| error.summary_with_hint(), |_| String::new())
    }

    #[test]
    fn every_key_has_its_effect() -> Result<(), Error> {
        let text = |text: &str| text.to_owned();
        let some = |it: &str| Some(it.to_owned());
        let plain = |name: &str| DeclaredSecret {
            name: name.into(),
            kind: None,
            required: true,
            description: String::new(),
            default: BTreeMap::new(),
            variables: BTreeMap::new(),
        };
        let expected = vec![
            DeclaredSecret {
                variables: BTreeMap::from([(text("API_TOKEN"), None)]),
                ..plain("api")
            },
            DeclaredSecret {
                kind: some("user-password"),
                required: false,
                description: text("Where the data is"),
                default: BTreeMap::from([
                    (some("password"), text("dev")),
                    (some("username"), text("dev")),
                ]),
                variables: BTreeMap::from([
                    (text("PGPASSWORD"), some("password")),
                    (text("PGUSER"), some("username")),
                ]),
                ..plain("database")
            },
            DeclaredSecret {
                kind: some("token"),
                required: false,
                default: BTreeMap::from([(None, text("none"))]),
                ..plain("Ämter/1")
            },
        ];
        assert_eq!(parse(TEXT)?.secrets, expected);
        assert_eq!(parse("version = 1")?.secrets, []);
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line_and_not_quoted() {
        let many: String = (0..=MOST).map(|at| format!("S{at} = \"username\"\n")).collect();
        for (text, line, says) in [
            ("[secrets.a]", 1, "`version = 1` is missing"),
            ("version = 2", 1, "this version"),
            (
                "version = 1\nsecret = 1",
                2,
                "`secret` is not a key of a project's file (Did you mean `secrets`?)",
            ),
            ("version = 1\nplugins = []", 2, "`plugins` is not a key"),
            ("version = 1\nsecrets = 1", 2, "takes a table"),
            ("version = 1\n[secrets]\na = 1", 3, "a secret is a table"),
            (
                "version = 1\n[secrets.a]\nknd = 1",
                3,
                "`knd` is not a key of a secret (Did you mean `kind`?)",
            ),
            ("version = 1\n[secrets.a]\ncommand = 'x'", 3, "`command` is not a key"),
            ("version = 1\n[secrets.a]\nvalue = 'hunter2'", 3, "`value` is not a key"),
            ("version = 1\n[secrets.a]\nkind = 1", 3, "`kind` takes text"),
            ("version = 1\n[secrets.a]\nrequired = 'no'", 3, "`required` takes true or false"),
            (
                "version = 1\n[secrets.a]\ndescription = \"a\\u001bb\"",
                3,
                "without control characters",
            ),
            (
                "version = 1\n[secrets.a]\ndefault = 'hunter2'",
                3,
                "a required secret has no `default`",
            ),
            (
                "version = 1\n[secrets.a]\nrequired = false\ndefault = 'hunter2'",
                4,
                "`default` needs a `kind`",
            ),
            ("version = 1\n[secrets.a]\ndefault = { x = 1 }", 3, "`default` takes text"),
            ("version = 1\n[secrets.a]\nenv = 'A-B'", 3, "only letters, digits and `_`"),
            ("version = 1\n[secrets.a]\nenv = { '1A' = 'x' }", 3, "only letters, digits and `_`"),
            ("version = 1\n[secrets.a]\nenv = ['A']", 3, "`env` takes text"),
            ("version = 1\n[secrets.a]\nenv = { A = 1 }", 3, "`env` takes text"),
            ("version = 1\n[secrets.a]\nenv = 'KEYWARD_USER'", 3, "a variable of Keyward itself"),
            (
                "version = 1\n[secrets.a]\nenv = 'A'\n[secrets.b]\nenv = 'A'",
                2,
                "`a` and `b` both set A",
            ),
            ("version = 1\n[secrets.\"\\u001b\"]", 2, "holds a control character"),
            ("version = 1\n[secrets.'']", 2, "is empty"),
            ("version = 1\n[secrets.a]\n[secrets.a]", 3, "is not TOML here"),
            (&format!("version = 1\n[secrets.a.env]\n{many}"), 2, "more than 256"),
            (
                &format!("version = 1\n[secrets.a]\nkind = '{}'", "x".repeat(LONGEST + 1)),
                3,
                "longer than",
            ),
            (&format!("version = 1\nsecrets = {}", "[".repeat(10_000)), 2, "is not TOML here"),
        ] {
            let found = message(text);
            assert!(found.starts_with(&format!("F:{line}: ")), "{text}\n{found}");
            assert!(found.contains(says) && !found.contains("hunter2"), "{text}\n{found}");
            assert!(!found.contains(char::is_control), "{found:?}");
        }
        let latin = Declaration::parse(b"version = 1\n# \xe4".to_vec(), Path::new("F"));
        assert!(latin.unwrap_err().message().starts_with("F:2: is not UTF-8"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(
            bytes: Vec<u8>,
            line in "[a-zA-Z0-9\"'\\[\\]{}=.\n -]{0,60}",
        ) {
            let _ = Declaration::parse(bytes, Path::new("F"));
            let _ = parse(&format!("version = 1\n{line}"));
            let _ = parse(&format!("version = 1\n[secrets.a]\n{line}"));
            let _ = parse(&format!("version = 1\n[secrets.a]\nenv = {line}"));
        }
    }
}
