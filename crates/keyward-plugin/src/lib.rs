//! Everything that the author of a backend imports.
//!
//! A backend is a type that implements [`Backend`], which names it and opens it, and the trait of
//! each role that it has: [`Serializer`], [`Encryption`], [`Key`] or [`Storage`]. One line,
//! [`register!`], registers it in every program that links its crate.
//!
//! Use this crate to write a backend; `docs/writing-a-backend.md` shows how.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//!
//! use keyward_plugin::{Backend, Error, Host, Info, NoOptions, Record, Result, Secret, Serializer};
//!
//! keyward_plugin::register!(serializer: Kind);
//!
//! /// Keeps a record's kind and refuses everything else.
//! #[derive(Debug)]
//! struct Kind;
//!
//! impl Backend for Kind {
//!     const INFO: Info = Info::new("kind", "Nothing but the kind; for this example");
//!     type Options = NoOptions;
//!
//!     fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
//!         Ok(Self)
//!     }
//! }
//!
//! impl Serializer for Kind {
//!     fn encode(&self, record: &Record) -> Result<Secret> {
//!         if *record != Record::new(&record.kind) {
//!             return Err(Error::new(keyward_plugin::ErrorKind::Unsupported, "encode"));
//!         }
//!         Ok(Secret::from(record.kind.as_str()))
//!     }
//!
//!     fn decode(&self, bytes: &[u8]) -> Result<Record> {
//!         let kind = std::str::from_utf8(bytes).map_err(|_| Error::corrupt("decode"))?;
//!         Ok(Record::new(kind))
//!     }
//! }
//! # fn main() {}
//! ```

pub mod abi;
pub mod cbor;
pub mod json;
mod key;
pub mod keyed;
pub mod process;

pub use key::{KEY_LENGTH, create_supplied, decode_key, encode_key, load_supplied};
#[doc(inline)]
pub use keyward_core::*;
#[doc(inline)]
pub use keyward_fs as fs;
pub use keyward_fs::random;

/// Registers backends: `register!(storage: Keyring, key: KeyringKey);`.
///
/// Each type follows the role that it has. A crate has one such line, with any number of roles. A
/// program that links the crate must also name it once, as in `use my_backend as _;`, or the linker
/// drops it. If the same crate is built as a shared library, it provides the same backends in the
/// [table](abi) that it exports.
#[macro_export]
macro_rules! register {
    ($($role:ident: $backend:ty),+ $(,)?) => {
        const _: () = {
            const PACKAGE: &str = env!("CARGO_PKG_NAME");
            const VERSION: &str = env!("CARGO_PKG_VERSION");
            static BACKENDS: &[$crate::Registration] =
                &[$($crate::Registration::$role::<$backend>(PACKAGE, VERSION)),+];

            $(
                $crate::inventory::submit! {
                    $crate::Registration::$role::<$backend>(PACKAGE, VERSION)
                }
            )+

            #[unsafe(export_name = concat!("keyward_plugin_v1__", env!("CARGO_CRATE_NAME")))]
            extern "C" fn plugin() -> *const $crate::abi::Plugin {
                static EXPORT: $crate::abi::Export =
                    $crate::abi::Export::new(BACKENDS, PACKAGE, VERSION);
                EXPORT.show()
            }
        };
    };
}

/// Makes an options struct together with the table of its keys.
///
/// The documentation of a field is its help. The literal after `=` is its default. A field without
/// a default must be given, unless its type is an `Option` or a list. `#[choices("a", "b")]` after the
/// documentation limits a text, or the texts of a list, to these. A [`Duration`](std::time::Duration)
/// is written as text: `"30s"`.
///
/// # Examples
/// ```
/// use keyward_plugin::{Options, Value, Values, options};
///
/// options! {
///     /// Where to put it.
///     pub struct Place {
///         /// The folder that holds everything.
///         pub root: std::path::PathBuf = "%data%/stores/%id%",
///         /// How long to wait for a lock.
///         pub wait: std::time::Duration = "30s",
///         /// What to do when the disk is full.
///         #[choices("fail", "wait")]
///         pub full: String = "fail",
///     }
/// }
///
/// let values = Values::new().with("wait", Value::Text("5m".into())).complete(Place::TABLE)?;
/// assert_eq!(Place::read(&values)?.wait.as_secs(), 300);
/// assert_eq!(Place::TABLE[2].choices, ["fail", "wait"]);
/// assert_eq!(Place::TABLE[0].help, "The folder that holds everything.");
/// # Ok::<(), keyward_plugin::Error>(())
/// ```
#[macro_export]
macro_rules! options {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                #[doc = $help:literal]
                $(#[choices($($choice:literal),+ $(,)?)])?
                $field_vis:vis $field:ident: $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $(#[doc = $help] $field_vis $field: $type,)*
        }

        impl $crate::Options for $name {
            const TABLE: &'static [$crate::OptionSpec] = &[
                $($crate::OptionSpec::new(
                    stringify!($field),
                    <$type as $crate::OptionValue>::KIND,
                    $help.trim_ascii(),
                )
                .with_default($crate::option_default!($($default)?))
                .required(
                    <$type as $crate::OptionValue>::REQUIRED
                        && $crate::option_default!($($default)?).is_none(),
                )
                .with_choices(&[$($($choice),+)?]),)*
            ];

            fn read(values: &$crate::Values) -> $crate::Result<Self> {
                Ok(Self {
                    $($field: $crate::OptionValue::read(stringify!($field), values.get(stringify!($field)))?,)*
                })
            }
        }
    };
}

/// The default of a field as its table shows it: the literal after the `=`, if there is one.
#[doc(hidden)]
#[macro_export]
macro_rules! option_default {
    () => {
        None::<&'static str>
    };
    ($default:literal) => {
        Some(stringify!($default))
    };
}
