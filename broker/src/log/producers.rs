//! Remembers the last batches of every idempotent producer, to drop repeats and refuse gaps (KIP-98, KIP-360).

use std::collections::{HashMap, VecDeque};

use kafka_protocol::error::ResponseError;
use serde::{Deserialize, Serialize};

use super::batch::{Header, NO_PRODUCER};

/// How many batches a producer may have in flight, and so how far back a repeat is recognised.
const WINDOW: usize = 5;

/// What a batch is to the log it was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The next one, or not of an idempotent producer: append it.
    Next,
    /// It is in the log already, from this offset on: answer as the first time.
    Repeat {
        /// The offset its first record was given.
        base_offset: i64,
    },
}

/// The producers of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Producers {
    by_id: HashMap<i64, Producer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Producer {
    epoch: i16,
    /// Milliseconds, as the newest batch tells the time: producers whose records are old are forgotten.
    last_seen: i64,
    /// The newest last, never more than [`WINDOW`]; empty after a marker that fenced the epoch before.
    window: VecDeque<Sequenced>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sequenced {
    first: i32,
    last: i32,
    base_offset: i64,
}

impl Producers {
    /// Judges a batch by its producer, epoch and sequence.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` when a newer instance of the producer has written, `OUT_OF_ORDER_SEQUENCE_NUMBER` when
    /// batches before it are missing, and when it is a repeat from before the window.
    pub(crate) fn judge(&self, header: &Header) -> Result<Verdict, ResponseError> {
        match self.by_id.get(&header.producer_id) {
            // Any first sequence is good: the producer may be older than this partition's memory of it (KIP-360).
            None => Ok(Verdict::Next),
            Some(producer) => producer.judge(header),
        }
    }

    /// Takes note of a batch that was appended at `base_offset`.
    pub(crate) fn record(&mut self, header: &Header, base_offset: i64) {
        if header.producer_id == NO_PRODUCER {
            return;
        }
        if header.is_control() {
            self.end(header);
            return;
        }
        let fresh = || Producer {
            epoch: header.producer_epoch,
            last_seen: header.max_timestamp,
            window: VecDeque::new(),
        };
        let producer = self.by_id.entry(header.producer_id).or_insert_with(fresh);
        if producer.epoch != header.producer_epoch {
            *producer = fresh();
        }
        producer.last_seen = header.max_timestamp;
        if producer.window.len() == WINDOW {
            producer.window.pop_front();
        }
        producer.window.push_back(Sequenced {
            first: header.base_sequence,
            last: header.last_sequence(),
            base_offset,
        });
    }

    /// Takes note of a marker. One in a newer epoch than that of the records: their writer is not heard any more.
    fn end(&mut self, marker: &Header) {
        let Some(producer) = self.by_id.get_mut(&marker.producer_id) else {
            return;
        };
        if producer.epoch < marker.producer_epoch {
            producer.epoch = marker.producer_epoch;
            producer.window.clear();
        }
        producer.last_seen = marker.max_timestamp;
    }

    /// Forgets producers whose newest batch is of `until` or before, in milliseconds (`producer.id.expiration.ms`), but for
    /// those with a transaction open here.
    pub(crate) fn expire(&mut self, until: i64, is_open: impl Fn(i64) -> bool) {
        self.by_id
            .retain(|id, producer| producer.last_seen > until || is_open(*id));
    }
}

impl Producer {
    fn judge(&self, header: &Header) -> Result<Verdict, ResponseError> {
        if header.producer_epoch < self.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if header.producer_epoch > self.epoch || self.window.is_empty() {
            let starts_over = header.base_sequence == 0;
            return if starts_over {
                Ok(Verdict::Next)
            } else {
                Err(ResponseError::OutOfOrderSequenceNumber)
            };
        }
        let (first, last) = (header.base_sequence, header.last_sequence());
        if let Some(same) = self
            .window
            .iter()
            .find(|known| known.first == first && known.last == last)
        {
            return Ok(Verdict::Repeat {
                base_offset: same.base_offset,
            });
        }
        match self.window.back() {
            Some(newest) if first == next_after(newest.last) => Ok(Verdict::Next),
            _ => Err(ResponseError::OutOfOrderSequenceNumber),
        }
    }
}

/// Sequences wrap from `i32::MAX` to 0.
fn next_after(sequence: i32) -> i32 {
    sequence.wrapping_add(1) & i32::MAX
}
