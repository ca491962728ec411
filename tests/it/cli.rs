//! The program's commands, as their users type them.

mod accounts;
mod audit;
mod completions;
mod config;
mod copying;
mod credentials;
mod editing;
mod exit_codes;
mod generating;
mod help;
mod import_pycred;
mod kinds;
mod leaks;
mod listing;
mod output;
mod password;
mod references;
mod resolve;
mod rm;
mod run;
mod set_json;
mod startup;
mod stores;
mod terminal;
mod typed;
mod user_selection;
