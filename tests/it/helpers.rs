//! What several modules of tests use. It contains no tests.

pub(crate) mod console_pages;
pub(crate) mod crash_worker;
pub(crate) mod expiring_locks;
pub(crate) mod home;
pub(crate) mod hostile_values;
pub(crate) mod invocation;
pub(crate) mod namespace;
pub(crate) mod nginx;
pub(crate) mod page_blocks;
pub(crate) mod plugin_fixtures;
pub(crate) mod prng;
pub(crate) mod program;
pub(crate) mod remote_storage;
pub(crate) mod scripted_storage;
#[allow(dead_code, reason = "the keyring's own tests use more of it")]
#[path = "../../plugins/keyward-keyring/tests/secret_service/session.rs"]
pub(crate) mod secret_service;
pub(crate) mod serve;
pub(crate) mod tls;
pub(crate) mod waiting;
