//! Encodes a record, part by part.

use std::collections::BTreeMap;
use std::io::{self, Write};

use keyward_core::{Derivation, Field, Form, MAX_ITEMS, Origin, Record, SecretWriter, Timestamp};
use minicbor::encode::Error;
use minicbor::encode::write::Writer;

type Encoder = minicbor::Encoder<Writer<SecretWriter>>;
type Written = Result<(), Error<io::Error>>;

pub(super) fn record(out: &mut Encoder, record: &Record) -> Written {
    keys(out, b"\xa1\x62V1\xa8\x64kind")?;
    out.str(&record.kind)?;
    keys(out, b"\x66fields")?;
    map(out, &record.fields, field)?;
    keys(out, b"\x67origins")?;
    out.array(few(record.origins.len())?)?;
    record.origins.iter().try_for_each(|each| origin(out, each))?;
    keys(out, b"\x67created")?;
    time(out, &record.created)?;
    keys(out, b"\x67updated")?;
    time(out, &record.updated)?;
    keys(out, b"\x67expires")?;
    maybe(out, record.expires.as_ref(), time)?;
    keys(out, b"\x66labels")?;
    map(out, &record.labels, |out, label| out.str(label).map(drop))?;
    keys(out, b"\x6cderived_from")?;
    maybe(out, record.derived_from.as_ref(), derivation)
}

fn field(out: &mut Encoder, field: &Field) -> Written {
    keys(out, b"\xa3\x66secret")?;
    out.bool(field.secret)?;
    keys(out, b"\x67expires")?;
    maybe(out, field.expires.as_ref(), time)?;
    match field.form {
        Form::Text => {
            let text = field.value.expose_str().ok_or_else(|| Error::message("not UTF-8"))?;
            keys(out, b"\x65value\xa1\x64text")?;
            out.str(text)?;
        }
        Form::Bytes => {
            keys(out, b"\x65value\xa1\x65bytes")?;
            out.bytes(field.value.expose())?;
        }
    }
    Ok(())
}

fn origin(out: &mut Encoder, origin: &Origin) -> Written {
    keys(out, b"\xa3\x66scheme")?;
    out.str(&origin.scheme)?;
    keys(out, b"\x64host")?;
    out.str(&origin.host)?;
    keys(out, b"\x64port")?;
    out.u16(origin.port).map(drop)
}

fn derivation(out: &mut Encoder, derivation: &Derivation) -> Written {
    keys(out, b"\xa3\x64user")?;
    out.str(derivation.entry.user())?;
    keys(out, b"\x64name")?;
    out.str(derivation.entry.name_or_empty())?;
    keys(out, b"\x68revision")?;
    out.bytes(derivation.revision.as_bytes()).map(drop)
}

fn time(out: &mut Encoder, time: &Timestamp) -> Written {
    out.u64(time.as_unix()).map(drop)
}

fn map<V>(
    out: &mut Encoder,
    map: &BTreeMap<String, V>,
    value: impl Fn(&mut Encoder, &V) -> Written,
) -> Written {
    out.map(few(map.len())?)?;
    map.iter().try_for_each(|(key, item)| value(out.str(key)?, item))
}

/// Writes an item, or `null`.
fn maybe<T>(
    out: &mut Encoder,
    item: Option<&T>,
    write: impl Fn(&mut Encoder, &T) -> Written,
) -> Written {
    match item {
        Some(item) => write(out, item),
        None => out.null().map(drop),
    }
}

/// Writes constant CBOR: heads of maps, and keys. In hexadecimal, `aN` is the head of a map with N
/// keys, and `6N` is the head of a text of N bytes (RFC 8949, section 3). To encode them one by one
/// would take as long as to encode everything else.
fn keys(out: &mut Encoder, cbor: &'static [u8]) -> Written {
    out.writer_mut().get_mut().write_all(cbor).map_err(Error::write)
}

fn few(items: usize) -> Result<u64, Error<io::Error>> {
    if items > MAX_ITEMS { Err(Error::message("too many items")) } else { Ok(items as u64) }
}
