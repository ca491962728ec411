use crate::Kind;

/// A kind that a crate has [registered](crate::register).
#[derive(Clone, Copy, Debug)]
pub struct KindRegistration {
    make: fn() -> Kind,
    package: &'static str,
}

inventory::collect!(KindRegistration);

impl KindRegistration {
    #[doc(hidden)]
    pub const fn new(make: fn() -> Kind, package: &'static str) -> Self {
        Self { make, package }
    }

    /// Makes the table.
    pub(crate) fn kind(&self) -> Kind {
        Kind { from: self.package.into(), internal: false, ..(self.make)() }
    }
}

/// Registers kinds: functions that make their tables.
///
/// A program has the kinds of each crate that it links and refers to (`use acme_kinds as _;`).
///
/// # Examples
/// ```
/// use keyward_kinds::{FieldSpec, Kind, Kinds};
///
/// fn upload() -> Kind {
///     Kind::new("acme.upload", "A key that uploads to Acme")
///         .with_main(FieldSpec::secret("key", "The key").required())
/// }
///
/// keyward_kinds::register!(upload);
///
/// assert!(Kinds::linked().find("acme.upload").is_ok());
/// ```
#[macro_export]
macro_rules! register {
    ($($make:path),+ $(,)?) => {
        $(
            $crate::inventory::submit! {
                $crate::KindRegistration::new($make, env!("CARGO_PKG_NAME"))
            }
        )+
    };
}
