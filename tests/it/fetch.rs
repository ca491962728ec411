//! `keyward fetch` with real servers.

mod apache;
mod basics;
mod curl;
mod digest;
mod httpbin;
mod logins;
mod providers;
mod redirects;
mod resume;
mod services;
mod sigv4;
mod site;
