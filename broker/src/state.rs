//! Holds all state of the cluster behind one mutex: topics and their logs, groups, nodes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use parking_lot::{Mutex, MutexGuard};

use crate::groups::Groups;

/// What every connection of every node shares.
pub(crate) struct Shared {
    state: Mutex<State>,
    closed: AtomicBool,
    connections: AtomicU64,
}

impl Shared {
    /// Puts the loaded state behind its mutex.
    pub(crate) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            closed: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        }
    }

    /// Locks the state. Held for microseconds and, the guard not being `Send`, never across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A number no other connection has or had.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Stops everything that writes; what a connection still computes after this is not sent.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        self.closed.store(true, Ordering::SeqCst);
        state.groups.close();
    }

    /// Whether [`Shared::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

/// One broker of the cluster, as clients see it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Counted from 0.
    pub(crate) id: BrokerId,
    /// The advertised address, never a name: some clients try `::1` for `localhost` first.
    pub(crate) host: StrBytes,
    /// The real port, also where port 0 was asked for.
    pub(crate) port: u16,
}

/// Everything the mutex guards.
pub(crate) struct State {
    /// In the order of their ids, at least one.
    pub(crate) nodes: Vec<Node>,
    /// Consumer groups and their offsets.
    pub(crate) groups: Groups,
}

impl State {
    /// The node that coordinates a group or a transactional id: spread by a hash of the name, the same on every node.
    pub(crate) fn coordinator_of(&self, name: &str) -> &Node {
        let hash = name.bytes().fold(0_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        &self.nodes[hash as usize % self.nodes.len()]
    }
}
