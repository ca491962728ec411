//! `keyward fetch` with real servers.

mod apache;
mod basics;
mod digest;
mod httpbin;
mod redirects;
mod site;
