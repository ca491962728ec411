//! `keyward fetch` with real servers.

mod basics;
mod redirects;
mod site;
