//! Brings the records of one partition from its queue to their acknowledgements.
//!
//! States: a lane *flows* until it is told to stop or meets trouble; then it *settles*, which means that it
//! reads nothing more and waits for the fate of what it sent: as long as it may at first, then in the background, so that
//! what it holds of the budget stays held (I3), and the partition can go on behind it if it comes back to this process.

use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use super::flight::{Batch, Flight, witness};
use super::lease::Holder;
use super::provenance::LeftOut;
use super::reading::Intake;
use crate::board::Seat;
use crate::budget::Permit;
use crate::librdkafka::message::{Kind, Messages};
use crate::offset::{Position, SourceOffset};
use crate::offset_map::Witness;
use crate::target::{Acks, Room, Writer};

/// Most records of one batch: bookkeeping per batch is small against the records' own cost from some hundred
/// on, and a batch should not hold the writing task for long.
const BATCH_RECORDS: usize = 1024;

/// How long a lane settles by itself: longer than a healthy target takes by far, and well within the time that a
/// rebalance waits for its members.
pub const SETTLE: Duration = Duration::from_secs(5);

/// How long a partition that stood still must be quiet to be taken for one that goes on.
const CALM: Duration = Duration::from_secs(5);

/// One partition in flow.
pub struct Lane {
    /// Where its records come from: from the witness on, where there is one.
    pub intake: Intake,
    /// The newest record that was read before, by which the log is known again.
    pub witness: Option<Witness>,
    /// Which of them are not copied.
    pub left_out: LeftOut,
    /// Where the others go.
    pub writer: Writer,
    /// What comes back.
    pub acks: Acks,
    /// Says whether the group still knows this process.
    pub lease: Holder,
    /// Opens when the target knows where the partition's map begins.
    pub gate: watch::Receiver<bool>,
    /// Until when to settle, once it is told to stop.
    pub stop: watch::Receiver<Option<Instant>>,
    /// What is under way.
    pub flight: Flight,
}

/// Why a lane ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Stopped,
    /// It cannot go on by itself.
    Trouble(Trouble),
}

/// Why a lane cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The source does not hold the position (any more).
    #[error("the source does not hold offset {at}: {reason}")]
    OutOfRange {
        /// Where reading should have gone on.
        at: SourceOffset,
        /// librdkafka's words.
        reason: String,
    },
    /// The source log was cut back behind the position, and has another history from there on (KIP-320).
    #[error("the source log was cut back to offset {to}, before position {at}")]
    Truncated {
        /// Where reading should have gone on.
        at: SourceOffset,
        /// Up to where the log is still the one that was read.
        to: SourceOffset,
    },
    /// The source has another record where one was copied before: its log has another history, and nothing tells from where on.
    #[error(
        "the source log has another record at offset {witness} than was copied from there, before position {at}"
    )]
    Replaced {
        /// Where reading should have gone on.
        at: SourceOffset,
        /// Where the record stands.
        witness: SourceOffset,
    },
    /// Records before this offset came once more.
    #[error("records before offset {at} were read twice")]
    ReadAgain {
        /// Where reading should have gone on.
        at: SourceOffset,
    },
    /// The target refuses this record for good (I9).
    #[error("the target refuses the record at offset {at}: {code}")]
    Rejected {
        /// Its offset.
        at: SourceOffset,
        /// The broker's reason.
        code: RDKafkaErrorCode,
    },
    /// The target refuses one of several records that it got together.
    #[error("the target refuses a record at or after offset {at}: {code}")]
    RejectedTogether {
        /// Offset of the first of them.
        at: SourceOffset,
        /// The offset after all that was sent by then.
        through: SourceOffset,
        /// The broker's reason.
        code: RDKafkaErrorCode,
    },
    /// The target took these records for others that it had, so that they are not there: after some errors librdkafka uses
    /// sequence numbers of a producer epoch twice.
    #[error("the target took the record at offset {at} for an earlier one")]
    Misled {
        /// Offset of the first of them.
        at: SourceOffset,
    },
    /// The target has these records, and does not tell where: it knows that they were sent before, and no more.
    #[error("the target does not tell where the record at offset {at} stands")]
    NotTold {
        /// Offset of the first of them.
        at: SourceOffset,
    },
    /// Somebody else has written to the copy since it was looked at, or keeps this process out of it.
    #[error("the copy is not as it was looked at before the record at offset {at}")]
    Overtaken {
        /// Offset of the first record that was not written.
        at: SourceOffset,
    },
    /// Records were not written, for a cause that may pass.
    #[error("the record at offset {at} was not written: {code}")]
    NotWritten {
        /// Offset of the first of them.
        at: SourceOffset,
        /// librdkafka's reason.
        code: RDKafkaErrorCode,
    },
    /// The source refuses to be read, for a cause that may pass.
    #[error("the source cannot be read: {0}")]
    NotRead(RDKafkaErrorCode),
}

