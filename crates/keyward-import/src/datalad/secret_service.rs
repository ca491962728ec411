//! DataLad's items in the Secret Service of a desktop session, as Python's keyring stores them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(super) use linux::SecretService;
#[cfg(not(target_os = "linux"))]
pub(super) use other::SecretService;
