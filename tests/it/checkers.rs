//! Checkers and files of users, with the programs of others.

mod files;
mod hashes;
mod one_time;
