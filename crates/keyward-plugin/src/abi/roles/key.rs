use keyward_core::{Key, KeyId, Timestamp};

use super::super::NONE;
use super::super::data::{Buffer, Failure, Slice};
use super::super::instance::{call, close};
use super::super::numbers::Number;
use super::super::table::{Instance, KeyMethods};

type Role = dyn Key;

pub(in super::super) static METHODS: KeyMethods = KeyMethods {
    size: size_of::<KeyMethods>() as u32,
    reserved: 0,
    close: Some(close::<Role>),
    create: Some(create),
    load: Some(load),
    remove: Some(remove),
    rewrap: Some(rewrap),
};

unsafe extern "C" fn create(
    instance: *mut Instance,
    id: Slice,
    key: *mut Buffer,
    parameters: *mut Buffer,
    ownership: *mut u32,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |source: &Role| {
        let created = source.create(&KeyId::new(id.bytes())?)?;
        *ownership = created.ownership.number();
        *key = Buffer::of_secret(created.key);
        *parameters = Buffer::new(created.parameters);
        Ok(())
    })
}

unsafe extern "C" fn load(
    instance: *mut Instance,
    id: Slice,
    parameters: Slice,
    key: *mut Buffer,
    expires: *mut u64,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |source: &Role| {
        let loaded = source.load(&KeyId::new(id.bytes())?, parameters.bytes())?;
        *expires = loaded.expires.map_or(NONE, Timestamp::as_unix);
        *key = Buffer::of_secret(loaded.secret);
        Ok(())
    })
}

unsafe extern "C" fn remove(
    instance: *mut Instance,
    id: Slice,
    parameters: Slice,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |source: &Role| {
        source.delete(&KeyId::new(id.bytes())?, parameters.bytes())
    })
}

unsafe extern "C" fn rewrap(
    instance: *mut Instance,
    id: Slice,
    parameters: Slice,
    new_parameters: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |source: &Role| {
        let rewrapped = source.rewrap(&KeyId::new(id.bytes())?, parameters.bytes())?;
        *new_parameters = Buffer::new(rewrapped);
        Ok(())
    })
}
