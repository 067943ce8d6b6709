//! What a handler is given beside the request: the shared state and who is asking.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use parking_lot::MutexGuard;
use tokio::sync::Notify;

use crate::state::{Shared, State};

/// One connection's view of the cluster. Its client id and time of arrival are those of the request being answered.
pub(crate) struct Context {
    shared: Arc<Shared>,
    /// The node that is asked.
    pub(crate) node: BrokerId,
    /// Where the client connects from.
    pub(crate) peer: IpAddr,
    /// What the client calls itself; empty when it sent null.
    pub(crate) client_id: StrBytes,
    /// Unique among all connections the cluster ever had.
    pub(crate) connection: u64,
    /// When the request had arrived: long polls and other waits are measured from here.
    pub(crate) arrived: Instant,
    /// Counts the requests of the connection.
    pub(crate) turn: usize,
    /// Wakes this connection's long poll. One is enough, since a connection does one thing at a time.
    pub(crate) wake: Arc<Notify>,
}

impl Context {
    /// The context of a new connection.
    pub(crate) fn new(shared: Arc<Shared>, node: BrokerId, peer: IpAddr) -> Self {
        Self {
            connection: shared.next_connection(),
            shared,
            node,
            peer,
            client_id: StrBytes::new(),
            arrived: Instant::now(),
            turn: 0,
            wake: Arc::new(Notify::new()),
        }
    }

    /// Locks the state. The guard cannot be held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Whether the cluster was stopped, so that nothing may be acknowledged any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }
}
