//! The protocol between a host and a backend that is a child process: frames, messages, and the
//! CBOR that they are made of.
//!
//! `docs/plugin-protocol.md` specifies it. This crate reads and writes bytes, and starts nothing:
//! processes, threads and time limits are in `keyward-loader`.

pub mod cbor;
pub mod frame;
pub mod manifest;
pub mod message;
