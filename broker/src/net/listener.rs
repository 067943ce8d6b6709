//! Accepts the connections of one node and joins them when the cluster stops.

use std::sync::Arc;

use kafka_protocol::messages::BrokerId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::net::connection::Connection;
use crate::state::Shared;

/// Serves one node until the sender of `stop` is dropped, then ends every connection of it.
pub(crate) async fn serve(
    listener: TcpListener,
    node: BrokerId,
    shared: Arc<Shared>,
    stop: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    let mut stopped = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => spawn(&mut connections, stream, node, &shared, &stop),
                // Out of file descriptors, or a peer that was gone before it was accepted: the listener itself is well.
                Err(error) => {
                    tracing::warn!(node = node.0, %error, "connection not accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            },
            Some(ended) = connections.join_next() => report(node, ended),
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        report(node, ended);
    }
}

fn spawn(
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    node: BrokerId,
    shared: &Arc<Shared>,
    stop: &watch::Receiver<()>,
) {
    match Connection::open(stream, node, Arc::clone(shared), stop.clone()) {
        Ok(connection) => {
            connections.spawn(connection.run());
        }
        Err(error) => tracing::debug!(node = node.0, %error, "peer left before it was served"),
    }
}

fn report(node: BrokerId, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(node = node.0, %error, "connection task failed");
    }
}
