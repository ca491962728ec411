//! Checkers, and files of users, with the systems and programs of others.

mod files;
mod hashes;
mod keys;
mod ldap;
mod one_time;
mod pam;
mod slapd;
mod store;
