use keyward_core::{Error, ErrorKind, Result};

use super::yaml::{self, Node, wrong};

/// The content of a store's file: how its records are encoded, and where they are.
///
/// The store's name is that of its file, as in PyCred; the name in the file is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// How records are sealed.
    pub encryption: Encryption,
    /// Where records are.
    pub storage: Storage,
}

/// PyCred's encryptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// No encryption.
    Clear,
    /// Fernet tokens.
    Aes {
        /// The key file, which may begin with `~`.
        key_path: String,
    },
}

/// PyCred's storages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A file for each user, `USER.dat`.
    File {
        /// The folder of the files, which may begin with `~`.
        data_dir: String,
    },
    /// The memory of a process that has ended: there are no records.
    Memory,
}

impl StoreConfig {
    /// Reads a store's file.
    ///
    /// # Errors
    /// - [`Refused`](ErrorKind::Refused): a tag is not PyCred's.
    /// - [`Corrupt`](ErrorKind::Corrupt): this is not the file of a store.
    /// - [`Unsupported`](ErrorKind::Unsupported): PyCred has no such backend.
    pub fn parse(file: &[u8]) -> Result<Self> {
        let root = yaml::parse(file)?
            .ok_or_else(|| Error::corrupt("read").because("the file is empty"))?;
        let [encryption, _name, serializer, storage] =
            fields(&root, "StoreConfig", ["encryption", "name", "serializer", "storage"])?;
        match backend(serializer)? {
            ("json", []) => {}
            (_, data) => return Err(unknown(serializer, data, "serializer")),
        }
        let encryption = match backend(encryption)? {
            ("clear", []) => Encryption::Clear,
            ("aes", [(key, path)]) if key == "key_path" => {
                Encryption::Aes { key_path: path.text()?.to_owned() }
            }
            (_, data) => return Err(unknown(encryption, data, "encryption")),
        };
        let storage = match backend(storage)? {
            ("memory", []) => Storage::Memory,
            ("file", [(key, path)]) if key == "data_dir" => {
                Storage::File { data_dir: path.text()?.to_owned() }
            }
            (_, data) => return Err(unknown(storage, data, "storage")),
        };
        Ok(Self { encryption, storage })
    }
}

/// The part of PyCred's own file, `.config.yaml`, that an import needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder of the stores' files, which may begin with `~`.
    pub store_path: String,
}

impl Installation {
    /// Reads PyCred's own file. An empty file means PyCred's defaults.
    ///
    /// # Errors
    /// Those of [`StoreConfig::parse`].
    pub fn parse(file: &[u8]) -> Result<Self> {
        let Some(root) = yaml::parse(file)? else {
            return Ok(Self { store_path: "~/.pycred/store".into() });
        };
        let [encryptions, serializers, storages, store_path] = fields(
            &root,
            "PyCredConfig",
            ["encryptions", "serializers", "storages", "store_path"],
        )?;
        for role in [encryptions, serializers, storages] {
            let [backends, default] =
                fields(role, "PyCredBackendDefaultConfig", ["backends", "default"])?;
            default.text()?;
            for backend_ in backends.list()? {
                backend(backend_)?;
            }
        }
        Ok(Self { store_path: store_path.text()?.to_owned() })
    }
}

/// Returns the name of a backend and its options.
fn backend(node: &Node) -> Result<(&str, &[(String, Node)])> {
    let [data, name] = fields(node, "BackendConfig", ["data", "name"])?;
    Ok((name.text()?, data.map(None)?))
}

/// Returns the values of these keys. There must be no other key.
fn fields<'a, const N: usize>(node: &'a Node, tag: &str, keys: [&str; N]) -> Result<[&'a Node; N]> {
    let items = node.map(Some(tag))?;
    if items.len() != N {
        return Err(wrong(node.line, &format!("a {tag} has the keys {}", keys.join(", "))));
    }
    let mut found = [node; N];
    for (place, key) in found.iter_mut().zip(keys) {
        *place = items
            .iter()
            .find_map(|(name, value)| (name == key).then_some(value))
            .ok_or_else(|| wrong(node.line, &format!("the {tag} has no key {key}")))?;
    }
    Ok(found)
}

