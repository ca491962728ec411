//! A secret stays where it belongs: a canary goes through everything, and is looked for everywhere.

mod canary;
mod children;
mod debug;
mod mistakes;
mod storage;
