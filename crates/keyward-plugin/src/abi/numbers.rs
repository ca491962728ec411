//! The values that are a number in a table. The number is the position in a list that only grows at
//! its end.

use keyward_core::{
    Exclusion, Keys, Level, LockMode, OptionType, Ownership, Persistence, Role, Sharing, Swaps,
};

/// A value that is passed as a number.
pub trait Number: Copy + PartialEq + 'static {
    /// The values, each at the position of its number.
    const VALUES: &'static [Self];
    /// The number of the first value.
    const FIRST: u32 = 0;

    /// Returns the value's number.
    fn number(self) -> u32 {
        let place = Self::VALUES.iter().position(|value| *value == self);
        Self::FIRST + place.expect("every value is in the list") as u32
    }

    /// Returns the value with this number; `None` for one of a later version.
    fn from_number(number: u32) -> Option<Self> {
        Self::VALUES.get(number.checked_sub(Self::FIRST)? as usize).copied()
    }
}

impl Number for Role {
    const VALUES: &'static [Self] = &[Self::Serializer, Self::Encryption, Self::Key, Self::Storage];
    const FIRST: u32 = 1;
}

impl Number for OptionType {
    const VALUES: &'static [Self] = &[
        Self::Text,
        Self::Path,
        Self::Flag,
        Self::Number,
        Self::List,
        Self::Secret,
        Self::Duration,
        Self::Store,
    ];
}

impl Number for Keys {
    const VALUES: &'static [Self] = &[Self::None, Self::Store, Self::Own];
}

impl Number for Persistence {
    const VALUES: &'static [Self] = &[Self::Cache, Self::Process, Self::Session, Self::Durable];
}

impl Number for Sharing {
    const VALUES: &'static [Self] = &[Self::Process, Self::Machine, Self::Network];
}

impl Number for Swaps {
    const VALUES: &'static [Self] = &[Self::All, Self::Puts, Self::None];
}

impl Number for Ownership {
    const VALUES: &'static [Self] = &[Self::Supplied, Self::Made, Self::Kept];
}

impl Number for Exclusion {
    const VALUES: &'static [Self] = &[Self::Holder, Self::Lease, Self::Process];
}

impl Number for LockMode {
    const VALUES: &'static [Self] = &[Self::Shared, Self::Exclusive];
}

impl Number for Level {
    const VALUES: &'static [Self] = &[Self::Warning, Self::Info, Self::Debug];
    const FIRST: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    #[test]
    fn roles_have_the_numbers_of_the_header() {
        let numbers = [ROLE_SERIALIZER, ROLE_ENCRYPTION, ROLE_KEY, ROLE_STORAGE];
        let roles = numbers.map(|number| Role::from_number(number).unwrap());
        assert_eq!(roles[..], *Role::VALUES);
        assert_eq!(roles.map(Number::number), numbers);
        assert_eq!(Role::from_number(0), None);
        for linked_or_run in [ROLE_AUTHENTICATOR, ROLE_CHECKER] {
            assert_eq!(Role::from_number(linked_or_run), None);
        }
    }
}
