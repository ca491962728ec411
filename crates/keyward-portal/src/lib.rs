//! Portal, realm and checkers: who a client of a server is, and what it may use.

pub use malformed::Malformed;
pub use prepare::{prepare_password, prepare_user};

pub mod mechanisms;

mod malformed;
mod prepare;
