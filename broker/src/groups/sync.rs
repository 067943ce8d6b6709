//! Hands out the leader's assignment: members wait for it, late ones get it when they ask.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::answer::{SyncReply, Synced};
use super::group::{Group, State};
use super::member::Stage;
use super::request::{Caller, SyncRequest};

/// An assignment of no partitions in the consumer protocol: version 0, no topics, null user data.
const NO_PARTITIONS: &[u8] = &[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

impl Group {
    /// Handles a SyncGroup; the answer goes out through `reply`, at once or when the leader has assigned.
    pub(super) fn sync(&mut self, request: SyncRequest<'_>, reply: SyncReply, now: Instant) {
        if let Err(error) = self.check_sync(&request) {
            let _ = reply.send(Err(error));
            return;
        }
        let id = request.caller.member_id;
        if let Some(member) = self.member_mut(id) {
            member.stage = Stage::Syncing(reply);
        }
        match self.state {
            State::CompletingRebalance { sync_by } if self.is_leader(id) => {
                self.assign(request.assignments);
                self.state = State::Stable { sync_by };
                self.revision += 1;
                self.hand_out(now);
            }
            State::Stable { .. } => self.hand_out(now),
            _ => {}
        }
    }

    fn check_sync(&self, request: &SyncRequest<'_>) -> Result<(), ResponseError> {
        self.check_caller(request.caller)?;
        // KIP-559: a member that slept through a change of strategy would misread the assignment.
        let type_differs = request
            .protocol_type
            .is_some_and(|wanted| wanted != self.protocol_type);
        let name_differs = request
            .protocol
            .is_some_and(|wanted| Some(wanted) != self.protocol.as_deref());
        if type_differs || name_differs {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        match self.state {
            State::Empty => Err(ResponseError::UnknownMemberId),
            State::PreparingRebalance(_) => Err(ResponseError::RebalanceInProgress),
            State::CompletingRebalance { .. } | State::Stable { .. } => Ok(()),
        }
    }

    /// Members whom the leader left out get a valid assignment of nothing: clients fail to parse zero bytes.
    fn assign(&mut self, assignments: Vec<(String, Bytes)>) {
        let nothing = if self.protocol_type == "consumer" {
            NO_PARTITIONS
        } else {
            &[]
        };
        let mut assignments: HashMap<String, Bytes> = assignments.into_iter().collect();
        for member in &mut self.members {
            let assigned = assignments
                .remove(&member.id)
                .filter(|bytes| !bytes.is_empty());
            member.assignment = assigned.unwrap_or(Bytes::from_static(nothing));
        }
    }

    /// Answers every member that waits for its assignment.
    fn hand_out(&mut self, now: Instant) {
        let protocol = self.protocol.clone().unwrap_or_default();
        for member in &mut self.members {
            if !matches!(member.stage, Stage::Syncing(_)) {
                continue;
            }
            if let Stage::Syncing(reply) = std::mem::replace(&mut member.stage, Stage::Synced) {
                let assignment = member.assignment.clone();
                let protocol_type = self.protocol_type.clone();
                let _ = reply.send(Ok(Synced {
                    protocol_type,
                    protocol: protocol.clone(),
                    assignment,
                }));
            }
            member.heard_of(now);
        }
    }

    /// Handles a Heartbeat: Ok, or what the member has to do instead of going on.
    pub(super) fn heartbeat(
        &mut self,
        caller: Caller<'_>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.check_caller(caller)?;
        if let Some(member) = self.member_mut(caller.member_id) {
            member.heard_of(now);
        }
        match self.state {
            State::Empty => Err(ResponseError::UnknownMemberId),
            State::PreparingRebalance(_) => Err(ResponseError::RebalanceInProgress),
            State::CompletingRebalance { .. } | State::Stable { .. } => Ok(()),
        }
    }
}
