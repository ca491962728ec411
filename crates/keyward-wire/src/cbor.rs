//! As much of CBOR (RFC 8949) as the messages need: items of definite length, maps with texts as
//! keys.

use std::io::{self, Write};

use minicbor::data::Type;
use minicbor::encode::write::Writer;
use minicbor::{Decoder, Encoder, decode, encode};

use crate::frame::Gathering;

/// How deep items may be nested.
const MAX_DEPTH: usize = 16;

/// The most keys of a map that is a message or a part of one.
const MAX_KEYS: u64 = 64;

/// The most items of a list.
const MAX_LIST: u64 = 1 << 16;

/// Bytes are not what the protocol requires. The text names the rule or the key, and quotes no
/// received byte.
#[derive(Clone, Copy, Debug)]
pub struct Malformed(pub &'static str);

/// A map: its keys, and their items in encoded form.
#[derive(Debug)]
pub struct Map<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Map<'a> {
    /// Reads `bytes`, which are one map and nothing else.
    ///
    /// # Errors
    /// [`Malformed`] for anything else, and for more than the protocol allows.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let length = match decoder.datatype() {
            Ok(Type::Map) => decoder.map().map_err(not_cbor)?.unwrap_or_default(),
            _ => return Err(Malformed("it is not a map of CBOR")),
        };
        if length > MAX_KEYS {
            return Err(Malformed("it has too many keys"));
        }
        let mut keys = Vec::with_capacity(length as usize);
        for _ in 0..length {
            let key = decoder.str().map_err(|_| Malformed("a key is not text"))?;
            if keys.iter().any(|(other, _)| *other == key) {
                return Err(Malformed("a key occurs twice"));
            }
            keys.push((key, item(&mut decoder)?));
        }
        if decoder.position() == bytes.len() {
            Ok(Self(keys))
        } else {
            Err(Malformed("it contains more than one item"))
        }
    }

    /// The item of this key; none if it is not there or is `null`.
    ///
    /// # Errors
    /// [`Malformed`] if it is an item of another type.
    pub fn find<T: Item<'a>>(&self, name: &'static str) -> Result<Option<T>, Malformed> {
        match self.0.iter().find(|(key, _)| *key == name) {
            None | Some((_, [0xf6])) => Ok(None),
            Some((_, item)) => T::read(item).map(Some).ok_or(Malformed(name)),
        }
    }

    /// The item of this key, which must be there.
    ///
    /// # Errors
    /// [`Malformed`] if it is missing or an item of another type.
    pub fn get<T: Item<'a>>(&self, name: &'static str) -> Result<T, Malformed> {
        self.find(name)?.ok_or(Malformed(name))
    }
}

/// A type that an item can be read as.
pub trait Item<'a>: Sized {
    /// Reads a whole item.
    fn read(item: &'a [u8]) -> Option<Self>;
}

impl<'a> Item<'a> for &'a [u8] {
    fn read(item: &'a [u8]) -> Option<Self> {
        whole(item, Decoder::bytes)
    }
}

impl<'a> Item<'a> for &'a str {
    fn read(item: &'a [u8]) -> Option<Self> {
        whole(item, Decoder::str)
    }
}

impl Item<'_> for u64 {
    fn read(item: &[u8]) -> Option<Self> {
        whole(item, Decoder::u64)
    }
}

impl Item<'_> for bool {
    fn read(item: &[u8]) -> Option<Self> {
        whole(item, Decoder::bool)
    }
}

impl<'a> Item<'a> for Map<'a> {
    fn read(item: &'a [u8]) -> Option<Self> {
        Map::read(item).ok()
    }
}

/// An item in encoded form.
#[derive(Debug)]
pub struct Raw<'a>(pub &'a [u8]);

impl<'a> Item<'a> for Raw<'a> {
    fn read(item: &'a [u8]) -> Option<Self> {
        Some(Raw(item))
    }
}

impl<'a, T: Item<'a>> Item<'a> for Vec<T> {
    fn read(item: &'a [u8]) -> Option<Self> {
        whole(item, |decoder| {
            let few = decoder.array()?.filter(|length| *length <= MAX_LIST);
            let length = few.ok_or_else(|| decode::Error::message("no short list"))?;
            let mut items = Self::new();
            for _ in 0..length {
                let item = self::item(decoder).ok().and_then(T::read);
                items.push(item.ok_or_else(|| decode::Error::message("another item"))?);
            }
            Ok(items)
        })
    }
}

