//! Servers on the portal, and the clients of others.

mod cost;
mod curl;
mod curl_mail;
mod fetch;
mod gsasl;
mod mail;
mod pop3;
mod shared;
mod site;
mod twisted;
mod users;
