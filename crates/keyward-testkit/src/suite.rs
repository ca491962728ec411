//! The suites of all roles, by role: for programs that test a backend whose role they do not know.

use keyward_core::{Error, Registration, Result, Role, RoleTrait, Values, for_each_role};

use crate::{Case, Scratch, Subject, TestHost};

/// The conformance suite of a role.
trait Suite: RoleTrait {
    const CASES: &'static [(&'static str, Case<Self>)];
    /// What removes the rest of a case, if there is one.
    const CLEAN_UP: Option<fn(&Self)>;
}

macro_rules! suites {
    ($($(#[$doc:meta])* $name:ident: $Role:ident,)+) => {
        $(
            impl Suite for dyn keyward_core::$Role {
                const CASES: &'static [(&'static str, Case<Self>)] = crate::$name::CASES;
                const CLEAN_UP: Option<fn(&Self)> = crate::$name::CLEAN_UP;
            }
        )+

        /// Returns the names of the cases in the suite of a role.
        pub fn case_names(role: Role) -> Vec<&'static str> {
            match role {
                $(Role::$Role => names::<dyn keyward_core::$Role>(),)+
                _ => unreachable!("the list has all roles"),
            }
        }

        /// Runs one case of the suite of a backend's role. The backend is opened with these values
        /// and this host, and may use `scratch`.
        ///
        /// Returns why the case did not apply to the backend, if it did not.
        ///
        /// # Errors
        /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the suite has no such case.
        ///
        /// # Panics
        /// If the backend breaks the contract.
        pub fn run_case(
            backend: &Registration,
            case: &str,
            values: Values,
            host: TestHost,
            scratch: Scratch,
        ) -> Result<Option<&'static str>> {
            match backend.role() {
                $(Role::$Role => {
                    run::<dyn keyward_core::$Role>(backend, case, values, host, scratch)
                })+
                _ => unreachable!("the list has all roles"),
            }
        }
    };
}

for_each_role!(suites);

fn names<T: Suite + ?Sized>() -> Vec<&'static str> {
    T::CASES.iter().map(|(name, _)| *name).collect()
}

fn run<T: Suite + ?Sized>(
    backend: &Registration,
    name: &str,
    values: Values,
    host: TestHost,
    scratch: Scratch,
) -> Result<Option<&'static str>> {
    let case = T::CASES.iter().find(|(known, _)| *known == name);
    let (_, case) = case.ok_or_else(|| Error::invalid("usage", "there is no such case"))?;
    let backend = backend.clone();
    let known = values.clone().complete(backend.options).unwrap_or_default();
    let subject = Subject::<T>::new(scratch, host, move |host| backend.open::<T>(&values, host))
        .with_values(known)
        .cleaned_up_by(T::CLEAN_UP);
    case(&subject);
    Ok(subject.passed_over())
}
