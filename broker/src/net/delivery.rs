//! Writes responses: as they should leave, or as a fault rule has it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::faults::Random;
use crate::net::frame::Frame;

/// How many parts of a response go into one system call.
const PARTS_PER_WRITE: usize = 64;

/// How often bytes trickle. At less than so many bytes per second it is one byte at a time.
const TRICKLES_PER_SECOND: u32 = 20;

/// What is done with a response.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// It is written whole and at once.
    Whole,
    /// The connection is closed instead.
    Nothing,
    /// The first half of its bytes is written, then the connection is closed.
    Half,
    /// As many other bytes are written, behind a true length.
    Garbage(Random),
    /// So many bytes are written per second.
    Trickle(NonZeroU32),
    /// It is written whole and at once, and the next request only answered when this time has passed: a broker enforces
    /// its quotas itself, since not every client obeys the throttle time that it reads (KIP-219).
    Mute(Duration),
}

/// Whether a connection is of use after a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// The next request may come.
    Open,
    /// The next request has to wait for so long.
    Muted(Duration),
    /// It is to be closed.
    Closed,
}

/// Writes a response.
///
/// # Errors
/// When the peer has gone.
pub(crate) async fn deliver(
    stream: &mut TcpStream,
    frame: Frame,
    delivery: Delivery,
) -> io::Result<Afterwards> {
    let parts = frame.into_parts();
    match delivery {
        Delivery::Whole => write(stream, parts).await?,
        Delivery::Nothing => return Ok(Afterwards::Closed),
        Delivery::Half => {
            let whole = parts.concat();
            write(
                stream,
                vec![Bytes::copy_from_slice(&whole[..whole.len() / 2])],
            )
            .await?;
            return Ok(Afterwards::Closed);
        }
        Delivery::Garbage(mut random) => {
            let length = parts.iter().skip(1).map(Bytes::len).sum();
            let noise = Bytes::from(random.bytes(length));
            write(stream, vec![parts[0].clone(), noise]).await?;
        }
        Delivery::Trickle(rate) => trickle(stream, &parts.concat(), rate).await?,
        Delivery::Mute(time) => {
            write(stream, parts).await?;
            return Ok(Afterwards::Muted(time));
        }
    }
    Ok(Afterwards::Open)
}

async fn write(stream: &mut TcpStream, parts: Vec<Bytes>) -> io::Result<()> {
    let mut parts = VecDeque::from(parts);
    while !parts.is_empty() {
        let slices: Vec<IoSlice<'_>> = parts
            .iter()
            .take(PARTS_PER_WRITE)
            .map(|part| IoSlice::new(part))
            .collect();
        match stream.write_vectored(&slices).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => advance(&mut parts, written),
        }
    }
    Ok(())
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

async fn trickle(stream: &mut TcpStream, bytes: &[u8], rate: NonZeroU32) -> io::Result<()> {
    let drop = (rate.get() / TRICKLES_PER_SECOND).max(1);
    let pause = Duration::from_secs(1) * drop / rate.get();
    for chunk in bytes.chunks(drop as usize) {
        stream.write_all(chunk).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
