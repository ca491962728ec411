use std::ops::Range;
use std::path::{Path, PathBuf};

use keyward_core::{Digest, Pin};
use keyward_core::{Door, Error, Result, Role};
use keyward_wire::manifest::is_backend_name;
use toml::de::{DeTable, DeValue};

use crate::definition::{self, Definition};
use crate::layer::Layer;
use crate::name::PluginName;
use crate::toml_file::TomlFile;
use crate::toml_value::quoted;

/// The file that describes a plugin: which file is trusted, how it is used, and which backends it
/// provides.
///
/// The file lists the backends, so that no code of the plugin runs before one of its backends is
/// needed.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use keyward_config::{Layer, PluginFile, PluginName};
/// use keyward_core::{Door, Role};
///
/// let text = r#"
///     version = 1
///     door = "load"
///     path = "/usr/lib/keyward/libshelf.so"
///     sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
///     backends = ["storage shelf"]
/// "#;
/// let name = PluginName::new("shelf")?;
/// let plugin = PluginFile::parse(text, Path::new("shelf.toml"), &name, Layer::User)?;
/// assert_eq!(plugin.door, Door::Loaded);
/// assert_eq!(plugin.backends, [(Role::Storage, "shelf".to_owned())]);
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFile {
    /// The plugin's name.
    pub name: PluginName,
    /// Whether it is a file of the system or of the user.
    pub layer: Layer,
    /// The path of this file.
    pub path: PathBuf,
    /// Whether the plugin is loaded, or runs as a separate process.
    pub door: Door,
    /// The plugin itself: a shared library or a program.
    pub pin: Pin,
    /// The program that runs the plugin, if the plugin is a library that runs in a separate
    /// process: `keyward`. It is not pinned, because it changes with every update of Keyward.
    pub host: Option<PathBuf>,
    /// The other libraries that a library needs.
    pub needs: Vec<Pin>,
    /// The arguments of a program.
    pub arguments: Vec<String>,
    /// The names of the environment variables that the plugin's process can see. It sees no others.
    pub environment: Vec<String>,
    /// The backends that it provides.
    pub backends: Vec<(Role, String)>,
}

const TOP: &[&str] =
    &["version", "door", "path", "sha256", "host", "needs", "arguments", "environment", "backends"];

const NEED: &[&str] = &["path", "sha256"];

/// The longest list in such a file.
const MOST: usize = 256;

/// The longest text in such a file, in bytes; a path can be as long.
const LONGEST: usize = 4096;

impl Definition for PluginFile {
    type Name = PluginName;

    fn read(file: &TomlFile, name: &PluginName, layer: Layer) -> Result<Self> {
        let table = file.parse()?;
        file.check_version(&table)?;
        file.check_keys(&table, TOP, "a plugin's file")?;
        let door = door(file, &table)?;
        let host = short_text(file, &table, "host")?.map(PathBuf::from);
        check_stray(file, &table, door, host.is_some())?;
        Ok(Self {
            name: name.clone(),
            layer,
            path: file.path.clone(),
            door,
            pin: pin(file, &table, 0..0)?,
            host,
            needs: needs(file, &table)?,
            arguments: list(file, &table, "arguments", |text| !text.contains('\0'))?,
            environment: list(file, &table, "environment", Self::may_see)?,
            backends: backends(file, &table)?,
        })
    }
}

impl PluginFile {
    /// Reads the text of this plugin's file; `path` is the path of the file.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with file and line, if it does not describe a
    /// plugin.
    pub fn parse(text: &str, path: &Path, name: &PluginName, layer: Layer) -> Result<Self> {
        Self::read(&TomlFile::from_text(path, text), name, layer)
    }

    /// Whether the plugin is a shared library, and not a program.
    pub fn is_library(&self) -> bool {
        self.door == Door::Loaded || self.host.is_some()
    }

    /// Whether a plugin may see a variable of this name. Variables that begin with `LD_` choose the
    /// libraries that a program gets, and so the code that it runs.
    pub fn may_see(variable: &str) -> bool {
        !variable.is_empty() && !variable.contains(['=', '\0']) && !variable.starts_with("LD_")
    }

    /// Returns the text of the file, which [`parse`](Self::parse) reads as the same plugin.
    pub fn render(&self) -> String {
        let path = |pin: &Pin| quoted(&pin.path.to_string_lossy());
        let mut text = format!(
            "version = 1\ndoor = {}\npath = {}\nsha256 = \"{}\"\n",
            quoted(door_name(self.door)),
            path(&self.pin),
            self.pin.digest
        );
        if let Some(host) = &self.host {
            text += &format!("host = {}\n", quoted(&host.to_string_lossy()));
        }
        for (key, texts) in [("arguments", &self.arguments), ("environment", &self.environment)] {
            if !texts.is_empty() {
                text += &format!("{key} = {}\n", quoted_list(texts.iter().map(String::as_str)));
            }
        }
        let backends: Vec<_> =
            self.backends.iter().map(|(role, name)| format!("{role} {name}")).collect();
        text += &format!("backends = {}\n", quoted_list(backends.iter().map(String::as_str)));
        for need in &self.needs {
            text += &format!("\n[[needs]]\npath = {}\nsha256 = \"{}\"\n", path(need), need.digest);
        }
        text
    }

