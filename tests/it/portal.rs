//! Servers on the portal, and the clients of others.

mod curl;
mod fetch;
mod gsasl;
mod mail;
mod site;
mod users;
