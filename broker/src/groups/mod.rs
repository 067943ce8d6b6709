//! Keeps consumer groups: members, generations and committed offsets.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The broker properties that bound what groups may do.
#[derive(Debug, Clone)]
pub(crate) struct GroupSettings {
    /// `group.initial.rebalance.delay.ms`.
    pub(crate) initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub(crate) min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub(crate) max_session_timeout: Duration,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_millis(100),
            max_session_timeout: Duration::from_secs(1800),
        }
    }
}

/// All groups of the cluster.
#[derive(Debug)]
pub(crate) struct Groups {}

impl Groups {
    /// Loads the groups from the data directory, if there is one.
    pub(crate) fn new(_settings: GroupSettings, _data_dir: Option<&Path>) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Expires members and ends rebalances whose time is up.
    pub(crate) fn tick(&mut self, _now: Instant) {}

    /// Forgets the offsets of a topic that was deleted.
    pub(crate) fn topic_deleted(&mut self, _topic: &str) {}

    /// Writes nothing to the data directory from now on.
    pub(crate) fn close(&mut self) {}
}
