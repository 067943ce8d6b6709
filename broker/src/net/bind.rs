//! Finds addresses for the nodes of a cluster and binds them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use tokio::net::TcpListener;

use crate::nodes::Node;

/// An address that could not be bound.
#[derive(Debug)]
pub(crate) struct BindError {
    /// The address, with the port of the node at fault.
    pub(crate) address: String,
    /// What the system said.
    pub(crate) source: io::Error,
}

/// Binds `count` nodes: all to free ports when `listen` has port 0, else to its port and those after it.
pub(crate) async fn bind(
    listen: &str,
    count: usize,
) -> Result<(Vec<TcpListener>, Vec<Node>), BindError> {
    let failed = |address: String| move |source| BindError { address, source };
    let first = resolve(listen).await.map_err(failed(listen.to_owned()))?;
    let mut listeners = Vec::with_capacity(count);
    let mut nodes = Vec::with_capacity(count);
    for id in 0..count {
        let port = port_of(first.port(), id).map_err(failed(first.to_string()))?;
        let address = SocketAddr::new(first.ip(), port);
        let listener = TcpListener::bind(address)
            .await
            .map_err(failed(address.to_string()))?;
        let bound = listener.local_addr().map_err(failed(address.to_string()))?;
        let id = BrokerId(id as i32);
        nodes.push(Node::new(id, advertised(bound.ip()), bound.port()));
        listeners.push(listener);
    }
    Ok((listeners, nodes))
}

fn port_of(first: u16, id: usize) -> io::Result<u16> {
    if first == 0 {
        return Ok(0);
    }
    let port = u16::try_from(id).ok().and_then(|id| first.checked_add(id));
    port.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "there are not enough ports after this one",
        )
    })
}

/// An IPv4 address is preferred, since that is what clients try first.
async fn resolve(listen: &str) -> io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host(listen).await?.collect();
    let preferred = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    preferred
        .copied()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

/// Clients cannot connect to "any address", so the loopback stands in for it.
fn advertised(ip: IpAddr) -> StrBytes {
    let ip = if ip.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        ip
    };
    StrBytes::from_string(ip.to_string())
}
