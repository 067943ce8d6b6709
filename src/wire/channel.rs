//! Frames over one stream: requests out, each answer to whoever waits for it.
//!
//! Several requests may be under way; a broker answers them in turn, so that a long way costs one round trip, not one for
//! each. Two tasks move the bytes, so that a request that is given up leaves no half a frame behind.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::address::Address;
use super::{Error, garbled};

/// Longest answer, in bytes: what librdkafka takes by default (`receive.message.max.bytes`).
const LONGEST: usize = 100_000_000;

/// An encrypted stream or a plain one.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One stream to one broker. After its first error it answers nothing more.
pub(super) struct Channel {
    address: Address,
    correlation: AtomicI32,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    waiting: Arc<Waiting>,
    tasks: [AbortHandle; 2],
}

struct Outgoing {
    correlation: i32,
    frame: Bytes,
    answer: oneshot::Sender<Bytes>,
}

/// Who waits for which answer, until the stream fails.
#[derive(Default)]
struct Waiting {
    answers: Mutex<HashMap<i32, oneshot::Sender<Bytes>>>,
    failure: OnceLock<Error>,
}

impl Channel {
    /// Takes over a stream to `address`.
    pub(super) fn over(stream: Box<dyn Stream>, address: &Address) -> Self {
        let (reading, writing) = tokio::io::split(stream);
        let (outgoing, frames) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let reader = tokio::spawn(read(reading, address.clone(), Arc::clone(&waiting)));
        let writer = tokio::spawn(write(
            writing,
            frames,
            address.clone(),
            Arc::clone(&waiting),
        ));
        Self {
            address: address.clone(),
            correlation: AtomicI32::new(0),
            outgoing,
            waiting,
            tasks: [reader.abort_handle(), writer.abort_handle()],
        }
    }

    /// To whom it leads.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends what `request` makes of the number that the answer will begin with: a whole frame without its length.
    /// Cancel-safe.
    pub(super) async fn exchange(
        &self,
        request: impl FnOnce(i32) -> Result<BytesMut, Error>,
    ) -> Result<Bytes, Error> {
        let correlation = self.correlation.fetch_add(1, Ordering::Relaxed);
        let body = request(correlation)?;
        let (answer, answered) = oneshot::channel();
        let outgoing = Outgoing {
            correlation,
            frame: body.freeze(),
            answer,
        };
        // Without a writer the answer's end is gone, too.
        let _ = self.outgoing.send(outgoing);
        answered.await.map_err(|_| self.waiting.why(&self.address))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Waiting {
    /// What is behind the lock is whole whatever panicked beside it.
    fn answers(&self) -> MutexGuard<'_, HashMap<i32, oneshot::Sender<Bytes>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has everybody wait no longer.
    fn fail(&self, error: Error) {
        let _ = self.failure.set(error);
        self.answers().clear();
    }

    fn why(&self, address: &Address) -> Error {
        let failure = self.failure.get().cloned();
        failure.unwrap_or_else(|| closed(address))
    }
}

async fn write(
    mut stream: WriteHalf<Box<dyn Stream>>,
    mut frames: mpsc::UnboundedReceiver<Outgoing>,
    address: Address,
    waiting: Arc<Waiting>,
) {
    while let Some(outgoing) = frames.recv().await {
        let length = u32::try_from(outgoing.frame.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        waiting
            .answers()
            .insert(outgoing.correlation, outgoing.answer);
        // Whoever failed before this one waited has not seen it.
        if waiting.failure.get().is_some() {
            waiting.answers().clear();
            return;
        }
        let mut frame = Buf::chain(&length[..], outgoing.frame);
        let sent = async {
            stream.write_all_buf(&mut frame).await?;
            stream.flush().await
        };
        if let Err(error) = sent.await {
            waiting.fail(lost(&address, &error));
            return;
        }
    }
}

async fn read(mut stream: ReadHalf<Box<dyn Stream>>, address: Address, waiting: Arc<Waiting>) {
    loop {
        let error = match receive(&mut stream, &address).await {
            Ok((correlation, answer)) => match waiting.answers().remove(&correlation) {
                Some(waiter) => {
                    // Somebody may have given up waiting.
                    let _ = waiter.send(answer);
                    continue;
                }
                None => garbled(&address, "an answer that nobody waits for"),
            },
            Err(error) => error,
        };
        waiting.fail(error);
        return;
    }
}

async fn receive(
    stream: &mut ReadHalf<Box<dyn Stream>>,
    address: &Address,
) -> Result<(i32, Bytes), Error> {
    let length = stream.read_i32().await;
    let length = length.map_err(|error| lost(address, &error))?;
    let length = usize::try_from(length).ok();
    let Some(length) = length.filter(|length| (4..=LONGEST).contains(length)) else {
        return Err(garbled(address, "an answer of no possible length"));
    };
    // Grows as the bytes come: a peer that only claims to send much gets no memory for it.
    let mut answer = BytesMut::with_capacity(length.min(64 * 1024));
    while answer.len() < length {
        let mut rest = stream.take((length - answer.len()) as u64);
        let read = rest.read_buf(&mut answer).await;
        if read.map_err(|error| lost(address, &error))? == 0 {
            return Err(closed(address));
        }
    }
    let correlation = (&answer[..4]).get_i32();
    Ok((correlation, answer.freeze()))
}

fn lost(address: &Address, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => closed(address),
        _ => Error::Unreachable(format!("connection to {address} lost: {error}")),
    }
}

fn closed(address: &Address) -> Error {
    Error::Unreachable(format!("{address} closed the connection"))
}
