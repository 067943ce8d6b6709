//! What a handler is given beside the request: the shared state and who is asking.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use parking_lot::MutexGuard;
use tokio::sync::Notify;

use super::Injected;
use crate::journal::Ticket;
use crate::net::frame::Request;
use crate::state::{Shared, State};

/// One connection's view of the cluster. Its client id and time of arrival are those of the request being answered.
pub(crate) struct Context {
    /// What all connections share.
    pub(super) shared: Arc<Shared>,
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
    /// The error that a fault rule has for the request.
    pub(super) injected: Option<Injected>,
    /// The journal's entry of the request; `None` before the first.
    pub(super) ticket: Option<Ticket>,
    outlives_peer: Arc<AtomicBool>,
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
            injected: None,
            ticket: None,
            outlives_peer: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Makes the next request the one that is being answered.
    pub(super) fn turn_to(&mut self, request: &Request) {
        self.client_id = request.client_id.clone();
        self.arrived = Instant::now();
        self.turn = self.turn.wrapping_add(1);
        self.injected = None;
        self.outlives_peer.store(false, Ordering::SeqCst);
    }

    /// Has the request at hand carried out even if its client leaves before that.
    pub(super) fn outlive_peer(&self) {
        self.outlives_peer.store(true, Ordering::SeqCst);
    }

    /// Says, while a request is being answered, whether it is to be carried out even if its client leaves.
    pub(crate) fn outlives_peer(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.outlives_peer)
    }

    /// Takes note of which offsets of the request at hand were taken, in the order in which it names them.
    pub(super) fn offsets_taken(&self, taken: Vec<bool>) {
        if let Some(ticket) = self.ticket {
            self.shared.journal.taken(ticket, taken);
        }
    }

    /// Takes note that a request has been answered.
    pub(crate) fn answered(&self, ticket: Ticket) {
        self.shared.journal.answered(ticket);
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
