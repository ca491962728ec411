//! `keyward fetch` with real servers.

mod basics;
mod site;
