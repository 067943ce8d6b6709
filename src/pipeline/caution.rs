//! Decides which records fly alone, with nothing in flight before or behind them.
//!
//! When the target refuses a batch, what is behind it in flight is written all the same: the idempotent producer closes
//! the gap and goes on. So that a partition stops at the refused record (I9) and nothing behind it is copied twice once
//! the cause is removed, a record that the target may refuse is sent when all before it is acknowledged, and the next
//! one when its own fate is known.
//!
//! So flies the first record of all, too: a broker that knows nothing of a producer takes whatever sequence comes first
//! (KIP-360), and what librdkafka has in flight or queued behind a batch that is refused for a while may come before it.

use tokio::sync::watch;

use crate::board::now_ms;
use crate::librdkafka::message::Record;
use crate::offset::SourceOffset;
use crate::target::Limits;

/// What is known of the target topic's limits, and of records that it has refused already.
#[derive(Clone)]
pub struct Caution {
    /// The limits, as last looked at.
    pub limits: watch::Receiver<Limits>,
    /// Largest batch that the producer makes of several records.
    pub producer_batch: u32,
    /// Records before this offset fly alone: one of them was refused together with others.
    pub through: Option<SourceOffset>,
}

/// Caution at one moment.
pub struct Careful {
    limits: Limits,
    now_ms: i64,
    through: Option<SourceOffset>,
    is_stranger: bool,
    cramped: bool,
}

impl Caution {
    /// As of now; the target may know nothing of the producer where `is_stranger` says so.
    pub fn now(&self, is_stranger: bool) -> Careful {
        let limits = *self.limits.borrow();
        Careful {
            limits,
            now_ms: now_ms(),
            through: self.through,
            is_stranger,
            // The limit was lowered after the producer was chosen.
            cramped: limits.batch_bytes() < self.producer_batch,
        }
    }
}

impl Careful {
    /// Whether this record has to fly alone.
    pub fn alone(&self, record: &Record<'_>) -> bool {
        let refused_before = self
            .through
            .is_some_and(|through| SourceOffset::new(record.offset()) < through);
        self.is_stranger || refused_before || self.limits.may_refuse(record, self.now_ms)
    }

    /// Bytes that a batch may have so that the target surely takes it, where all batches have to fly alone; `None`
    /// where the producer sees to it.
    pub fn cramped_to(&self) -> Option<u64> {
        self.cramped.then(|| self.limits.batch_bytes().into())
    }
}
