//! Encodes a record, part by part.

use std::collections::BTreeMap;
use std::io;

use keyward_core::{Derivation, Field, Form, MAX_ITEMS, Origin, Record, SecretWriter, Timestamp};
use minicbor::encode::Error;
use minicbor::encode::write::Writer;

type Encoder = minicbor::Encoder<Writer<SecretWriter>>;
type Written = Result<(), Error<io::Error>>;

pub(super) fn record(out: &mut Encoder, record: &Record) -> Written {
    match record.used {
        None => out.map(1)?.str("V1")?.map(8)?,
        Some(_) => out.map(1)?.str("V2")?.map(9)?,
    };
    out.str("kind")?.str(&record.kind)?;
    out.str("fields")?;
    map(out, &record.fields, field)?;
    out.str("origins")?.array(limited(record.origins.len())?)?;
    record.origins.iter().try_for_each(|each| origin(out, each))?;
    out.str("created")?;
    time(out, &record.created)?;
    out.str("updated")?;
    time(out, &record.updated)?;
    out.str("expires")?;
    optional(out, record.expires.as_ref(), time)?;
    out.str("labels")?;
    map(out, &record.labels, |out, label| out.str(label).map(drop))?;
    out.str("derived_from")?;
    optional(out, record.derived_from.as_ref(), derivation)?;
    match &record.used {
        None => Ok(()),
        Some(used) => time(out.str("used")?, used),
    }
}

fn field(out: &mut Encoder, field: &Field) -> Written {
    out.map(3)?.str("secret")?.bool(field.secret)?;
    out.str("expires")?;
    optional(out, field.expires.as_ref(), time)?;
    out.str("value")?.map(1)?;
    match field.form {
        Form::Text => {
            let text = field.value.expose_str().ok_or_else(|| Error::message("not UTF-8"))?;
            out.str("text")?.str(text)?;
        }
        Form::Bytes => {
            out.str("bytes")?.bytes(field.value.expose())?;
        }
        _ => return Err(Error::message("a form without an encoding")),
    }
    Ok(())
}

fn origin(out: &mut Encoder, origin: &Origin) -> Written {
    out.map(3)?.str("scheme")?.str(&origin.scheme)?;
    out.str("host")?.str(&origin.host)?;
    out.str("port")?.u16(origin.port).map(drop)
}

fn derivation(out: &mut Encoder, derivation: &Derivation) -> Written {
    out.map(3)?.str("user")?.str(derivation.entry.user())?;
    out.str("name")?.str(derivation.entry.name_or_empty())?;
    out.str("revision")?.bytes(derivation.revision.as_bytes()).map(drop)
}

fn time(out: &mut Encoder, time: &Timestamp) -> Written {
    out.u64(time.as_unix()).map(drop)
}

fn map<V>(
    out: &mut Encoder,
    map: &BTreeMap<String, V>,
    value: impl Fn(&mut Encoder, &V) -> Written,
) -> Written {
    out.map(limited(map.len())?)?;
    map.iter().try_for_each(|(key, item)| value(out.str(key)?, item))
}

/// Writes an item, or `null`.
fn optional<T>(
    out: &mut Encoder,
    item: Option<&T>,
    write: impl Fn(&mut Encoder, &T) -> Written,
) -> Written {
    match item {
        Some(item) => write(out, item),
        None => out.null().map(drop),
    }
}

/// Returns the number of items, if a record may have so many.
fn limited(items: usize) -> Result<u64, Error<io::Error>> {
    if items > MAX_ITEMS { Err(Error::message("too many items")) } else { Ok(items as u64) }
}
