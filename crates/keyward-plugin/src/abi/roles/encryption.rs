use keyward_core::{Encryption, Secret};

use super::super::caller::{fill, read};
use super::super::data::{Buffer, EntryName, Failure, SealContext, Short, Slice};
use super::super::instance::{call, close};
use super::super::numbers::Number;
use super::super::table::{EncryptionAbilities, EncryptionMethods, Instance};

type Role = dyn Encryption;

pub(in super::super) static METHODS: EncryptionMethods = EncryptionMethods {
    size: size_of::<EncryptionMethods>() as u32,
    reserved: 0,
    close: Some(close::<Role>),
    abilities: Some(abilities),
    current_key: Some(current_key),
    seal: Some(seal),
    unseal: Some(unseal),
};

unsafe extern "C" fn abilities(
    instance: *mut Instance,
    abilities: *mut EncryptionAbilities,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |encryption: &Role| {
        let able = encryption.abilities();
        let able = EncryptionAbilities {
            size: size_of::<EncryptionAbilities>() as u32,
            binds_context: able.binds_context.into(),
            authenticates: able.authenticates.into(),
            keys: able.keys.number(),
        };
        fill(abilities, able);
        Ok(())
    })
}

unsafe extern "C" fn current_key(
    instance: *mut Instance,
    entry: EntryName,
    key: *mut Short,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |encryption: &Role| {
        let id = encryption.current_key(&entry.id()?)?;
        *key = id.map_or(Short::NULL, |id| Short::new(id.as_bytes()));
        Ok(())
    })
}

unsafe extern "C" fn seal(
    instance: *mut Instance,
    plain: Slice,
    context: *const SealContext,
    blob: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |encryption: &Role| {
        let plain = Secret::from(plain.bytes());
        *blob = Buffer::new(read(context)?.with(|context| encryption.seal(&plain, context))?);
        Ok(())
    })
}

unsafe extern "C" fn unseal(
    instance: *mut Instance,
    blob: Slice,
    context: *const SealContext,
    plain: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |encryption: &Role| {
        let opened = read(context)?.with(|context| encryption.unseal(blob.bytes(), context))?;
        *plain = Buffer::of_secret(opened);
        Ok(())
    })
}
