//! The messages of each role: how the host calls a backend in a child process, and how the child
//! does the call. `docs/plugin-protocol.md` specifies them.
//!
//! The roles come from the list in `keyward-core`; each has one module here.

mod authenticator;
mod checker;
mod encryption;
mod key;
mod serializer;
pub(crate) mod storage;

use std::sync::Arc;

use keyward_core::{
    Error, ErrorKind, Factory, Host, Open, Registration, Result, Role, RoleTrait, Secret, Values,
    for_each_role,
};
use keyward_wire::cbor::{Fields, Item, Malformed, Map};
use keyward_wire::message::{self, Call};

use crate::process::instance::Instance;
use crate::process::running::Opener;

#[cfg(test)]
pub(crate) use storage::MAX_PAGE;

/// The messages of a role.
pub(crate) trait Messages: RoleTrait {
    /// The names of its calls.
    const CALLS: &'static [&'static str];

    /// What the host must know of an opened backend.
    type Abilities;

    /// On the host's side: reads the abilities from the answer to `open`.
    fn read_abilities(answer: &Map<'_>) -> Result<Self::Abilities, Malformed>;

    /// On the host's side: returns the backend that calls this instance in a child.
    fn call_child(instance: Instance, abilities: Self::Abilities) -> Box<Self>;

    /// On the child's side: returns what does the host's calls to this backend.
    fn serve(backend: Box<Self>) -> Box<dyn Served>;
}

/// An opened backend of this process, which does the calls of a host in another process.
pub(crate) trait Served: Send + Sync {
    /// Writes its abilities, if its role has any.
    fn write_abilities(&self, _: &mut Fields<'_>) {}

    /// Does a call and returns the frame of its answer.
    fn call(&self, call: &Call<'_>) -> Result<Secret>;
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident: $Role:ident,)+) => {
        /// Returns the factory for a backend of a running program.
        pub(crate) fn factory(opener: Opener) -> Factory {
            match opener.role() {
                $(Role::$Role => child_factory::<dyn keyward_core::$Role>(opener),)+
                _ => unreachable!("the list has all roles"),
            }
        }

        /// Opens a backend of this process for a host in another process.
        pub(crate) fn serve(
            backend: &Registration,
            values: &Values,
            host: &Arc<dyn Host>,
        ) -> Result<Box<dyn Served>> {
            Ok(match backend.role() {
                $(Role::$Role => Messages::serve(
                    backend.open::<dyn keyward_core::$Role>(values, host)?
                ),)+
                _ => unreachable!("the list has all roles"),
            })
        }

        /// Whether a role has a call of this name.
        pub(crate) fn is_call(name: &str) -> bool {
            $(<dyn keyward_core::$Role>::CALLS.contains(&name))||+
        }
    };
}

for_each_role!(messages);

fn child_factory<T: Messages + ?Sized>(opener: Opener) -> Factory {
    Open::<T>::plugin(move |values, host| {
        let (instance, abilities) = opener.open(values, host, T::read_abilities)?;
        Ok(T::call_child(instance, abilities))
    })
}

/// Returns the frame of an answer to this call.
pub(crate) fn answer(call: &Call<'_>, write: impl FnOnce(&mut Fields<'_>)) -> Result<Secret> {
    message::answer(call.id.unwrap_or_default(), call.name, write)
}

/// Returns a required argument.
pub(crate) fn argument<'a, T: Item<'a>>(call: &Call<'a>, name: &'static str) -> Result<T> {
    call.arguments.get(name).map_err(not_valid)
}

/// Returns the error for an argument that is missing or not valid.
pub(crate) fn not_valid(what: Malformed) -> Error {
    Error::invalid("call", format!("`{}` is missing or not valid", what.0))
}

/// Returns the error for a call that the role does not have.
pub(crate) fn unknown() -> Error {
    Error::new(ErrorKind::Unsupported, "call").because("there is no such call")
}
