//! OAuth logins and tokens, with real servers and a scripted one.

mod careful;
mod chromium;
mod django;
mod grants;
mod killed;
mod killed_winner;
mod login;
mod mail;
mod once;
mod openbao;
mod racing;
pub(crate) mod scripted;
pub(crate) mod secretive;
pub(crate) mod server;