/// Splits off the next item. This only looks for the item's end; the function that reads a text
/// checks that it is UTF-8.
fn item<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], Malformed> {
    let rest = &decoder.input()[decoder.position()..];
    let length = length_of(rest, MAX_DEPTH)?;
    decoder.set_position(decoder.position() + length);
    Ok(&rest[..length])
}

/// The length of an item with everything in it. Most of the time of a message is spent here, so
/// this does not use the decoder, which is slower.
fn length_of(bytes: &[u8], depth: usize) -> Result<usize, Malformed> {
    let (major, argument, mut length) = head(bytes)?;
    let inner = match major {
        2 | 3 => {
            let end =
                usize::try_from(argument).ok().and_then(|content| length.checked_add(content));
            return end.filter(|end| *end <= bytes.len()).ok_or(NO_CBOR);
        }
        4 => argument,
        5 => argument.saturating_mul(2),
        6 => 1,
        _ => 0,
    };
    if inner > 0 && depth == 0 {
        return Err(Malformed("items are nested too deeply"));
    }
    // Each item takes at least one byte, so a false length soon reaches the end of the bytes.
    for _ in 0..inner {
        length += length_of(&bytes[length..], depth - 1)?;
    }
    Ok(length)
}

/// Returns the head of an item (RFC 8949, section 3): its major type, its argument, and the number
/// of bytes in the head.
fn head(bytes: &[u8]) -> Result<(u8, u64, usize), Malformed> {
    let (first, rest) = bytes.split_first().ok_or(NO_CBOR)?;
    let following = match first & 0x1f {
        small @ 0..=23 => return Ok((first >> 5, small.into(), 1)),
        size @ 24..=27 => 1 << (size - 24),
        31 if *first < 0xff => return Err(Malformed("an item has no definite length")),
        _ => return Err(NO_CBOR),
    };
    let argument = rest.get(..following).ok_or(NO_CBOR)?;
    let argument = argument.iter().fold(0, |argument, byte| argument << 8 | u64::from(*byte));
    Ok((first >> 5, argument, 1 + following))
}

const NO_CBOR: Malformed = Malformed("it is not CBOR");

/// Drops the decoder's error, which might quote what it read.
fn not_cbor(_: decode::Error) -> Malformed {
    NO_CBOR
}

/// Reads a value that takes up a whole item.
fn whole<'a, T>(
    item: &'a [u8],
    read: impl FnOnce(&mut Decoder<'a>) -> Result<T, decode::Error>,
) -> Option<T> {
    let mut decoder = Decoder::new(item);
    read(&mut decoder).ok().filter(|_| decoder.position() == item.len())
}

/// Writes the fields of a map.
#[derive(Debug)]
pub struct Fields<'a> {
    out: &'a mut Gathering,
    written: u8,
}

