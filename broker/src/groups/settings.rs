//! Holds the bounds and delays that a broker sets for all of its groups.

use std::time::Duration;

/// Broker-wide group settings; each field names the Kafka broker property it stands for.
#[derive(Debug, Clone)]
pub(crate) struct GroupSettings {
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first
    /// generation. None where Kafka has 3 s.
    pub(crate) initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`. 100 ms where Kafka has 6 s, so that a test need not wait to see a member expire.
    pub(crate) min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`, 30 min as in Kafka.
    pub(crate) max_session_timeout: Duration,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_millis(100),
            max_session_timeout: Duration::from_secs(30 * 60),
        }
    }
}
