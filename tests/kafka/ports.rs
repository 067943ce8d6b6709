//! Picks ports for brokers and tells whose a listening port is.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::TcpListener;
use std::sync::{LazyLock, Mutex};

use anyhow::{Context, Result};

/// Ports handed out by this process; a broker that is down keeps its own.
static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A port of 127.0.0.1 that nothing listens on and that no outgoing connection can be given by the kernel.
///
/// Not one from `bind(0)`: while a broker is down, the kernel could lend such a port to a client's connection, even to
/// the client that retries that very port, which would then find itself connected to itself. Another process may still
/// take the port before the broker does; so the broker's start checks who owns it ([`is_owned_by`]).
pub fn pick() -> Result<u16> {
    let lowest_lent: u16 = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?
        .split_whitespace()
        .next()
        .and_then(|low| low.parse().ok())
        .context("the kernel's port range")?;
    let mut given = GIVEN.lock().expect("no holder panics");
    // Processes start at different places, so that they rarely meet.
    let start = std::process::id() % u32::from(lowest_lent);
    let candidates = (0..lowest_lent)
        .map(|step| ((start + u32::from(step) * 7) % u32::from(lowest_lent)) as u16);
    let mut fit = candidates.filter(|port| *port >= 10_000 && !given.contains(port));
    let port = fit
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port")?;
    given.insert(port);
    Ok(port)
}

/// Whether process `id` listens on `port`.
pub fn is_owned_by(port: u16, id: u32) -> Result<bool> {
    let Some(inode) = listeners()?.remove(&port) else {
        return Ok(false);
    };
    let socket = format!("socket:[{inode}]");
    for descriptor in fs::read_dir(format!("/proc/{id}/fd"))? {
        // A descriptor may be closed between the listing and the look.
        if fs::read_link(descriptor?.path()).is_ok_and(|link| link.as_os_str() == socket.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Listening IPv4 sockets of this machine: port to inode.
fn listeners() -> Result<HashMap<u16, String>> {
    const LISTEN: &str = "0A";
    let table = fs::read_to_string("/proc/net/tcp")?;
    let listener = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.split_once(':')?;
        let listens = *fields.get(3)? == LISTEN;
        listens.then_some((
            u16::from_str_radix(port, 16).ok()?,
            (*fields.get(9)?).to_owned(),
        ))
    };
    Ok(table.lines().skip(1).filter_map(listener).collect())
}
