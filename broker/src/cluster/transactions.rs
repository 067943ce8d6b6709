//! Looks at transactions, and troubles their producers, past the wire.

use kafka_protocol::error::ResponseError;

use super::{AdminError, Cluster};

impl Cluster {
    /// The offset up to which a consumer of committed records may read; `None` when there is no such partition. It is the
    /// end of the log when no transaction is open in it.
    #[must_use]
    pub fn last_stable(&self, topic: &str, partition: i32) -> Option<i64> {
        self.read(topic, partition, |partition| partition.log().last_stable())
    }

    /// Takes a transactional id away from its producer, as another instance does that begins with it: an open transaction is
    /// aborted, and whatever the producer sends is refused with `INVALID_PRODUCER_EPOCH` or `PRODUCER_FENCED`.
    ///
    /// # Errors
    /// When no producer ever had the id, or the data directory cannot be written.
    pub fn fence_producer(&self, transactional_id: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let fenced = state.fence_producer(transactional_id);
        fenced.map_err(|error| AdminError::transaction(transactional_id, error))
    }

    /// Has the time of an open transaction be up: it is aborted, and its producer fenced.
    ///
    /// # Errors
    /// When no transaction of the id is open, or the data directory cannot be written.
    pub fn expire_transaction(&self, transactional_id: &str) -> Result<(), AdminError> {
        let mut state = self.shared.lock();
        let expired = match state.transactions.is_open(transactional_id) {
            true => state.fence_producer(transactional_id),
            false => Err(ResponseError::InvalidTxnState),
        };
        expired.map_err(|error| AdminError::transaction(transactional_id, error))
    }
}
