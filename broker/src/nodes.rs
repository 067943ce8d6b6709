//! Knows the brokers of the cluster: where they are, which of them are up, who controls and who coordinates.

use std::collections::HashMap;

use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;

/// One broker of the cluster, as clients see it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Counted from 0.
    pub(crate) id: BrokerId,
    /// The advertised address, never a name: some clients try `::1` for `localhost` first.
    pub(crate) host: StrBytes,
    /// The real port, also where port 0 was asked for.
    pub(crate) port: u16,
    power: Power,
}

/// Whether a node is there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Power {
    Up,
    /// It was stopped, and led these partitions until then.
    Down {
        led: Vec<(String, i32)>,
    },
}

impl Node {
    /// A node that is up.
    pub(crate) fn new(id: BrokerId, host: StrBytes, port: u16) -> Self {
        let power = Power::Up;
        Self {
            id,
            host,
            port,
            power,
        }
    }

    /// Whether it is up.
    pub(crate) fn is_up(&self) -> bool {
        self.power == Power::Up
    }

    /// The partitions that it led when it was stopped; none while it is up.
    pub(crate) fn led(&self) -> &[(String, i32)] {
        match &self.power {
            Power::Up => &[],
            Power::Down { led } => led,
        }
    }
}

/// All brokers, in the order of their ids; at least one.
#[derive(Debug)]
pub(crate) struct Nodes {
    all: Vec<Node>,
    /// Groups that were moved from the coordinator their name gives them.
    moved: HashMap<String, BrokerId>,
}

impl Nodes {
    /// Every one of them is up.
    pub(crate) fn new(all: Vec<Node>) -> Self {
        Self {
            all,
            moved: HashMap::new(),
        }
    }

    /// How many there are, up or down.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, up or down.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.all.iter()
    }

    /// Those that are up.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Node> {
        self.iter().filter(|node| node.is_up())
    }

    /// The node of this number.
    pub(crate) fn get(&self, id: BrokerId) -> Option<&Node> {
        self.all.get(usize::try_from(id.0).ok()?)
    }

    /// Whether the node of this number exists and is up.
    pub(crate) fn is_up(&self, id: BrokerId) -> bool {
        self.get(id).is_some_and(Node::is_up)
    }

    /// Those of `ids` that are up.
    pub(crate) fn live_of(&self, ids: &[BrokerId]) -> Vec<BrokerId> {
        ids.iter().copied().filter(|id| self.is_up(*id)).collect()
    }

    /// The first node that is up, going round from `id`.
    pub(crate) fn live_from(&self, id: BrokerId) -> Option<&Node> {
        let first = id.0.unsigned_abs() as usize % self.all.len();
        let (before, from) = self.all.split_at(first);
        from.iter().chain(before).find(|node| node.is_up())
    }

    /// The controller: always a node that is up, or every admin call of librdkafka times out. -1 when none is.
    pub(crate) fn controller(&self) -> BrokerId {
        self.live().next().map_or(BrokerId(-1), |node| node.id)
    }

    /// The node that coordinates a group or a transactional id: where it was moved to, else spread by a hash of the name,
    /// the same on every node; the next one that is up where that one is down.
    pub(crate) fn coordinator_of(&self, name: &str) -> Option<&Node> {
        let hash = name.bytes().fold(0_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        let by_name = BrokerId((hash as usize % self.all.len()) as i32);
        self.live_from(self.moved.get(name).copied().unwrap_or(by_name))
    }

    /// Has a node coordinate a group.
    pub(crate) fn move_coordinator(&mut self, group: &str, to: BrokerId) {
        self.moved.insert(group.to_owned(), to);
    }

    /// Takes note that a node went down, and what it led.
    pub(crate) fn went_down(&mut self, id: BrokerId, led: Vec<(String, i32)>) {
        self.set(id, Power::Down { led });
    }

    /// Takes note that a node is back.
    pub(crate) fn came_up(&mut self, id: BrokerId) {
        self.set(id, Power::Up);
    }

    fn set(&mut self, id: BrokerId, power: Power) {
        let at = usize::try_from(id.0).ok();
        if let Some(node) = at.and_then(|at| self.all.get_mut(at)) {
            node.power = power;
        }
    }
}
