use std::fmt::Debug;

use keyward_core::{Error, ErrorKind, Network, Record, Result, printable};

/// Makes a credential from another one, usually by asking a service: a token from a username and a
/// password, or a temporary key from a lasting one.
///
/// # Contract
/// - The result is of the kind [`kind`](Self::kind), and has an expiry if it expires.
/// - A failure has no effect on what is stored.
///
/// # Errors
/// [`Unauthorized`](ErrorKind::Unauthorized) if the service refuses the credential,
/// [`Unavailable`](ErrorKind::Unavailable) if it cannot be reached. The errors contain no secret.
///
/// # Examples
/// ```
/// use keyward_core::{Field, Network, Record, Result};
/// use keyward_kinds::{Exchange, fields, find_exchange, names};
///
/// #[derive(Debug)]
/// struct Acme;
///
/// impl Exchange for Acme {
///     fn name(&self) -> &str {
///         "acme"
///     }
///
///     fn source_kind(&self) -> &str {
///         names::USER_PASSWORD
///     }
///
///     fn kind(&self) -> &str {
///         names::TOKEN
///     }
///
///     fn exchange(&self, _source: &Record, _network: &Network) -> Result<Record> {
///         // Log in to Acme here.
///         Ok(Record::new(names::TOKEN).with(fields::TOKEN, Field::secret("t0ken")))
///     }
/// }
///
/// keyward_kinds::register_exchange!(Acme);
///
/// assert_eq!(find_exchange("acme")?.kind(), names::TOKEN);
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub trait Exchange: Debug + Send + Sync {
    /// Its name. The records that it has made have it in the label [`EXCHANGE`](crate::labels::EXCHANGE).
    fn name(&self) -> &str;

    /// The kind of the records that it takes.
    fn source_kind(&self) -> &str;

    /// The kind of the records that it makes.
    fn kind(&self) -> &str;

    /// Makes a record. It may take long. A service is reached through `network`.
    ///
    /// # Errors
    /// See the page of the trait.
    fn exchange(&self, source: &Record, network: &Network) -> Result<Record>;
}

/// An exchange that a crate has [registered](crate::register_exchange).
#[derive(Clone, Copy, Debug)]
pub struct ExchangeRegistration(&'static dyn Exchange);

inventory::collect!(ExchangeRegistration);

impl ExchangeRegistration {
    #[doc(hidden)]
    pub const fn new(exchange: &'static dyn Exchange) -> Self {
        Self(exchange)
    }
}

/// Registers exchanges. A program has those of each crate that it links and refers to.
///
/// [`Exchange`] has an example.
#[macro_export]
macro_rules! register_exchange {
    ($($exchange:expr),+ $(,)?) => {
        $(
            $crate::inventory::submit! { $crate::ExchangeRegistration::new(&$exchange) }
        )+
    };
}

/// Whether this program has any exchange.
pub fn has_exchanges() -> bool {
    inventory::iter::<ExchangeRegistration>().next().is_some()
}

/// Returns the exchange of this name.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) if this program does not have it;
/// [`Refused`](ErrorKind::Refused) if two have the name.
pub fn find_exchange(name: &str) -> Result<&'static dyn Exchange> {
    let registered = inventory::iter::<ExchangeRegistration>().map(|registration| registration.0);
    let found: Vec<_> = registered.filter(|exchange| exchange.name() == name).collect();
    let name = printable(name);
    match found[..] {
        [exchange] => Ok(exchange),
        [] => Err(Error::new(ErrorKind::Unsupported, "derive")
            .because(format!("this program has no exchange `{name}`"))),
        _ => Err(Error::new(ErrorKind::Refused, "derive")
            .because(format!("there are several exchanges `{name}`"))),
    }
}
