//! What a library shows, as what a store knows: a table of C functions behind each trait.
#![expect(unsafe_code, reason = "a library's tables are raw pointers")]

mod encryption;
mod handle;
mod host;
mod key;
mod serializer;
mod storage;
mod table;

use std::sync::Arc;

use keyward_core::{
    Door, Error, Host, Info, Open, OptionSpec, OptionType, Registration, Result, Role, Secret,
    Values,
};
use keyward_plugin::abi::{self, Buffer, Number};

use crate::fault::unusable;
use handle::Opener;
use table::{leaked_text, methods, read, rows};

/// More than any plugin brings.
const MOST_BACKENDS: usize = 64;

/// The backends of a plugin's table.
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the table makes no sense, or is one of
/// another version.
///
/// # Safety
/// What it points to is there, and stays; it came from an entry of this interface.
pub(crate) unsafe fn registrations(plugin: *const abi::Plugin) -> Result<Vec<Registration>> {
    // SAFETY: all of it is as the function's own contract has it.
    unsafe {
        let plugin = table::plugin(plugin)?;
        let package = leaked_text(plugin.package, "package")?;
        let version = leaked_text(plugin.version, "version")?;
        if plugin.backend_count > MOST_BACKENDS {
            return Err(unusable("the plugin's table has too many backends"));
        }
        let backends = table::list(plugin.backends, plugin.backend_count)?;
        let mut registrations = Vec::new();
        for pointer in backends {
            let backend = read(*pointer)?;
            // A later version has roles of which nothing is known here.
            if let Some(role) = Role::of_number(backend.role) {
                let from = (package, version);
                registrations.push(registration(from, role, *pointer, &backend)?);
            }
        }
        match registrations.is_empty() {
            true => Err(unusable("the plugin brings no backend that is known here")),
            false => Ok(registrations),
        }
    }
}

unsafe fn registration(
    (package, version): (&'static str, &'static str),
    role: Role,
    pointer: *const abi::Backend,
    backend: &abi::Backend,
) -> Result<Registration> {
    // SAFETY: the table is a plugin's, and stays.
    unsafe {
        let name = leaked_text(backend.name, "backend")?;
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(unusable("the plugin's backend has no name that can be written"));
        }
        let options = rows(backend.options, backend.option_count)?;
        let options = options.iter().map(|row| option(row)).collect::<Result<Vec<_>>>()?;
        let options = options.leak();
        let opener = Opener::new(name, pointer, backend)?;
        let factory = match role {
            Role::Serializer => serializer::factory(opener.with(methods(backend)?)?),
            Role::Encryption => encryption::factory(opener.with(methods(backend)?)?),
            Role::Key => key::factory(opener.with(methods(backend)?)?),
            Role::Storage => storage::factory(opener.with(methods(backend)?)?),
        };
        let info = Info::new(name, leaked_text(backend.help, "help")?);
        Ok(Registration { info, options, package, version, door: Door::Loaded, factory })
    }
}

unsafe fn option(row: &abi::OptionRow) -> Result<OptionSpec> {
    // SAFETY: the row is a plugin's, and so are its texts.
    unsafe {
        let kind = OptionType::of_number(row.kind);
        let has_default = !row.default_value.data.is_null();
        Ok(OptionSpec {
            name: leaked_text(row.name, "option")?,
            kind: kind.ok_or_else(|| unusable("the plugin has an option of an unknown type"))?,
            default: has_default.then(|| leaked_text(row.default_value, "default")).transpose()?,
            required: row.required != 0,
            help: leaked_text(row.help, "help")?,
        })
    }
}

/// What opens a backend, for good.
fn forever<T: ?Sized>(
    open: impl Fn(&Values, &Arc<dyn Host>) -> Result<Box<T>> + Send + Sync + 'static,
) -> Open<T> {
    Box::leak(Box::new(open))
}

/// What a library answered.
fn taken(mut buffer: Buffer, limit: usize) -> Result<Secret> {
    // SAFETY: it is a plugin's, as its contract has it.
    let bytes = unsafe { buffer.take(limit) }?;
    bytes.ok_or_else(|| Error::corrupt("plugin").because("the plugin answered nothing"))
}
