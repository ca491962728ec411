//! The program's commands, as their users type them.

mod completions;
mod config;
mod credentials;
mod exit_codes;
mod help;
mod output;
mod password;
mod rm;
mod stores;
mod who;
