//! TCP between machines. There is no simulation of it: a simulated cluster passes messages itself.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::backend::{self, Backend};

mod listen;
mod stream;

pub use listen::{Accepted, BindError, BoundListener, Listener, bind};
pub use stream::{FIRST_READ_BYTES, ReadHalf, WriteHalf, connect};

/// Looks up `host:port`. It may ask a name server, and blocks: for main threads and [`crate::blocking`].
pub fn resolve(host_port: &str) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = host_port.to_socket_addrs()?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host_port} has no address")));
    }
    Ok(found)
}

/// Panics in a simulation, and where there is no core.
fn needs_executor(operation: &str) {
    backend::with(operation, |backend| match backend {
        Backend::Real(_) => {}
        Backend::Sim(_) => panic!("there is no network in a simulation: rt::{operation} needs an executor"),
    });
}
