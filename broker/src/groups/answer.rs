//! Defines the answers that may have to wait until the rest of the group has come.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use tokio::sync::oneshot;

/// Outcome of a JoinGroup.
pub(crate) type JoinAnswer = Result<Joined, JoinRefused>;

/// Outcome of a SyncGroup.
pub(crate) type SyncAnswer = Result<Synced, ResponseError>;

pub(super) type JoinReply = oneshot::Sender<JoinAnswer>;
pub(super) type SyncReply = oneshot::Sender<SyncAnswer>;

/// Membership of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The generation.
    pub(crate) generation: i32,
    /// Protocol type of the group.
    pub(crate) protocol_type: String,
    /// The strategy the members voted for.
    pub(crate) protocol: String,
    /// Member id of the one who computes the assignment.
    pub(crate) leader: String,
    /// Id of the member this answer goes to.
    pub(crate) member_id: String,
    /// Everybody's subscription; empty for all but the leader.
    pub(crate) members: Vec<Participant>,
    /// KIP-814: the leader is back and must not compute an assignment, which nobody would receive.
    pub(crate) skip_assignment: bool,
}

/// A member as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Participant {
    /// Member id.
    pub(crate) member_id: String,
    /// `group.instance.id`.
    pub(crate) instance_id: Option<String>,
    /// Subscription under the chosen strategy.
    pub(crate) metadata: Bytes,
}

/// A JoinGroup that got no membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinRefused {
    /// Why.
    pub(crate) error: ResponseError,
    /// The id to come again with (MEMBER_ID_REQUIRED), else the one that was sent.
    pub(crate) member_id: String,
}

/// What the leader assigned to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// Protocol type of the group.
    pub(crate) protocol_type: String,
    /// The strategy the members voted for.
    pub(crate) protocol: String,
    /// The assignment, in the strategy's own encoding.
    pub(crate) assignment: Bytes,
}

/// Answers a join with an error. Whoever no longer waits for it is gone: nothing to do then.
pub(super) fn refuse_join(reply: JoinReply, error: ResponseError, member_id: &str) {
    let _ = reply.send(Err(JoinRefused {
        error,
        member_id: member_id.to_owned(),
    }));
}
