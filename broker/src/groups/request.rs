//! Defines what callers ask of a group, free of wire versions.

use std::time::Duration;

use bytes::Bytes;

use super::member::Protocol;

/// A JoinGroup request.
#[derive(Clone, Debug)]
pub(crate) struct JoinRequest {
    /// The group to join.
    pub(crate) group: String,
    /// The id that the coordinator gave this member before; `None` on its first call.
    pub(crate) member_id: Option<String>,
    /// The id that the member gets if it is new or replaces its static predecessor. Never used before, also not
    /// by an earlier run of the broker: a returning zombie must not pass for somebody else.
    pub(crate) fresh_id: String,
    /// `group.instance.id` (KIP-345).
    pub(crate) instance_id: Option<String>,
    /// `client.id`, for those who describe the group.
    pub(crate) client_id: String,
    /// Address of the client as Kafka prints it, `/127.0.0.1`.
    pub(crate) client_host: String,
    /// `session.timeout.ms`.
    pub(crate) session_timeout: Duration,
    /// `max.poll.interval.ms`: how long the others wait for this member to rejoin.
    pub(crate) rebalance_timeout: Duration,
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: String,
    /// The assignment strategies that the member can follow, its favourite first.
    pub(crate) protocols: Vec<Protocol>,
    /// JoinGroup v4+ (KIP-394): a new dynamic member is first told its id and has to come again with it, so that a
    /// client that gave up on a slow join leaves no ghost behind.
    pub(crate) must_know_its_id: bool,
    /// JoinGroup v9+ (KIP-814): the member understands `skip_assignment`.
    pub(crate) may_skip_assignment: bool,
}

/// Who speaks, in every request that follows a join.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caller<'a> {
    /// Empty for a client that is no member, as on the wire.
    pub(crate) member_id: &'a str,
    /// `group.instance.id`.
    pub(crate) instance_id: Option<&'a str>,
    /// The generation the member believes to be in; `None` where the wire says -1.
    pub(crate) generation: Option<i32>,
}

/// A SyncGroup request.
#[derive(Clone, Debug)]
pub(crate) struct SyncRequest<'a> {
    /// The group.
    pub(crate) group: &'a str,
    /// The member.
    pub(crate) caller: Caller<'a>,
    /// SyncGroup v5+: the protocol type the member counts on.
    pub(crate) protocol_type: Option<&'a str>,
    /// SyncGroup v5+: the strategy the member counts on.
    pub(crate) protocol: Option<&'a str>,
    /// From the group's leader: member id and assignment. Empty from everybody else.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// One member of a LeaveGroup request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaver<'a> {
    /// May be empty when the instance id is given: an operator removes a static member by its name.
    pub(crate) member_id: &'a str,
    /// `group.instance.id`.
    pub(crate) instance_id: Option<&'a str>,
}
