//! No secret leaks: a canary is stored as a secret in many ways, and searched for everywhere else.

mod canary;
mod children;
mod debug;
mod mistakes;
mod oauth;
mod storage;
