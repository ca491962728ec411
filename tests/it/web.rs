//! `keyward serve` and real web servers, with the configurations of docs/serve.md.

mod backend;
mod cases;
mod client;
mod login;
mod proxies;
mod site;