    /// Writes the file, unless there is one.
    pub(crate) fn create(&self) -> Result<()> {
        definition::create(&self.path, self.layer, &self.checked()?)
    }

    /// Replaces the file.
    pub(crate) fn replace(&self) -> Result<()> {
        definition::replace(&self.path, self.layer, &self.checked()?)
    }

    /// Returns the text of the file, after checking that it is read as the same plugin.
    fn checked(&self) -> Result<String> {
        let text = self.render();
        match Self::parse(&text, &self.path, &self.name, self.layer)? == *self {
            true => Ok(text),
            false => Err(Error::invalid("config", "the plugin's path is not UTF-8")),
        }
    }
}

const fn door_name(door: Door) -> &'static str {
    match door {
        Door::Run => "run",
        Door::Loaded | Door::Linked => "load",
    }
}

fn door(file: &TomlFile, table: &DeTable<'_>) -> Result<Door> {
    let found = file.text_of(table, "door")?;
    let door = [Door::Loaded, Door::Run]
        .into_iter()
        .find(|door| found.as_deref() == Some(door_name(*door)));
    door.ok_or_else(|| {
        file.wrong(span(table, "door"), "`door` is missing or is not \"load\" or \"run\"")
    })
}

/// Refuses keys that do not apply to this kind of plugin.
fn check_stray(file: &TomlFile, table: &DeTable<'_>, door: Door, is_hosted: bool) -> Result<()> {
    let (stray, why): (&[&str], _) = match (door, is_hosted) {
        (Door::Run, false) => (&["needs"], "a program finds the libraries that it needs"),
        (Door::Run, true) => (&["arguments"], "a library takes no arguments"),
        _ => (&["host", "arguments", "environment"], "it needs `door = \"run\"`"),
    };
    match stray.iter().find_map(|key| table.get_key_value(*key)) {
        Some((key, _)) => {
            Err(file.wrong(key.span(), format!("`{}` cannot be used here: {why}", key.get_ref())))
        }
        None => Ok(()),
    }
}

/// Reads `path` and `sha256`. If one is missing, the error names the line at `at`.
fn pin(file: &TomlFile, table: &DeTable<'_>, at: Range<usize>) -> Result<Pin> {
    let path = short_text(file, table, "path")?;
    let path = path.ok_or_else(|| file.wrong(at.clone(), "`path` is missing"))?;
    let digest = file.text_of(table, "sha256")?;
    let digest = digest.ok_or_else(|| file.wrong(at, "`sha256` is missing"))?;
    let digest: Digest = digest
        .parse()
        .map_err(|error: Error| file.wrong(span(table, "sha256"), error.message()))?;
    Ok(Pin { path: PathBuf::from(path), digest })
}

fn needs(file: &TomlFile, table: &DeTable<'_>) -> Result<Vec<Pin>> {
    let Some(value) = table.get("needs") else { return Ok(Vec::new()) };
    let wrong = || file.wrong(value.span(), "`needs` takes tables: [[needs]]");
    let DeValue::Array(items) = value.get_ref() else { return Err(wrong()) };
    check_length(file, items.len(), "needs", value.span())?;
    let pins = items.iter().map(|item| {
        let DeValue::Table(need) = item.get_ref() else { return Err(wrong()) };
        file.check_keys(need, NEED, "`needs`")?;
        pin(file, need, item.span())
    });
    pins.collect()
}

fn backends(file: &TomlFile, table: &DeTable<'_>) -> Result<Vec<(Role, String)>> {
    let mut backends = Vec::new();
    for text in list(file, table, "backends", |text| backend(text).is_some())? {
        backends.extend(backend(&text).filter(|found| !backends.contains(found)));
    }
    match backends.is_empty() {
        true => Err(file.wrong(span(table, "backends"), "`backends` is empty")),
        false => Ok(backends),
    }
}

/// Reads `storage shelf`.
fn backend(text: &str) -> Option<(Role, String)> {
    let (role, name) = text.split_once(' ')?;
    Some((Role::from_name(role)?, name.to_owned())).filter(|_| is_backend_name(name))
}

fn list(
    file: &TomlFile,
    table: &DeTable<'_>,
    key: &str,
    is_valid: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let Some(value) = table.get(key) else { return Ok(Vec::new()) };
    let DeValue::Array(items) = value.get_ref() else {
        return Err(file.wrong(value.span(), format!("`{key}` takes a list of texts")));
    };
    check_length(file, items.len(), key, value.span())?;
    let texts = items.iter().map(|item| match item.get_ref() {
        DeValue::String(text) if text.len() <= LONGEST && is_valid(text) => Ok(text.to_string()),
        _ => Err(file.wrong(item.span(), format!("this is not valid in `{key}`"))),
    });
    texts.collect()
}

