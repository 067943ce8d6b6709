//! Writes the first record of a partition so that nothing of whoever wrote it before can come behind it.
//!
//! A process that died, or was stopped and may wake, can have writes under way that a broker has not carried out yet. The
//! leader of a partition refuses batches of a producer whose epoch is lower than one it has seen there, and takes the first
//! batch of a higher epoch from anyone (KIP-98, KIP-360). So the first record is written under the id of the producer that
//! wrote last, in the highest epoch there is: librdkafka counts its own up without asking, with each sequence that broke,
//! and the writes to be refused may be of an epoch that is not in the log yet.
//!
//! Who wrote last is asked of the leader, and where the log ends: unless that is where it was looked at before, something has
//! come meanwhile, and the partition looks once more. Once the record is there nothing more can come. What lands between
//! the question and the record is not refused; the record's own offset tells of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rdkafka::types::RDKafkaErrorCode;

use super::batch::Signature;
use super::leader::{Failure, Leader, Tail};
use crate::offset::TargetOffset;
use crate::retry::Delays;
use crate::wire::Wire;

/// No epoch comes after it.
const LAST_EPOCH: i16 = i16::MAX;

/// After so many attempts it is told that the record waits: a second or two.
const TOLD_AFTER: u32 = 5;

/// What has to stand before the records of a partition: writes of others may still be under way. All clones are the same.
#[derive(Debug, Clone)]
pub struct Fence {
    end: TargetOffset,
    done: Arc<AtomicBool>,
}

/// What became of the first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is written.
    Written(TargetOffset),
    /// It is to be written as any other: there is nobody to keep out.
    Needless,
    /// It is to be written as any other: it is too large to go without compression. Nor can the next record raise the fence:
    /// the one that wrote last is this process by then.
    TooLarge,
    /// It is not written; `InvalidProducerEpoch` when somebody else has written meanwhile.
    Refused(RDKafkaErrorCode),
}

/// One partition of the target.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) wire: &'a Wire,
    pub(super) topic: &'a str,
    pub(super) partition: i32,
}

impl At<'_> {
    fn tell_waiting(&self, reason: &str) {
        let Self {
            topic, partition, ..
        } = self;
        tracing::warn!(
            topic,
            partition,
            reason,
            "the first record waits until late writes of others can be shut out"
        );
    }
}

impl Fence {
    /// For a partition that was looked at, and ended there.
    pub fn at(end: TargetOffset) -> Self {
        Self {
            end,
            done: Arc::default(),
        }
    }

    /// Whether it stands, proved to be needless, or cannot be raised because its record is too large: the records behind it
    /// are written as any others.
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Writes the record that `batch` signs, trying for as long as `goes_on` says so; once it may have been written, until
    /// that is known.
    pub(super) async fn write(
        &self,
        at: At<'_>,
        mut batch: impl FnMut(Signature) -> Bytes,
        goes_on: impl Fn() -> bool,
    ) -> Fate {
        let (mut delays, mut attempts) = (Delays::default(), 0);
        let mut sent = None;
        let fate = loop {
            if sent.is_none() && !goes_on() {
                return Fate::Refused(RDKafkaErrorCode::PurgeQueue);
            }
            match self.attempt(at, &mut batch, &mut sent).await {
                Ok(fate) => break fate,
                Err(Failure::Refused(code)) => break fate_of(code),
                Err(Failure::Passing(reason) | Failure::Unanswered(reason)) => {
                    attempts += 1;
                    if attempts == TOLD_AFTER {
                        at.tell_waiting(&reason);
                    }
                    tokio::time::sleep(delays.draw()).await;
                }
            }
        };
        if !matches!(fate, Fate::Refused(_)) {
            self.done.store(true, Ordering::Relaxed);
        }
        fate
    }

    /// `sent` is what an earlier attempt may have written: sent again, it is recognised by its sequence number.
    async fn attempt(
        &self,
        at: At<'_>,
        batch: &mut impl FnMut(Signature) -> Bytes,
        sent: &mut Option<Bytes>,
    ) -> Result<Fate, Failure> {
        let leader = Leader::find(at.wire, at.topic, at.partition).await?;
        let batch = match sent {
            Some(batch) => batch.clone(),
            None => match leader.tail(self.end).await? {
                Tail::Elsewhere => {
                    return Ok(Fate::Refused(RDKafkaErrorCode::InvalidProducerEpoch));
                }
                Tail::By(Some(Signature { id, epoch })) if epoch < LAST_EPOCH => batch(Signature {
                    id,
                    epoch: LAST_EPOCH,
                }),
                Tail::By(_) => return Ok(Fate::Needless),
            },
        };
        let appended = leader.append(batch.clone()).await;
        if matches!(appended, Err(Failure::Unanswered(_))) {
            *sent = Some(batch);
        }
        appended.map(Fate::Written)
    }
}

/// What a refusal comes to.
fn fate_of(code: RDKafkaErrorCode) -> Fate {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => Fate::TooLarge,
        Code::OutOfOrderSequenceNumber | Code::UnknownProducerId => {
            Fate::Refused(Code::InvalidProducerEpoch)
        }
        code => Fate::Refused(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RDKafkaErrorCode as Code;

    #[test]
    fn a_refusal_is_the_records_own_unless_others_or_its_size_are_the_cause() {
        let cases = [
            (
                Code::InvalidTimestamp,
                Fate::Refused(Code::InvalidTimestamp),
            ),
            (Code::InvalidRecord, Fate::Refused(Code::InvalidRecord)),
            (
                Code::TopicAuthorizationFailed,
                Fate::Refused(Code::TopicAuthorizationFailed),
            ),
            (Code::MessageSizeTooLarge, Fate::TooLarge),
            (
                Code::InvalidProducerEpoch,
                Fate::Refused(Code::InvalidProducerEpoch),
            ),
            (
                Code::OutOfOrderSequenceNumber,
                Fate::Refused(Code::InvalidProducerEpoch),
            ),
        ];
        for (code, fate) in cases {
            assert_eq!(fate_of(code), fate);
        }
    }
}
