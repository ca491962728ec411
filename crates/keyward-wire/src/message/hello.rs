//! The first call, in which both sides state their version.

use keyward_core::{Error, ErrorKind, OptionSpec, OptionType, Registration, Result, Role};

use super::failure::escape_text;
use super::words::{meaning, word};
use crate::cbor::{Fields, Malformed, Map, Put as _, Raw, map};
use crate::manifest::{Announced, AnnouncedOption, is_backend_name, is_option_name};

/// The name of the protocol.
const PROTOCOL: &str = "keyward";

/// The version of this implementation. Another major version is another protocol.
pub const MAJOR: u64 = 1;
const MINOR: u64 = 0;

/// The most backends of one program, and the most options of one backend.
const MAX_LISTED: usize = 256;

const TYPES: [(&str, OptionType); 8] = [
    ("text", OptionType::Text),
    ("path", OptionType::Path),
    ("flag", OptionType::Flag),
    ("number", OptionType::Number),
    ("list", OptionType::List),
    ("secret", OptionType::Secret),
    ("duration", OptionType::Duration),
    ("store", OptionType::Store),
];

/// What a program says of itself and its backends.
#[derive(Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name of the program where backends are listed.
    pub package: String,
    /// The version of the program.
    pub version: Option<String>,
    /// The backends that the program provides.
    pub backends: Vec<Announced>,
}

/// Writes the protocol and its version, which both sides send.
pub fn write_version(fields: &mut Fields<'_>) {
    fields.put("protocol", PROTOCOL).put("major", MAJOR).put("minor", MINOR);
    fields.put_list("features", &[(); 0], |_, ()| {});
}

/// Checks the protocol and the version of the other side.
///
/// # Errors
/// [`Refused`](ErrorKind::Refused) for another protocol or another major version of it.
pub fn check_version(fields: &Map<'_>) -> Result<()> {
    let refused = |why: String| Err(Error::new(ErrorKind::Refused, "hello").because(why));
    let spoken = (fields.find::<&str>("protocol"), fields.get::<u64>("major"));
    match spoken {
        (Ok(Some(PROTOCOL)), Ok(MAJOR)) => Ok(()),
        (Ok(Some(PROTOCOL)), Ok(major)) => refused(format!(
            "it uses version {major} of the plugin protocol, and this program uses version {MAJOR}"
        )),
        _ => refused("it does not speak the plugin protocol".to_owned()),
    }
}

/// Writes the answer of a program with these backends.
pub fn write(fields: &mut Fields<'_>, backends: &[Registration]) {
    write_version(fields);
    let from = backends.first().map_or(("", ""), |backend| (backend.package, backend.version));
    fields.put("package", from.0).put("version", from.1);
    fields.put_list("backends", backends, |out, backend| {
        map(out, |fields| {
            fields.put("role", backend.role().name()).put("name", backend.info.name);
            fields.put("help", backend.info.help);
            fields.put_list("options", backend.options, |out, option| {
                map(out, |fields| write_option(fields, option));
            });
        });
    });
}

fn write_option(fields: &mut Fields<'_>, option: &OptionSpec) {
    fields
        .put("name", option.name)
        .put("type", word(&TYPES, option.kind))
        .put_some("default", option.default)
        .put("required", option.required)
        .put("help", option.help);
    if !option.choices.is_empty() {
        fields.put_list("choices", option.choices, |out, choice| choice.put(out));
    }
}

/// Reads the answer of a program. Backends in roles of a later version are ignored.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read(fields: &Map<'_>) -> Result<Hello, Malformed> {
    let mut backends = Vec::new();
    for backend in limited(fields.get("backends")?)? {
        let backend = Map::read(backend.0)?;
        if let Some(role) = Role::from_name(backend.get("role")?) {
            backends.push(read_backend(role, &backend)?);
        }
    }
    Ok(Hello {
        package: escape_text(fields.get("package")?),
        version: fields.find("version")?.map(escape_text),
        backends,
    })
}

fn read_backend(role: Role, fields: &Map<'_>) -> Result<Announced, Malformed> {
    let options = limited(fields.find("options")?.unwrap_or_default())?;
    Ok(Announced {
        role,
        name: name(fields, is_backend_name)?,
        help: escape_text(fields.find("help")?.unwrap_or_default()),
        options: options.iter().map(read_option).collect::<Result<_, _>>()?,
    })
}

fn read_option(option: &Raw<'_>) -> Result<AnnouncedOption, Malformed> {
    let fields = &Map::read(option.0)?;
    let kind = meaning(&TYPES, fields, "type")?;
    let default: Option<&str> = fields.find("default")?;
    if default.is_some_and(|default| kind.default_value(default).is_none()) {
        return Err(Malformed("default"));
    }
    let choices: Vec<&str> = fields.find("choices")?.unwrap_or_default();
    if choices.len() > MAX_LISTED {
        return Err(Malformed("choices"));
    }
    Ok(AnnouncedOption {
        name: name(fields, is_option_name)?,
        kind,
        default: default.map(str::to_owned),
        required: fields.find("required")?.unwrap_or_default(),
        choices: choices.into_iter().map(escape_text).collect(),
        help: escape_text(fields.find("help")?.unwrap_or_default()),
    })
}

/// Reads the field `name`, for which `is_name` must be true.
fn name(fields: &Map<'_>, is_name: impl Fn(&str) -> bool) -> Result<String, Malformed> {
    let name: &str = fields.get("name")?;
    if is_name(name) { Ok(name.to_owned()) } else { Err(Malformed("name")) }
}

/// Checks the length of a list before any of it is read.
fn limited(listed: Vec<Raw<'_>>) -> Result<Vec<Raw<'_>>, Malformed> {
    if listed.len() > MAX_LISTED { Err(Malformed("a list is too long")) } else { Ok(listed) }
}