fn check_length(file: &TomlFile, length: usize, key: &str, span: Range<usize>) -> Result<()> {
    match length > MOST {
        true => Err(file.wrong(span, format!("`{key}` has more than {MOST} items"))),
        false => Ok(()),
    }
}

fn short_text(file: &TomlFile, table: &DeTable<'_>, key: &str) -> Result<Option<String>> {
    let text = file.text_of(table, key)?;
    match text.as_ref().is_some_and(|text| text.len() > LONGEST || text.contains('\0')) {
        true => Err(file.wrong(span(table, key), format!("`{key}` is not a path"))),
        false => Ok(text),
    }
}

fn span(table: &DeTable<'_>, key: &str) -> Range<usize> {
    table.get(key).map(|value| value.span()).unwrap_or_default()
}

fn quoted_list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", texts.map(quoted).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str) -> Result<PluginFile> {
        let name = PluginName::new("shelf").unwrap();
        PluginFile::parse(text, Path::new("shelf.toml"), &name, Layer::User)
    }

    fn loaded() -> String {
        format!(
            "version = 1\ndoor = \"load\"\npath = \"/p.so\"\nsha256 = \"{HASH}\"\nbackends = [\"storage shelf\"]\n"
        )
    }

    fn change_name(name: &str) -> String {
        loaded().replace("storage shelf", &format!("storage {name}"))
    }

    fn run() -> String {
        loaded().replace("\"load\"", "\"run\"")
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let needs = format!("[[needs]]\npath = '/a b'\nsha256 = '{HASH}'\n");
        for text in [
            loaded(),
            loaded().replace("shelf\"", "shelf\", \"key shelf\""),
            change_name("my_shelf-2.0"),
            loaded() + &needs + &needs,
            run() + "arguments = ['-x', \"a\\n\\\"b\", '']\nenvironment = ['LANG', 'PATH']\n",
            run() + "host = '/usr/bin/keyward'\nenvironment = ['LANG']\n" + &needs,
        ] {
            let file = parse(&text).unwrap();
            assert_eq!(parse(&file.render()).unwrap(), file, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let change = |from: &str, to: &str| loaded().replace(from, to);
        let many = vec!["'x'"; MOST + 1].join(",");
        for (text, line, says) in [
            (change("door =", "dor ="), 2, "`dor`"),
            (change("load", "link"), 2, "`door`"),
            (change("door = \"load\"\n", ""), 1, "`door`"),
            (change("\"/p.so\"", "3"), 3, "`path`"),
            (change("path = \"/p.so\"\n", ""), 1, "`path`"),
            (change("e3b0", "e3b"), 4, "64 hexadecimal"),
            (change("sha256", "#"), 1, "`sha256`"),
            (change("storage shelf", "shelf"), 5, "`backends`"),
            (change("storage shelf", "storage Shelf"), 5, "`backends`"),
            (change("storage shelf", "storage  shelf"), 5, "`backends`"),
            (change("storage shelf", "shop shelf"), 5, "`backends`"),
            (change("\"storage shelf\"", ""), 5, "`backends` is empty"),
            (change("[\"storage shelf\"]", "\"storage shelf\""), 5, "takes a list"),
            (loaded() + "arguments = []\n", 6, "`arguments`"),
            (loaded() + "environment = []\n", 6, "`environment`"),
            (loaded() + "host = '/k'\n", 6, "`host`"),
            (run() + "host = '/k'\narguments = []\n", 7, "`arguments`"),
            (run() + "needs = []\n", 6, "`needs`"),
            (loaded() + "needs = 3\n", 6, "`needs`"),
            (loaded() + "needs = [3]\n", 6, "`needs`"),
            (loaded() + "[[needs]]\npath = '/x'\n", 6, "`sha256`"),
            (loaded() + "[[needs]]\npth = '/x'\n", 7, "`pth`"),
            (run() + "environment = ['LD_PRELOAD']\n", 6, "`environment`"),
            (run() + "environment = ['A=B']\n", 6, "`environment`"),
            (run() + &format!("arguments = [{many}]\n"), 6, "more than 256"),
            (run() + &format!("arguments = ['{}']\n", "x".repeat(LONGEST + 1)), 6, "`arguments`"),
            (change("/p.so", &"x".repeat(LONGEST + 1)), 3, "`path`"),
        ] {
            let error = parse(&text).unwrap_err();
            let place = format!("shelf.toml:{line}: ");
            assert!(error.message().starts_with(&place), "{text}\n{error}");
            assert!(error.message().contains(says), "{text}\n{error}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_written_is_not_written_as_another() {
        use std::os::unix::ffi::OsStringExt;
        let folder = tempfile::tempdir().unwrap();
        let mut file = parse(&loaded()).unwrap();
        file.path = folder.path().join("shelf.toml");
        file.pin.path = PathBuf::from(std::ffi::OsString::from_vec(b"/\xff".to_vec()));
        assert!(file.create().is_err());
        assert!(!file.path.exists());
    }
}
