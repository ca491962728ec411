//! What TLS trusts and which proxies to use, as a table.

use keyward_core::{Error, Result, Secret};

use super::data::{Buffer, Network};
use super::layout::Table;

/// More than the length of any list of paths, in bytes.
const LONGEST: usize = 1 << 20;

impl Network {
    /// Makes a table without any text.
    #[expect(clippy::new_without_default, reason = "it is passed in a call, never kept")]
    pub const fn new() -> Self {
        Self {
            size: size_of::<Self>() as u32,
            reserved: 0,
            root_files: Buffer::NULL,
            root_folders: Buffer::NULL,
            https_proxy: Buffer::NULL,
            http_proxy: Buffer::NULL,
            all_proxy: Buffer::NULL,
            no_proxy: Buffer::NULL,
        }
    }

    /// Fills in the table of a caller.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a path with a line end, and for a table that is
    /// shorter than in version 1.0.
    ///
    /// # Safety
    /// The table must be as long as its first field says.
    pub unsafe fn fill(table: *mut Self, network: keyward_core::Network) -> Result<()> {
        if ((*table).size as usize) < Self::LEAST {
            return Err(Error::invalid("network", "the table is too short"));
        }
        let (files, folders) = (lines(&network.root_files)?, lines(&network.root_folders)?);
        let secret = |secret: Option<Secret>| secret.map_or(Buffer::NULL, Buffer::of_secret);
        let table = &mut *table;
        (table.root_files, table.root_folders) = (files, folders);
        table.https_proxy = secret(network.https_proxy);
        table.http_proxy = secret(network.http_proxy);
        table.all_proxy = secret(network.all_proxy);
        table.no_proxy = text(network.no_proxy);
        Ok(())
    }

    /// Returns the content, and releases all buffers.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for a text that is too long or not UTF-8.
    ///
    /// # Safety
    /// The buffers must come from a host that follows the contract.
    pub(super) unsafe fn take(mut self) -> Result<keyward_core::Network> {
        // All buffers are taken before the first error is returned, so that all are released.
        let (files, folders) = (self.root_files.take(LONGEST), self.root_folders.take(LONGEST));
        let (https, http) = (self.https_proxy.take(LONGEST), self.http_proxy.take(LONGEST));
        let (all, no_proxy) = (self.all_proxy.take(LONGEST), self.no_proxy.take(LONGEST));
        let mut network = keyward_core::Network::default();
        network.root_files = read(files?)?.lines().map(str::to_owned).collect();
        network.root_folders = read(folders?)?.lines().map(str::to_owned).collect();
        (network.https_proxy, network.http_proxy, network.all_proxy) = (https?, http?, all?);
        network.no_proxy = read(no_proxy?)?;
        Ok(network)
    }
}

/// Joins paths to lines.
fn lines(paths: &[String]) -> Result<Buffer> {
    if paths.iter().any(|path| path.contains(['\n', '\r'])) {
        return Err(Error::invalid("network", "the path of a certificate contains a line end"));
    }
    Ok(text(paths.join("\n")))
}

fn text(text: String) -> Buffer {
    if text.is_empty() { Buffer::NULL } else { Buffer::new(text.into_bytes()) }
}

fn read(text: Option<Secret>) -> Result<String> {
    let text = text.unwrap_or_default();
    let read = text.expose_str().map(str::to_owned);
    read.ok_or_else(|| Error::corrupt("network").because("a text of the host is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossed(network: &keyward_core::Network) -> Result<keyward_core::Network> {
        let mut table = Network::new();
        // SAFETY: the table was made on the line above.
        unsafe {
            Network::fill(&raw mut table, network.clone())?;
            table.take()
        }
    }

    #[test]
    fn everything_is_passed_without_loss() {
        let mut network = keyward_core::Network::default();
        assert_eq!(crossed(&network).unwrap(), network);
        network.root_files = vec!["/a b".into(), "/\u{e4}".into()];
        network.root_folders = vec!["/c".into()];
        network.https_proxy = Some("http://ann:s3cret@s".into());
        network.http_proxy = Some("http://p".into());
        network.all_proxy = Some("http://a".into());
        network.no_proxy = "x, y".into();
        assert_eq!(crossed(&network).unwrap(), network);
    }

    #[test]
    fn a_path_that_is_no_line_and_a_short_table_are_refused() {
        let mut network = keyward_core::Network::default();
        network.root_files = vec!["/a\nb".into()];
        assert_eq!(crossed(&network).unwrap_err().kind(), crate::ErrorKind::Invalid);
        let mut table = Network { size: 8, ..Network::new() };
        // SAFETY: nothing is written to a table of this size.
        let filled = unsafe { Network::fill(&raw mut table, keyward_core::Network::default()) };
        assert_eq!(filled.unwrap_err().kind(), crate::ErrorKind::Invalid);
    }
}
