//! Serves one connection: reads a request, has it answered, writes the response, strictly one after the other.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::BrokerId;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::api::{self, Answered, Context, Reply};
use crate::net::delivery::{Afterwards, Delivery, deliver};
use crate::net::frame::{self, Refusal, Request};
use crate::state::Shared;

/// How much of the next requests is read while one is being answered. It bounds what a client that pipelines can make
/// the broker hold; a request larger than this is still taken, once it is its turn.
const READ_AHEAD: usize = 1024 * 1024;

/// How much room is made for each read.
const READ_AT_ONCE: usize = 64 * 1024;

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
        let answered = self.answer(request).await?;
        // After a kill nothing may be acknowledged any more: it may have missed the data directory.
        if self.context.is_closed() {
            return Err(Ended::Stopped);
        }
        self.deliver(answered).await
    }

    /// Carries out a request. What a peer sends before it leaves is carried out, unless it would have to wait.
    async fn answer(&mut self, request: Request) -> Result<Answered, Ended> {
        let outlives_peer = self.context.outlives_peer();
        let ended = {
            let mut answering = pin!(api::dispatch(&mut self.context, request));
            let ended = tokio::select! {
                biased;
                answered = &mut answering => return Ok(answered?),
                ended = read_ahead(&mut self.stream, &mut self.received) => ended,
            };
            if !outlives_peer.load(Ordering::SeqCst) {
                return Err(ended);
            }
            answering.await?;
            ended
        };
        self.carry_out_rest().await?;
        Err(ended)
    }

    /// Carries out what a peer that is gone had sent before it went, and answers nobody.
    async fn carry_out_rest(&mut self) -> Result<(), Refusal> {
        while let Some(frame) = frame::take_frame(&mut self.received)? {
            api::dispatch(&mut self.context, frame::read_header(frame)?).await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, answered: Answered) -> Result<(), Ended> {
        let Answered {
            reply,
            delivery,
            ticket,
        } = answered;
        let afterwards = match reply {
            Reply::Respond(frame) => deliver(&mut self.stream, frame, delivery).await?,
            // Where nothing is answered there is nothing to do to the answer, but to the connection.
            Reply::Silence if matches!(delivery, Delivery::Nothing) => Afterwards::Closed,
            Reply::Silence => return Ok(()),
            Reply::Close => Afterwards::Closed,
        };
        match afterwards {
            Afterwards::Closed => return Err(Ended::Closed),
            Afterwards::Open => self.context.answered(ticket),
            Afterwards::Muted(time) => {
                self.context.answered(ticket);
                self.mute(time).await?;
            }
        }
        Ok(())
    }

    /// Answers nothing for a while.
    async fn mute(&mut self, time: Duration) -> Result<(), Ended> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            ended = read_ahead(&mut self.stream, &mut self.received) => Err(ended),
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
