//! OAuth logins and tokens, with real servers and a scripted one.

mod chromium;
mod django;
mod killed;
mod login;
mod once;
pub(crate) mod server;
