use std::path::{Path, PathBuf};

use keyward_core::{Error, Result, Secret, SecretWriter, hex};
use keyward_fs::PrivateDir;
use sha2::{Digest, Sha256};

use crate::run::MAX;

/// How many bytes of a backup come before the content: a digest in hexadecimal, `+` or `-` for
/// whether there was a file, and a newline.
const HEAD: usize = 64 + 2;

/// The content of a configuration file before Keyward changed it, and the digest of its content
/// after that.
pub(crate) struct Backup {
    pub(crate) before: Option<Secret>,
    after: String,
}

impl Backup {
    pub(crate) fn new(before: Option<Secret>, after: &Secret) -> Self {
        Self { before, after: digest(after.expose()) }
    }

    /// Whether a file is still as Keyward left it.
    pub(crate) fn is_unchanged(&self, content: &Secret) -> bool {
        self.after == digest(content.expose())
    }

    pub(crate) fn load(folder: &PrivateDir, file: &Path) -> Result<Option<Self>> {
        let Some(backup) = folder.read(&file_name(file), MAX + HEAD)?.map(Secret::new) else {
            return Ok(None);
        };
        let damaged = || {
            let path = folder.path().join(file_name(file));
            Error::corrupt("setup").because("the copy that --undo restores is damaged").hint(
                format!("Remove {}; then --undo removes only Keyward's lines", path.display()),
            )
        };
        let (head, content) = backup.expose().split_at_checked(HEAD).ok_or_else(damaged)?;
        let (after, mark) = head.split_at(HEAD - 2);
        let before = match mark {
            b"+\n" => Some(Secret::from(content)),
            b"-\n" if content.is_empty() => None,
            _ => return Err(damaged()),
        };
        Ok(Some(Self { before, after: String::from_utf8_lossy(after).into_owned() }))
    }

    pub(crate) fn save(&self, folder: &PrivateDir, file: &Path) -> Result<()> {
        let content = self.before.as_ref().map_or(&[][..], Secret::expose);
        let mut writer = SecretWriter::new();
        let mark: &[u8] = if self.before.is_some() { b"+\n" } else { b"-\n" };
        for part in [self.after.as_bytes(), mark, content] {
            std::io::Write::write_all(&mut writer, part)
                .map_err(|error| Error::io("setup", error))?;
        }
        folder.replace(&file_name(file), writer.finish().expose())
    }

    pub(crate) fn forget(folder: &PrivateDir, file: &Path) -> Result<()> {
        folder.remove(&file_name(file)).map(drop)
    }
}

fn file_name(file: &Path) -> PathBuf {
    PathBuf::from(digest(file.as_os_str().as_encoded_bytes()))
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes))
}
