//! Holds one group: its state, its generation and its members.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;

use super::member::Member;
use super::offsets::Offsets;
use super::request::Caller;

/// Where a group stands. A group that is not there at all is what Kafka calls `Dead`.
#[derive(Debug)]
pub(super) enum State {
    /// No members.
    Empty,
    /// Members are asked to join anew.
    PreparingRebalance(Gathering),
    /// All have joined; the leader's assignment is awaited.
    CompletingRebalance {
        /// Who has not asked for its assignment by then is dropped.
        sync_by: Instant,
    },
    /// The assignment is out.
    Stable {
        /// Who has not asked for its assignment by then is dropped.
        sync_by: Instant,
    },
}

/// The wait for members to join.
#[derive(Debug)]
pub(super) struct Gathering {
    /// Who has not joined by then is not part of the generation.
    pub(super) closes_at: Instant,
    /// Set for a group's first generation, which waits for a while instead of for known members.
    pub(super) initial: Option<InitialDelay>,
}

/// `group.initial.rebalance.delay.ms`, begun anew for every round in which somebody came.
#[derive(Debug)]
pub(super) struct InitialDelay {
    /// By how much the wait may still be prolonged.
    pub(super) left: Duration,
    /// Whether somebody came in this round.
    pub(super) newcomer: bool,
}

/// One consumer group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: String,
    /// How long the first generation waits for more members.
    pub(super) initial_delay: Duration,
    pub(super) state: State,
    pub(super) generation: i32,
    pub(super) protocol_type: String,
    /// The elected strategy, while there is a generation with members.
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    /// In the order they came.
    pub(super) members: Vec<Member>,
    /// Ids handed out to members that have not come again with them (KIP-394), and until when they may.
    pub(super) expected: BTreeMap<String, Instant>,
    pub(super) offsets: Offsets,
    /// Grows with every change of the membership that must outlive a kill.
    pub(super) revision: u64,
}

impl Group {
    pub(super) fn new(id: &str, initial_delay: Duration) -> Self {
        Self {
            id: id.to_owned(),
            initial_delay,
            state: State::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: None,
            leader: None,
            members: Vec::new(),
            expected: BTreeMap::new(),
            offsets: Offsets::default(),
            revision: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.state, State::Empty)
    }

    /// Whether nothing would be lost if the group were forgotten.
    pub(super) fn is_blank(&self) -> bool {
        self.is_empty()
            && self.generation == 0
            && self.expected.is_empty()
            && self.offsets.is_empty()
    }

    /// The state's name as Kafka's tools print it.
    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            State::Empty => "Empty",
            State::PreparingRebalance(_) => "PreparingRebalance",
            State::CompletingRebalance { .. } => "CompletingRebalance",
            State::Stable { .. } => "Stable",
        }
    }

    pub(super) fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    pub(super) fn member_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.id == id)
    }

    pub(super) fn static_member(&self, instance_id: &str) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.instance_id.as_deref() == Some(instance_id))
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Checks that the caller is a member, and still the owner of the instance id it claims (KIP-345).
    pub(super) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance_id) = instance_id {
            let owner = self
                .static_member(instance_id)
                .ok_or(ResponseError::UnknownMemberId)?;
            return if owner.id == member_id {
                Ok(())
            } else {
                Err(ResponseError::FencedInstanceId)
            };
        }
        self.member(member_id)
            .map(|_| ())
            .ok_or(ResponseError::UnknownMemberId)
    }

    /// Checks that the caller is a member of the current generation.
    pub(super) fn check_caller(&self, caller: Caller<'_>) -> Result<(), ResponseError> {
        self.check_member(caller.member_id, caller.instance_id)?;
        if caller.generation == Some(self.generation) {
            Ok(())
        } else {
            Err(ResponseError::IllegalGeneration)
        }
    }

    /// How long the slowest member may take to rejoin.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        self.members
            .iter()
            .map(|member| member.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }
}
