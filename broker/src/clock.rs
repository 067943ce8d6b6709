//! Tells the wall-clock time that records, offsets and retention are measured by, true or not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far the clock of a cluster is from the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockOffset {
    /// It shows a later time.
    Ahead(Duration),
    /// It shows an earlier time.
    Behind(Duration),
}

/// The clock of a cluster. Sessions, rebalances and long polls are measured by another, which cannot be set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    offset_ms: i64,
}

impl Clock {
    /// Milliseconds since the Unix epoch, the unit of every timestamp in the protocol.
    pub(crate) fn now_ms(self) -> i64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        elapsed.map_or(0, millis).saturating_add(self.offset_ms)
    }

    /// Sets it relative to the machine's.
    pub(crate) fn set(&mut self, offset: ClockOffset) {
        self.offset_ms = match offset {
            ClockOffset::Ahead(by) => millis(by),
            ClockOffset::Behind(by) => -millis(by),
        };
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
