//! The section `rpc` of the configuration.

use keyward_core::{Error, Result};

use crate::config::address::Address;
use crate::config::section::Section;

/// Who can ask for keycards.
#[derive(Clone, Debug, Default)]
pub struct RpcConfig {
    /// Where.
    pub listen: Vec<Address>,
    administrators: Vec<u32>,
}

impl RpcConfig {
    /// Reads the section.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub(crate) fn read(top: &Section<'_>) -> Result<Self> {
        let Some(section) =
            top.section("rpc", "requesters of keycards", &["listen", "administrators"])?
        else {
            return Ok(Self::default());
        };
        let listen = section.all_parsed("listen", Address::parse)?;
        if listen.is_empty() {
            return Err(section.wrong("listen", "`listen` is missing"));
        }
        if !listen.iter().all(|it| matches!(it, Address::Unix(_) | Address::Inherited(_))) {
            let why = "requesters are served on Unix sockets only: unix:/PATH";
            return Err(section.wrong("listen", why));
        }
        let administrators = section.all_parsed("administrators", |text| {
            text.parse()
                .map_err(|_| Error::invalid("rpc", "an administrator is a user id, as text"))
        })?;
        Ok(Self { listen, administrators })
    }

    /// Whether a user may see and end all keycards: root, the user of the server, and those that the
    /// configuration names.
    pub(crate) fn is_administrator(&self, uid: u32) -> bool {
        let own = rustix::process::geteuid().as_raw();
        uid == 0 || uid == own || self.administrators.contains(&uid)
    }
}
