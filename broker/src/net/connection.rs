//! Serves one connection: reads a request, has it answered, writes the response, strictly one after the other.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::BrokerId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::api::{self, Context, Reply};
use crate::net::frame::{self, Frame, Refusal};
use crate::state::Shared;

/// How much of the next requests is read while one is being answered. It bounds what a client that pipelines can make
/// the broker hold; a request larger than this is still taken, once it is its turn.
const READ_AHEAD: usize = 1024 * 1024;

/// How much room is made for each read.
const READ_AT_ONCE: usize = 64 * 1024;

/// How many parts of a response go into one system call.
const PARTS_PER_WRITE: usize = 64;

/// One client's connection to one node.
pub(crate) struct Connection {
    stream: TcpStream,
    received: BytesMut,
    context: Context,
    stop: watch::Receiver<()>,
}

/// How a connection came to its end.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the peer left")]
    PeerLeft,
    #[error("the cluster stopped")]
    Stopped,
    #[error("closed on purpose, as the protocol asks for")]
    Closed,
    #[error("refused {0}")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Connection {
    /// Takes over an accepted stream.
    pub(crate) fn open(
        stream: TcpStream,
        node: BrokerId,
        shared: Arc<Shared>,
        stop: watch::Receiver<()>,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let context = Context::new(shared, node, stream.peer_addr()?.ip());
        Ok(Self {
            stream,
            received: BytesMut::new(),
            context,
            stop,
        })
    }

    /// Serves until the peer leaves, misbehaves, or the cluster stops.
    pub(crate) async fn run(mut self) {
        let mut stop = self.stop.clone();
        let ended = tokio::select! {
            ended = self.serve() => ended,
            _ = stop.changed() => Ended::Stopped,
        };
        let (node, peer) = (self.context.node.0, self.context.peer);
        match ended {
            Ended::Refused(refusal) => tracing::warn!(node, %peer, %refusal, "connection closed"),
            ended => tracing::debug!(node, %peer, %ended, "connection ended"),
        }
    }

    async fn serve(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.serve_one().await {
                return ended;
            }
        }
    }

    async fn serve_one(&mut self) -> Result<(), Ended> {
        let request = frame::read_header(self.next_frame().await?)?;
        // The request first: what a peer sends before it leaves is carried out, unless it would have to wait.
        let reply = tokio::select! {
            biased;
            reply = api::dispatch(&mut self.context, request) => reply?,
            ended = read_ahead(&mut self.stream, &mut self.received) => return Err(ended),
        };
        // After a kill nothing may be acknowledged any more: it may have missed the data directory.
        if self.context.is_closed() {
            return Err(Ended::Stopped);
        }
        match reply {
            Reply::Respond(frame) => Ok(self.write(frame).await?),
            Reply::Silence => Ok(()),
            Reply::Close => Err(Ended::Closed),
        }
    }

    async fn next_frame(&mut self) -> Result<Bytes, Ended> {
        loop {
            if let Some(frame) = frame::take_frame(&mut self.received)? {
                return Ok(frame);
            }
            if read_more(&mut self.stream, &mut self.received).await? == 0 {
                return Err(Ended::PeerLeft);
            }
        }
    }

    async fn write(&mut self, frame: Frame) -> io::Result<()> {
        let mut parts = VecDeque::from(frame.into_parts());
        while !parts.is_empty() {
            let slices: Vec<IoSlice<'_>> = parts
                .iter()
                .take(PARTS_PER_WRITE)
                .map(|part| IoSlice::new(part))
                .collect();
            match self.stream.write_vectored(&slices).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => advance(&mut parts, written),
            }
        }
        Ok(())
    }
}

/// Reads on while a request is being answered, so that a peer that leaves ends its long poll or its join at once.
async fn read_ahead(stream: &mut TcpStream, received: &mut BytesMut) -> Ended {
    while received.len() < READ_AHEAD {
        match read_more(stream, received).await {
            Ok(0) => return Ended::PeerLeft,
            Ok(_) => {}
            Err(error) => return Ended::Io(error),
        }
    }
    std::future::pending().await
}

async fn read_more(stream: &mut TcpStream, received: &mut BytesMut) -> io::Result<usize> {
    received.reserve(READ_AT_ONCE);
    stream.read_buf(received).await
}

fn advance(parts: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(first) = parts.front_mut() {
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        parts.pop_front();
    }
}