impl Fields<'_> {
    /// Writes a field.
    pub fn put(&mut self, name: &str, value: impl Put) -> &mut Self {
        self.key(name);
        value.put(self.out);
        self
    }

    /// Writes a field, if there is one.
    pub fn put_some(&mut self, name: &str, value: Option<impl Put>) -> &mut Self {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    /// Writes a field that is a list.
    pub fn put_list<T>(
        &mut self,
        name: &str,
        items: &[T],
        mut put: impl FnMut(&mut Gathering, &T),
    ) -> &mut Self {
        self.key(name);
        emit(self.out, |encoder| encoder.array(items.len() as u64).map(drop));
        for item in items {
            put(self.out, item);
        }
        self
    }

    /// Writes a field that is itself a map.
    pub fn put_map(&mut self, name: &str, write: impl FnOnce(&mut Fields<'_>)) -> &mut Self {
        self.key(name);
        map(self.out, write);
        self
    }

    fn key(&mut self, name: &str) {
        self.written += 1;
        name.put(self.out);
    }
}

/// Writes a map of up to 23 fields.
pub fn map(out: &mut Gathering, write: impl FnOnce(&mut Fields<'_>)) {
    let position = out.position();
    emit(out, |encoder| encoder.map(0).map(drop));
    let mut fields = Fields { out, written: 0 };
    write(&mut fields);
    let written = fields.written;
    debug_assert!(written < 24, "the head is one byte");
    out.patch(position, 0xa0 + written);
}

/// Writes a list.
pub fn list(out: &mut Gathering, items: &[&str]) {
    emit(out, |encoder| encoder.array(items.len() as u64).map(drop));
    for item in items {
        item.put(out);
    }
}

/// Writes a list of a text and bytes.
pub fn pair(out: &mut Gathering, name: &str, value: &[u8]) {
    emit(out, |encoder| encoder.array(2).map(drop));
    name.put(out);
    value.put(out);
}

/// A type that can be written as an item.
pub trait Put {
    /// Writes it.
    fn put(self, out: &mut Gathering);
}

impl Put for u64 {
    fn put(self, out: &mut Gathering) {
        emit(out, |encoder| encoder.u64(self).map(drop));
    }
}

impl Put for bool {
    fn put(self, out: &mut Gathering) {
        emit(out, |encoder| encoder.bool(self).map(drop));
    }
}

impl Put for &str {
    fn put(self, out: &mut Gathering) {
        emit(out, |encoder| encoder.str(self).map(drop));
    }
}

impl Put for &[u8] {
    fn put(self, out: &mut Gathering) {
        emit(out, |encoder| encoder.bytes(self).map(drop));
    }
}

impl Put for Raw<'_> {
    fn put(self, out: &mut Gathering) {
        out.write_all(self.0).expect("memory takes it");
    }
}

type Encoded = Result<(), encode::Error<io::Error>>;

fn emit(out: &mut Gathering, write: impl FnOnce(&mut Encoder<Writer<&mut Gathering>>) -> Encoded) {
    write(&mut Encoder::new(Writer::new(out))).expect("memory takes it");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Fields<'_>)) -> Vec<u8> {
        let mut out = Gathering::default();
        map(&mut out, write);
        out.finish("test").unwrap().expose()[4..].to_vec()
    }

    #[test]
    fn fields_come_back() {
        let bytes = written(|fields| {
            fields.put("text", "t").put("bytes", &[0_u8, 1][..]).put("number", u64::MAX);
            fields.put("flag", true).put_some("none", None::<u64>);
            fields.put_list("list", &["a", "b"], |out, text| text.put(out));
            fields.put_map("map", |fields| {
                fields.put("inner", 7);
            });
        });
        let map = Map::read(&bytes).unwrap();
        assert_eq!(map.get::<&str>("text").unwrap(), "t");
        assert_eq!(map.get::<&[u8]>("bytes").unwrap(), [0, 1]);
        assert_eq!(map.get::<u64>("number").unwrap(), u64::MAX);
        assert!(map.get::<bool>("flag").unwrap());
        assert_eq!(map.find::<u64>("none").unwrap(), None);
        assert_eq!(map.get::<Vec<&str>>("list").unwrap(), ["a", "b"]);
        assert_eq!(map.get::<Map<'_>>("map").unwrap().get::<u64>("inner").unwrap(), 7);
        assert!(map.get::<u64>("text").is_err() && map.get::<&str>("bytes").is_err());
    }

    #[test]
    fn null_is_as_good_as_nothing() {
        let map = Map::read(b"\xa1\x61a\xf6").unwrap();
        assert_eq!(map.find::<&str>("a").unwrap(), None);
        assert!(map.get::<&str>("a").is_err());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [
            &b""[..],
            b"\x00",
            b"\x80",
            b"\xa1",
            b"\xa1\x61a",
            b"\xa1\x01\x02",
            b"\xa0\x00",
            b"\xbf\xff",
            b"\xa1\x61a\x9f\xff",
            b"\xa2\x61a\x01\x61a\x02",
            b"\xa1\x61a\x1c",
            b"\xa1\x61a\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x61\xff\x00",
            b"\xa1\x61a\xff",
            b"\xa1\x61a\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(Map::read(bytes).is_err(), "{bytes:x?}");
        }
        let deep = [&b"\xa1\x61a"[..], &[0x81; 1000], b"\x00"].concat();
        assert!(Map::read(&deep).is_err());
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = written(|fields| {
            fields.put("a", "text").put("b", 1000).put_list("c", &["x"], |out, text| text.put(out));
        });
        for length in 0..bytes.len() {
            assert!(Map::read(&bytes[..length]).is_err(), "{length}");
        }
    }
}