impl Trouble {
    /// The error code, for counting.
    pub fn code(&self) -> RDKafkaErrorCode {
        match self {
            Self::OutOfRange { .. } => RDKafkaErrorCode::OffsetOutOfRange,
            Self::Truncated { .. } | Self::Replaced { .. } => RDKafkaErrorCode::LogTruncation,
            Self::Misled { .. } => RDKafkaErrorCode::OutOfOrderSequenceNumber,
            Self::NotTold { .. } => RDKafkaErrorCode::DuplicateSequenceNumber,
            Self::Overtaken { .. } => RDKafkaErrorCode::InvalidProducerEpoch,
            Self::ReadAgain { .. } => RDKafkaErrorCode::State,
            Self::NotRead(code)
            | Self::Rejected { code, .. }
            | Self::RejectedTogether { code, .. }
            | Self::NotWritten { code, .. } => *code,
        }
    }
}

/// How a lane ended.
pub struct Ended {
    /// Why.
    pub end: End,
    /// Waits for what is still in flight; absent when nothing is.
    pub settling: Option<JoinHandle<()>>,
}

impl Lane {
    /// Flows, then settles.
    pub async fn run(mut self) -> Ended {
        let flown = self.flow().await;
        let Self {
            intake,
            mut acks,
            mut flight,
            stop,
            gate,
            ..
        } = self;
        // Nothing more is read while it settles, nor is its map begun.
        drop((intake, gate));
        flight.seat().set_held_up(true);
        let until = *stop.borrow();
        let until = until.unwrap_or_else(|| Instant::now() + SETTLE);
        let in_time = tokio::time::timeout_at(until, settle(&mut acks, &mut flight));
        let settled = in_time.await.is_ok();
        let end = match flown {
            Err(trouble) => End::Trouble(trouble),
            Ok(()) => End::Stopped,
        };
        let settling = (!settled).then(|| {
            acks.write_no_more();
            let settling = async move { settle(&mut acks, &mut flight).await };
            tokio::spawn(settling.in_current_span())
        });
        Ended { end, settling }
    }

    /// Reads, sends and takes acknowledgements in until it is told to stop.
    async fn flow(&mut self) -> Result<(), Trouble> {
        let Self {
            intake,
            witness,
            left_out,
            writer,
            acks,
            lease,
            gate,
            stop,
            flight,
        } = self;
        let seat = std::sync::Arc::clone(flight.seat());
        let begun = Instant::now();
        let mut read = match witness.take() {
            Some(witness) => tokio::select! {
                biased;
                _ = stop.changed() => return Ok(()),
                read = hear(intake, witness, seat.reading_position()) => read?,
            },
            None => Messages::none(),
        };
        left_out.take_out(&mut read);
        let mut waiting: Option<Batch> = None;
        let mut position_is_news = true;
        loop {
            if waiting.is_none() {
                waiting = next_batch(&mut read, flight)?;
            }
            let bytes = waiting.as_ref().map(|batch| batch.bytes);
            let admitted = waiting.as_ref().is_some_and(|batch| flight.admits(batch));
            let is_quiet = bytes.is_none() && flight.is_settled();
            if bytes.is_none() && std::mem::take(&mut position_is_news) {
                // Everything taken is sent; markers behind the last record were taken, too.
                let position = intake.position().into_iter();
                position.for_each(|position| flight.reach(position));
            }
            seat.set_held_up(bytes.is_some());
            tokio::select! {
                biased;
                Some(ack) = acks.next(flight.acked()) => flight.acknowledge(ack)?,
                _ = stop.changed() => return Ok(()),
                (permit, room) = room(&seat, writer, lease, gate, bytes.unwrap_or(0)), if admitted => {
                    if let Some(batch) = waiting.take() {
                        let first = flight.send(&batch, permit);
                        room.send(first, batch.messages);
                    }
                }
                () = intake.due(bytes.is_none()) => intake.turn().await,
                () = intake.readable(), if bytes.is_none() => {
                    read = intake.take(BATCH_RECORDS);
                    position_is_news = true;
                    let log_end = intake.log_end().into_iter();
                    log_end.for_each(|end| seat.see_source_end(end));
                    left_out.take_out(&mut read);
                }
                () = calm(begun), if is_quiet && flight.is_recovering() => flight.recovered(),
            }
        }
    }
}

