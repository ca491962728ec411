//! Backends that are not part of the program: shared libraries that are loaded, and programs that
//! run beside it. To a store they are the same trait objects as linked ones.
//!
//! Nothing is searched for and nothing is taken on trust: a plugin is a file that configuration
//! names, with the SHA-256 that it must have.
