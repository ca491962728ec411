//! Implements the roles with the C functions of a library's tables.
#![expect(unsafe_code, reason = "a library's tables are raw pointers")]

mod any;
mod encryption;
mod handle;
mod host;
mod key;
mod serializer;
mod storage;
mod table;

use keyward_core::{
    Door, Error, Factory, Info, Open, OptionType, Registration, Result, Role, RoleTrait, Secret,
};
use keyward_plugin::abi::{
    self, Buffer, EncryptionMethods, KeyMethods, Number, SerializerMethods, StorageMethods,
};

use crate::errors::{refused, unusable};
use crate::named_stores::store_options;
#[doc(hidden)]
pub use any::read_any_table;
use handle::{Methods, Opener};
use keyward_wire::manifest::{
    Announced, AnnouncedOption, has_duplicates, is_backend_name, is_option_name,
};
use table::{choices, read, rows, text};

/// More than the number of backends in any plugin.
const MOST_BACKENDS: usize = 64;

/// The content of a plugin's table. It is read completely before any of it is kept for ever.
pub(crate) struct PluginTable {
    package: String,
    version: String,
    backends: Vec<(Announced, MakeFactory)>,
}

/// Makes the factory of a backend, which has this name.
type MakeFactory = Box<dyn FnOnce(&'static str) -> Factory>;

impl PluginTable {
    /// Reads the table that an entry returned.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the table is not valid, or has
    /// another version; [`Refused`](keyward_core::ErrorKind::Refused) for a plugin whose panics
    /// would end the program, or that provides a backend twice.
    ///
    /// # Safety
    /// Everything that it points to must be valid for ever, and it must come from an entry of this
    /// interface.
    pub(crate) unsafe fn read(plugin: *const abi::Plugin) -> Result<Self> {
        // SAFETY: the caller guarantees it.
        unsafe {
            let plugin = table::plugin(plugin)?;
            if plugin.backend_count > MOST_BACKENDS {
                return Err(unusable("the plugin's table has too many backends"));
            }
            let mut backends = Vec::new();
            for pointer in table::list(plugin.backends, plugin.backend_count)? {
                backends.extend(backend(*pointer)?);
            }
            if backends.is_empty() {
                return Err(unusable(
                    "the plugin provides no backend in a role that this program knows, or only \
                     authenticators and checkers, which are linked or run",
                ));
            }
            if has_duplicates(backends.iter().map(|(announced, _)| announced)) {
                return Err(refused("the plugin provides a backend twice"));
            }
            let (package, version) = (plugin.package, plugin.version);
            Ok(Self {
                package: text(package, "package")?,
                version: text(version, "version")?,
                backends,
            })
        }
    }

    /// Returns the backends in the registry's form. They are never freed.
    pub(crate) fn into_registrations(self) -> Vec<Registration> {
        let (package, version): (&str, &str) = (self.package.leak(), self.version.leak());
        let register = |(announced, make_factory): (_, MakeFactory)| {
            let announced: &'static Announced = Box::leak(Box::new(announced));
            let name = announced.name.as_str();
            Registration {
                info: Info::new(name, &announced.help),
                per_user: None,
                options: announced.options(),
                package,
                version,
                door: Door::Loaded,
                factory: make_factory(name),
            }
        };
        self.backends.into_iter().map(register).collect()
    }
}

/// Reads a backend; `None` if its role is not part of the interface. A later version may have more.
unsafe fn backend(pointer: *const abi::Backend) -> Result<Option<(Announced, MakeFactory)>> {
    // SAFETY: the table comes from a plugin, and its methods are those of its role.
    unsafe {
        let backend = read(pointer)?;
        match backend.role {
            abi::ROLE_SERIALIZER => backend_in::<SerializerMethods>(pointer, &backend),
            abi::ROLE_ENCRYPTION => backend_in::<EncryptionMethods>(pointer, &backend),
            abi::ROLE_KEY => backend_in::<KeyMethods>(pointer, &backend),
            abi::ROLE_STORAGE => backend_in::<StorageMethods>(pointer, &backend),
            _ => return Ok(None),
        }
        .map(Some)
    }
}

/// Reads a backend in the role of these methods.
unsafe fn backend_in<M: Methods>(
    pointer: *const abi::Backend,
    backend: &abi::Backend,
) -> Result<(Announced, MakeFactory)> {
    // SAFETY: the table comes from a plugin, and its methods are of this type.
    let (announced, opener) = unsafe {
        let announced = announced(M::Role::ROLE, backend)?;
        let stores = store_options(&announced.options);
        (announced, Opener::<M>::new(pointer, backend, stores)?)
    };
    let make_factory = move |name| {
        Open::<M::Role>::plugin(move |values, host| {
            M::implement_role(opener.open(name, values, host)?)
        })
    };
    Ok((announced, Box::new(make_factory)))
}

unsafe fn announced(role: Role, backend: &abi::Backend) -> Result<Announced> {
    // SAFETY: the table comes from a plugin, and is never freed.
    unsafe {
        let name = text(backend.name, "backend")?;
        if !is_backend_name(&name) {
            return Err(unusable("the plugin's backend has a name that is not valid"));
        }
        let options = rows(backend.options, backend.option_count)?;
        let options = options.iter().map(|row| option(row)).collect::<Result<_>>()?;
        Ok(Announced { role, name, help: text(backend.help, "help")?, options })
    }
}

unsafe fn option(row: &abi::OptionRow) -> Result<AnnouncedOption> {
    // SAFETY: the row comes from a plugin, and so do its texts.
    unsafe {
        let name = text(row.name, "option")?;
        if !is_option_name(&name) {
            return Err(unusable("the plugin's option has a name that is not valid"));
        }
        let kind = OptionType::from_number(row.kind)
            .ok_or_else(|| unusable("the plugin has an option of an unknown type"))?;
        let has_default = !row.default_value.data.is_null();
        let default = has_default.then(|| text(row.default_value, "default")).transpose()?;
        if default.as_ref().is_some_and(|default| kind.default_value(default).is_none()) {
            return Err(unusable("the plugin's option has a default that is not of its type"));
        }
        Ok(AnnouncedOption {
            name,
            kind,
            default,
            required: row.required != 0,
            choices: choices(row.choices, row.choice_count)?,
            help: text(row.help, "help")?,
        })
    }
}

/// The buffer into which a library writes a result. It is released also if the call failed.
struct Answer {
    buffer: Buffer,
    limit: usize,
}

impl Answer {
    /// Makes a buffer for at most so many bytes.
    const fn up_to(limit: usize) -> Self {
        Self { buffer: Buffer::NULL, limit }
    }

    /// Returns the pointer that the library writes to.
    const fn buffer(&mut self) -> *mut Buffer {
        &raw mut self.buffer
    }

    /// Returns the result, if there is one.
    fn find(&mut self) -> Result<Option<Secret>> {
        // SAFETY: the buffer comes from a plugin, as the contract says.
        unsafe { self.buffer.take(self.limit) }
    }

    /// Returns the result.
    fn take(mut self) -> Result<Secret> {
        let bytes = self.find()?;
        bytes.ok_or_else(|| Error::corrupt("plugin").because("the plugin returned nothing"))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // It may be a part of a secret, so the code that made it must wipe it.
        let _ = self.find();
    }
}
