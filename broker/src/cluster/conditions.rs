//! Sets the conditions that a cluster works under: space, time, the versions it knows.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ApiKey;

use super::{AdminError, Cluster};
use crate::clock::ClockOffset;

impl Cluster {
    /// Fills the disk, or makes room again. While it is full, appends fail with `KAFKA_STORAGE_ERROR`, and commits of
    /// groups and all about transactions with `NOT_COORDINATOR`, which is what Kafka makes of it there. Repeats of what
    /// is written are still recognised, and reading works.
    pub fn set_disk_full(&self, full: bool) {
        let mut state = self.shared.lock();
        state.disk_full = full;
        state.groups.disk_full = full;
        state.transactions.disk_full = full;
    }

    /// Sets what the brokers take for the time: for `LogAppendTime`, timestamps too far from it, retention, tombstones.
    /// Sessions and waits are measured by another clock, as in Kafka.
    pub fn set_clock_offset(&self, offset: ClockOffset) {
        self.shared.lock().clock.set(offset);
    }

    /// Advertises and answers no version of an API above `highest` from now on, as after a downgrade of every node. Below
    /// the lowest version there is it is as if there were no such API. A client learns of it when it connects again; until
    /// then its newer requests cost it the connection.
    ///
    /// # Errors
    /// When the broker does not have the API.
    pub fn cap_versions(&self, api: ApiKey, highest: i16) -> Result<(), AdminError> {
        if self.shared.versions.cap(api, highest) {
            return Ok(());
        }
        let message = format!("the broker has no {api:?}");
        Err(AdminError::new(ResponseError::UnsupportedVersion, message))
    }
}
