//! Each limit of messages in `docs/plugin-protocol.md` is the one that the code uses.

use keyward_core::{
    Door, Factory, Info, KeyId, Open, OptionSpec, OptionType, Registration, Revision,
};

use super::*;
use crate::frame::MAX_FRAME;
use crate::manifest::is_backend_name;

/// Checks that the specification contains these words. Line ends in it count as blanks.
#[track_caller]
pub(super) fn says(words: &str) {
    let text = SPECIFICATION.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(words), "docs/plugin-protocol.md does not say: {words}");
}

/// Checks that this number is accepted, and one more is not.
#[track_caller]
fn are_at_most(most: usize, taken: impl Fn(usize) -> bool) {
    assert!(taken(most), "{most} are too many");
    assert!(!taken(most + 1), "{most} are not the most");
}

#[test]
fn of_frames_and_items() {
    says(&format!("at most {MAX_FRAME} bytes"));
    says("nested at most 16 levels deep");
    are_at_most(16, |depth| {
        Map::read(&[&b"\xa1\x61a"[..], &vec![0x81; depth], b"\x00"].concat()).is_ok()
    });
    says("texts as keys, at most 64 of them");
    are_at_most(64, |count| {
        let keys = (0..count).flat_map(|key| [0x61, b'!' + key as u8, 0xf6]);
        Map::read(&[0xb8, count as u8].into_iter().chain(keys).collect::<Vec<_>>()).is_ok()
    });
    says("Lists have at most 65,536 items");
    are_at_most(65_536, |count| {
        let head = [b"\xa1\x61a\x9a", &(count as u32).to_be_bytes()[..]].concat();
        let bytes = [head, vec![0; count]].concat();
        Map::read(&bytes).unwrap().get::<Vec<u64>>("a").is_ok()
    });
}

#[test]
fn of_errors() {
    says("Texts are cut at 4,096 bytes");
    assert_eq!(failure::cut(&"x".repeat(5000)).len(), 4096);
    says("list of texts, from the nearest to the root, at most 16;");
    let caused = |error: Error| Error::not_found("get").caused_by(error);
    let error = (0..20).fold(Error::not_found("get"), |error, _| caused(error));
    let frame = failure(1, &error);
    let Ok(Message::Answer { outcome: Err(read), .. }) = Message::read(&frame.expose()[4..]) else {
        panic!("it is an error")
    };
    let first = std::error::Error::source(&read);
    let causes = std::iter::successors(first, |cause| std::error::Error::source(*cause));
    assert_eq!(causes.count(), 16);
}

/// Whether the answer of a program with so many backends, each with so many options, is accepted.
fn is_heard(backends: usize, options: usize) -> bool {
    let name = |number: usize| -> &'static str { format!("n{number}").leak() };
    let row = |number| OptionSpec::new(name(number), OptionType::Flag, "");
    let options: &'static [OptionSpec] = (0..options).map(row).collect::<Vec<_>>().leak();
    let listed = |number| Registration {
        info: Info::new(name(number), ""),
        per_user: None,
        options,
        package: "p",
        version: "1.0.0",
        door: Door::Run,
        factory: Factory::Storage(Open::Linked(|_, _| Err(Error::not_found("open")))),
    };
    let backends: Vec<_> = (0..backends).map(listed).collect();
    let frame = answer(1, "hello", |fields| hello::write(fields, &backends)).unwrap();
    match Message::read(&frame.expose()[4..]) {
        Ok(Message::Answer { outcome: Ok(fields), .. }) => hello::read(&fields).is_ok(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_what_is_listed() {
    says(&format!("version {} of the protocol", hello::MAJOR));
    says("`backends` | list of maps, at most 256 |");
    are_at_most(256, |backends| is_heard(backends, 0));
    says("`options`, a list of at most 256 maps");
    are_at_most(256, |options| is_heard(1, options));
    says("`name` (1 to 64 of");
    are_at_most(64, |length| is_backend_name(&"n".repeat(length)));
    assert!(!is_backend_name(""));
}

#[test]
fn of_keys_and_revisions() {
    says(&format!("`key_id`: bytes, at most {};", KeyId::MAX));
    says(&format!("| `create` | `id`: bytes, at most {} |", KeyId::MAX));
    says(&format!("A revision is at most {} bytes", Revision::MAX));
}