/// Waits for the fate of all that was sent, or until the producer is closed. After trouble the position stays before the
/// first record that was not written, whatever becomes of the later ones. Cancel-safe.
async fn settle(acks: &mut Acks, flight: &mut Flight) {
    while !flight.is_settled() {
        let Some(ack) = acks.next(flight.acked()).await else {
            return;
        };
        if let Err(trouble) = flight.acknowledge(ack) {
            tracing::debug!(%trouble, "seen while settling");
        }
    }
}

/// Waits for the record by which the log is known again, or for one behind it where it was compacted away. Answers what was
/// read with it from `position` on, where reading goes on.
///
/// # Errors
///
/// When another record stands there.
async fn hear(
    intake: &mut Intake,
    expected: Witness,
    position: Position,
) -> Result<Messages, Trouble> {
    let mut read = loop {
        intake.readable().await;
        let read = intake.take(BATCH_RECORDS);
        if !read.is_empty() {
            break read;
        }
    };
    let at = position.offset;
    let first = read.iter().next();
    let first = first.filter(|first| first.kind() == Kind::Record);
    let Some(first) = first.map(|first| witness(&first)) else {
        // What is wrong is told when a batch is cut.
        return Ok(read);
    };
    if first.offset == expected.offset && first != expected {
        let witness = expected.offset;
        return Err(Trouble::Replaced { at, witness });
    }
    if expected.offset.next() == at {
        read.retain(|one| one.kind() != Kind::Record || SourceOffset::new(one.offset()) >= at);
        return Ok(read);
    }
    // A log that was cut back in between is found by its epochs.
    match intake.go_to(position).await {
        true => Ok(Messages::none()),
        false => Err(Trouble::ReadAgain { at }),
    }
}

/// Cuts the next batch off what was read.
fn next_batch(read: &mut Messages, flight: &Flight) -> Result<Option<Batch>, Trouble> {
    match read.front() {
        None => Ok(None),
        Some(Kind::Record) => flight.cut(read).map(Some),
        Some(Kind::Error(RDKafkaErrorCode::AutoOffsetReset)) => {
            Err(out_of_range(flight.sent_to(), read.front_reason()))
        }
        Some(Kind::Error(code)) => Err(Trouble::NotRead(code)),
    }
}

/// Tells a log that was cut back from one that does not hold the offset: `auto.offset.reset=error` makes one error of
/// both, and only its words tell where the history parts.
fn out_of_range(at: SourceOffset, reason: String) -> Trouble {
    let end = reason.split_once("broker end offset is ");
    let end = end.and_then(|(_, rest)| rest.split([' ', '.']).next()?.parse().ok());
    match end {
        Some(to) => Trouble::Truncated {
            at,
            to: SourceOffset::new(0.max(to)),
        },
        None => Trouble::OutOfRange { at, reason },
    }
}

/// Waits for bytes in the budget, at first for the map to have begun, for a place in the channel and, should the process
/// have been stopped, for the group's word that the partition is still its own. Cancel-safe.
async fn room<'a>(
    seat: &Seat,
    writer: &'a Writer,
    lease: &mut Holder,
    gate: &mut watch::Receiver<bool>,
    bytes: u64,
) -> (Permit, Room<'a>) {
    let permit = seat.share().acquire(bytes).await;
    open(gate).await;
    let room = writer.room().await;
    lease.good().await;
    (permit, room)
}

/// Waits until the gate is open; for ever when whoever opens it is gone, as then the lane is being stopped. Cancel-safe.
async fn open(gate: &mut watch::Receiver<bool>) {
    if gate.wait_for(|open| *open).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until a lane that began then has been there for a while.
async fn calm(begun: Instant) {
    tokio::time::sleep_until(begun + CALM).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_cut_back_is_told_by_where_it_ends_now() {
        let at = SourceOffset::new(100);
        let cases = [
            (
                "Partition log truncation detected at offset 100 (leader epoch 3): broker end offset is 90 (offset leader epoch 2). Reset to INVALID.: Local: Partition log truncation detected",
                Some(90),
            ),
            (
                "No epoch found less or equal to offset 100: broker end offset is -1 (offset leader epoch -1). Reset using configured policy.",
                Some(0),
            ),
            (
                "fetch failed due to requested offset not available on the broker: Broker: Offset out of range (broker 1)",
                None,
            ),
        ];
        for (reason, to) in cases {
            let expected = match to {
                Some(to) => Trouble::Truncated {
                    at,
                    to: SourceOffset::new(to),
                },
                None => Trouble::OutOfRange {
                    at,
                    reason: reason.to_owned(),
                },
            };
            assert_eq!(out_of_range(at, reason.to_owned()), expected);
        }
    }
}
