//! `keyward fetch` with real servers.

mod apache;
mod basics;
mod certificates;
mod curl;
mod digest;
mod httpbin;
mod logins;
mod providers;
mod redirects;
mod registry;
mod resume;
mod s3;
mod schemes;
mod secure;
mod services;
mod sigv4;
pub(crate) mod site;
mod write;
