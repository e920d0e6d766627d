//! TCP between machines. There is no simulation of it: a simulated cluster passes messages itself.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

mod listen;
mod stream;

pub use listen::{Accepted, BindError, BoundListener, Listener, bind};
pub use stream::{ReadHalf, WriteHalf, connect};

/// Looks up `host:port`. It may ask a name server, and blocks: for main threads and [`crate::blocking`].
pub fn resolve(host_port: &str) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = host_port.to_socket_addrs()?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host_port} has no address")));
    }
    Ok(found)
}
