//! Telling the service manager how things are: `sd_notify(3)`, which is a datagram.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// Says that requests are served from now on.
pub fn ready() {
    tell("READY=1");
}

/// Says that the process is about to end.
pub fn stopping() {
    tell("STOPPING=1");
}

fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| {
        // A name that begins with @ is in Linux's abstract name space.
        let address = match name.as_bytes().split_first() {
            Some((b'@', rest)) => abstract_name(rest)?,
            _ => SocketAddr::from_pathname(Path::new(&name))?,
        };
        socket.send_to_addr(state.as_bytes(), &address)
    });
    if let Err(error) = sent {
        tracing::warn!("the service manager cannot be told `{state}`: {error}");
    }
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> std::io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> std::io::Result<SocketAddr> {
    Err(std::io::ErrorKind::Unsupported.into())
}
