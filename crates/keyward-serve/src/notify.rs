//! Tells the service manager about this server's state (sd_notify of systemd).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use keyward_config::Environment;

/// Sends a state, such as `READY=1`, if a service manager wants to know it.
pub(crate) fn notify(environment: &Environment, state: &str) -> std::io::Result<()> {
    let Some(place) = environment.get("NOTIFY_SOCKET") else { return Ok(()) };
    let socket = UnixDatagram::unbound()?;
    socket.send_to_addr(state.as_bytes(), &address(&place)?).map(drop)
}

/// A name that begins with `@` is in the abstract namespace.
fn address(place: &OsStr) -> std::io::Result<SocketAddr> {
    match place.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_gets_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let environment = Environment::new([("NOTIFY_SOCKET", &path)]);
        notify(&environment, "READY=1").unwrap();
        let mut text = [0; 16];
        let length = manager.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"READY=1");
        let none: [(&str, &str); 0] = [];
        assert!(notify(&Environment::new(none), "READY=1").is_ok());
    }
}
