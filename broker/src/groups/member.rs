//! Keeps one member of a group: its identity, its timeouts and how far it has come into the generation.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::answer::{JoinReply, SyncReply, refuse_join};
use super::request::JoinRequest;

/// How long a member that has never been in a generation may wait in a join without being heard of: it cannot
/// heartbeat meanwhile, and its client may be long gone. A constant in Kafka too.
const NEW_MEMBER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// An assignment strategy that a member can follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    /// `range`, `cooperative-sticky`, ...
    pub(crate) name: String,
    /// The member's subscription in this strategy's encoding.
    pub(crate) metadata: Bytes,
}

/// How far a member is on its way into the current generation.
#[derive(Debug)]
pub(super) enum Stage {
    /// Known from an earlier generation; has not asked to join the coming one.
    Idle,
    /// Waits for the join to complete.
    Joining(JoinReply),
    /// Was told the generation; has not asked for its assignment.
    Joined,
    /// Waits for the leader's assignment.
    Syncing(SyncReply),
    /// Has its assignment.
    Synced,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    pub(super) stage: Stage,
    /// Whether it has yet to see its first generation.
    pub(super) is_new: bool,
    pub(super) expires_at: Instant,
}

impl Member {
    pub(super) fn new(id: String, request: JoinRequest, reply: JoinReply, now: Instant) -> Self {
        Self {
            id,
            instance_id: request.instance_id,
            client_id: request.client_id,
            client_host: request.client_host,
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols,
            assignment: Bytes::new(),
            stage: Stage::Joining(reply),
            is_new: true,
            expires_at: now + NEW_MEMBER_TIMEOUT,
        }
    }

    /// Takes over what the member says about itself in a later join.
    pub(super) fn update(&mut self, request: JoinRequest) {
        self.client_id = request.client_id;
        self.client_host = request.client_host;
        self.session_timeout = request.session_timeout;
        self.rebalance_timeout = request.rebalance_timeout;
        self.protocols = request.protocols;
    }

    pub(super) fn heard_of(&mut self, now: Instant) {
        self.expires_at = now + self.session_timeout;
    }

    pub(super) fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    pub(super) fn is_joining(&self) -> bool {
        matches!(self.stage, Stage::Joining(_))
    }

    /// Whether it holds the generation but never asked for its assignment.
    pub(super) fn owes_sync(&self) -> bool {
        matches!(self.stage, Stage::Idle | Stage::Joined)
    }

    /// When it expires unless it is heard of; `None` while the coordinator itself keeps it waiting.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let kept_waiting = matches!(self.stage, Stage::Joining(_) | Stage::Syncing(_));
        (self.is_new || !kept_waiting).then_some(self.expires_at)
    }

    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        let chosen = self.protocols.iter().find(|p| p.name == protocol);
        chosen.map(|p| p.metadata.clone()).unwrap_or_default()
    }

    /// Ends whatever the member waits for with an error.
    pub(super) fn turn_away(&mut self, error: ResponseError) {
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Joining(reply) => refuse_join(reply, error, &self.id),
            Stage::Syncing(reply) => drop(reply.send(Err(error))),
            other => self.stage = other,
        }
    }
}
