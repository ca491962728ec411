//! git and Keyward: Keyward as git's helper, `setup git`, and imports from git's own helpers.

mod helper;
mod import;
mod setup;
