//! The example in `docs/plugin-protocol.md` is what the two sides send, byte for byte.

mod authenticator;
mod checker;
mod limits;

use keyward_core::{EntryId, Error, Expect, Put, Secret};

use super::*;
use crate::message::{entry, hello, storage};

const SPECIFICATION: &str = include_str!("../../../../docs/plugin-protocol.md");

fn hex(frame: &Secret) -> String {
    keyward_core::hex::encode(frame.expose())
}

/// Returns the frames of the example, each with its sender.
fn conversation() -> Vec<(&'static str, Secret)> {
    let id = EntryId::new("ann", Some("work")).unwrap();
    let put = Put::expecting(Expect::Absent);
    vec![
        ("host", call(Some(1), "hello", None, hello::write_version).unwrap()),
        (
            "child",
            answer(1, "hello", |fields| {
                hello::write_version(fields);
                fields.put("package", "notebook").put("version", "1.0");
                fields.put_list("backends", &["notebook"], |out, name| {
                    map(out, |fields| {
                        fields.put("role", "storage").put("name", *name).put("help", "");
                        fields.put_list("options", &[(); 0], |_, ()| {});
                    });
                });
            })
            .unwrap(),
        ),
        (
            "host",
            call(Some(2), "open", Some(1), |fields| {
                fields.put("role", "storage").put("name", "notebook").put("options", "{}");
            })
            .unwrap(),
        ),
        (
            "child",
            answer(2, "open", |fields| {
                fields.put("persistence", "durable").put("sharing", "machine").put("lists", true);
            })
            .unwrap(),
        ),
        (
            "host",
            call(Some(3), "put", Some(1), |fields| {
                entry::write(fields, &id);
                fields.put("blob", &[0xff, 0x00][..]);
                storage::write_put(fields, &put);
            })
            .unwrap(),
        ),
        ("child", call(Some(1), "now", Some(1), nothing).unwrap()),
        (
            "host",
            answer(1, "now", |fields| {
                fields.put("now", 1_767_225_600);
            })
            .unwrap(),
        ),
        (
            "child",
            answer(3, "put", |fields| {
                fields.put("revision", &[0, 1][..]);
            })
            .unwrap(),
        ),
        (
            "host",
            call(Some(4), "get", Some(1), |fields| {
                entry::write(fields, &EntryId::new("bob", None).unwrap());
            })
            .unwrap(),
        ),
        ("child", failure(4, &Error::not_found("get"))),
        ("host", call(Some(5), "close", Some(1), nothing).unwrap()),
        ("child", answer(5, "close", nothing).unwrap()),
    ]
}

/// Returns the frames of all examples.
fn conversations() -> impl Iterator<Item = (&'static str, Secret)> {
    [conversation(), authenticator::conversation(), checker::conversation()].into_iter().flatten()
}

#[test]
fn the_specification_shows_what_is_said() {
    let said = |(side, frame): &(&str, Secret)| format!("{side} {}", hex(frame));
    let said: Vec<_> = conversations().map(|it| said(&it)).collect();
    let is_frame = |line: &&str| line.starts_with("host 0") || line.starts_with("child 0");
    let shown: Vec<_> = SPECIFICATION.lines().filter(is_frame).collect();
    assert_eq!(shown, said, "left: docs/plugin-protocol.md; right:\n{}", said.join("\n"));
}

#[test]
fn every_cut_of_what_is_said_is_noticed() {
    for (_, frame) in conversations() {
        let body = &frame.expose()[4..];
        assert!(Message::read(body).is_ok());
        for length in 0..body.len() {
            assert!(Message::read(&body[..length]).is_err(), "{length}");
        }
    }
}
