//! Listens for who wants to control the cluster, and answers line by line.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::{self, Wrong};
use super::ask::Ask;
use super::line::{self, Line};
use super::ops;
use crate::cluster::Cluster;

/// How many may be connected at once; who comes then waits to be accepted.
const MOST_CONNECTIONS: usize = 64;

/// Binds an address of the loopback.
///
/// # Errors
/// When it is not of the loopback, or taken.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let reason = format!(
            "{address} can be reached from other machines, and who controls the cluster may do anything to it; \
             use 127.0.0.1:{}",
            address.port()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    TcpListener::bind(address).await
}

/// Serves until `stop` changes.
pub(crate) async fn serve(
    listener: TcpListener,
    cluster: Arc<Cluster>,
    mut stop: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < MOST_CONNECTIONS;
        tokio::select! {
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&cluster)))),
                Err(error) => {
                    tracing::warn!(%error, "control connection not accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => return,
        }
    }
}

async fn converse(stream: TcpStream, cluster: Arc<Cluster>) {
    if let Err(error) = answer_lines(stream, &cluster).await {
        tracing::debug!(%error, "control connection ended");
    }
}

async fn answer_lines(stream: TcpStream, cluster: &Cluster) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let line = match line::next(&mut stream).await? {
            Line::Whole(line) if line.trim().is_empty() => continue,
            Line::Whole(line) => line,
            Line::Unreadable => return refuse(&mut stream).await,
            Line::End => return Ok(()),
        };
        let (told, is_json) = match Ask::parse(&line) {
            Ok(ask) => (ops::carry_out(cluster, &ask).await, true),
            Err(wrong) => (Err(wrong), line.trim_start().starts_with('{')),
        };
        stream.write_all(answer::line(told).as_bytes()).await?;
        stream.flush().await?;
        // Whoever speaks another protocol, as a browser that a web page sent here does, is not listened to any further.
        if !is_json {
            return Ok(());
        }
    }
}

async fn refuse(stream: &mut BufStream<TcpStream>) -> io::Result<()> {
    let reason = format!("a line is text of at most {} bytes", line::LONGEST);
    let answer = answer::line(Err(Wrong::new(reason)));
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await
}