fn unknown(node: &Node, data: &[(String, Node)], role: &str) -> Error {
    let options = if data.is_empty() { "" } else { ", or with such options" };
    Error::new(ErrorKind::Unsupported, "read")
        .because(format!("line {}: PyCred has no such {role}{options}", node.line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PyCred's own file, as it is shipped.
    const SHIPPED: &str = "---
!PyCredConfig
encryptions: !PyCredBackendDefaultConfig
  default: 'clear'
  backends:
  - !BackendConfig
    data:
      key_path: '~/.pycred/data/%store%/encryption/aes/key.aes'
    name: 'aes'
  - !BackendConfig
    data: {}
    name: 'clear'
serializers: !PyCredBackendDefaultConfig {default: json, backends: [!BackendConfig {data: {}, name: json}]}
storages: !PyCredBackendDefaultConfig
  backends: []
  default: 'file'
store_path: '/srv/stores'
";

    const STORE: &str = "!StoreConfig
encryption: !BackendConfig
  data: {key_path: /k}
  name: aes
name: work
serializer: !BackendConfig
  data: {}
  name: json
storage: !BackendConfig
  data: {data_dir: /d}
  name: file
";

    #[test]
    fn pycreds_own_file_is_read() {
        let path = |text: &str| Installation::parse(text.as_bytes()).unwrap().store_path;
        assert_eq!(path(SHIPPED), "/srv/stores");
        assert_eq!(path(""), "~/.pycred/store");
        for (from, to) in [
            ("!PyCredConfig", "!StoreConfig"),
            ("backends: []", "backends: {}"),
            ("backends: []", "backends: [a]"),
            ("'/srv/stores'", "[]"),
            ("store_path:", "path:"),
        ] {
            assert!(Installation::parse(SHIPPED.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
    }

    #[test]
    fn a_stores_file_is_read() {
        let config = StoreConfig::parse(STORE.as_bytes()).unwrap();
        assert_eq!(config.encryption, Encryption::Aes { key_path: "/k".into() });
        assert_eq!(config.storage, Storage::File { data_dir: "/d".into() });
        // PyCred's YAML writer folds long lines.
        let folded = STORE.replace("{data_dir: /d}", "{data_dir: '/d e\n      f'}");
        let config = StoreConfig::parse(folded.as_bytes()).unwrap();
        assert_eq!(config.storage, Storage::File { data_dir: "/d e f".into() });
    }

    #[test]
    fn a_stores_file_of_any_other_kind_is_refused() {
        use ErrorKind::{Corrupt, Refused, Unsupported};
        for (from, to, kind) in [
            ("!StoreConfig", "---", Corrupt),
            ("!StoreConfig", "!PyCredConfig", Corrupt),
            ("!StoreConfig", "!Other", Refused),
            ("name: work\n", "", Corrupt),
            ("name: work", "name: work\nmore: 1", Corrupt),
            ("name: json", "name: xml", Unsupported),
            ("name: aes", "name: clear", Unsupported),
            ("name: aes", "name: [aes]", Corrupt),
            ("name: file", "name: s3", Unsupported),
            ("{key_path: /k}", "{}", Unsupported),
            ("{key_path: /k}", "{key_path: [/k]}", Corrupt),
            ("{key_path: /k}", "{key_path: /k, more: 1}", Unsupported),
            ("{data_dir: /d}", "null", Corrupt),
            ("storage: !BackendConfig", "storage:", Corrupt),
        ] {
            let text = STORE.replacen(from, to, 1);
            let error = StoreConfig::parse(text.as_bytes()).expect_err(&text);
            assert_eq!(error.kind(), kind, "{text}{error}");
        }
        assert_eq!(StoreConfig::parse(b"").unwrap_err().kind(), Corrupt);
    }
}
