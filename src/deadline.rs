//! Divides the time that a stop may take: settling what is in flight first, then committing and leaving.

use std::time::Duration;

use tokio::time::Instant;

/// When a stop has to be over (I7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Until when acknowledgements are waited for.
    pub settle: Instant,
    /// Until when all is committed and left.
    pub end: Instant,
}

impl Deadline {
    /// From now on: three quarters of `timeout` to settle, the rest to commit and leave.
    pub fn within(timeout: Duration) -> Self {
        let now = Instant::now();
        Self {
            settle: now + timeout * 3 / 4,
            end: now + timeout,
        }
    }
}

/// How a drain ended; the greater one stands for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrainOutcome {
    /// Everything that was read is acknowledged and committed.
    Clean,
    /// The deadline passed; what was not acknowledged by then was not committed (I7).
    DeadlinePassed,
}
