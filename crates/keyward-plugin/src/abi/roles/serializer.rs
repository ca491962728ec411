use keyward_core::Serializer;

use super::super::data::{Buffer, Failure, Slice};
use super::super::instance::{call, close};
use super::super::table::{Instance, SerializerMethods};
use crate::cbor;

type Role = dyn Serializer;

pub(in super::super) static METHODS: SerializerMethods = SerializerMethods {
    size: size_of::<SerializerMethods>() as u32,
    reserved: 0,
    close: Some(close::<Role>),
    encode: Some(encode),
    decode: Some(decode),
};

unsafe extern "C" fn encode(
    instance: *mut Instance,
    record: Slice,
    encoded: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |serializer: &Role| {
        let record = cbor::decode_record(record.bytes())?;
        *encoded = Buffer::of_secret(serializer.encode(&record)?);
        Ok(())
    })
}

unsafe extern "C" fn decode(
    instance: *mut Instance,
    encoded: Slice,
    record: *mut Buffer,
    failure: *mut Failure,
) -> i32 {
    call(instance, failure, |serializer: &Role| {
        let decoded = serializer.decode(encoded.bytes())?;
        *record = Buffer::of_secret(cbor::encode_record(&decoded)?);
        Ok(())
    })
}
